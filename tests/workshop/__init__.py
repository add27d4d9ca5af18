"""What `test --workshop` runs: a room of participants, and programs that a lesson lacks."""
