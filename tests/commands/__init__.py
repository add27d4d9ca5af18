"""Tests of the verbs of `python3 -m labsupport`."""
