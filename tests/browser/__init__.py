"""Lessons in a real browser: `python3 -m labsupport test --browser`."""
