"""Support code of the Connection Pooling Lab: a real PostgreSQL, honest measurements, lessons."""

__version__ = "0.1.0"
