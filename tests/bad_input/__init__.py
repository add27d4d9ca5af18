"""What people get wrong, and what machines do to them: one sentence, and nothing half-made."""
