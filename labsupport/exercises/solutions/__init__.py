"""One solution of each exercise; there are others."""
