"""The exercises: their engine, their texts, their checks."""
