"""Tests of the pooling room."""
