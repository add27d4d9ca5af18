"""Exercise 05.b: the last status, and whether it still says anything."""

__all__ = ["LastStatus"]


class LastStatus:
    """Keeps what was noted last, and forgets it when it is too old."""

    def __init__(self, max_age):
        """Take the age in seconds up to which a status is good."""
        self.max_age = max_age
        self.noted_at = None
        self.facts = {}

    def note(self, now, **facts):
        """Put these facts in the place of all that was known."""
        self.noted_at, self.facts = now, facts

    def read(self, now):
        """Return the facts, or that nothing is known."""
        if self.noted_at is None or now - self.noted_at > self.max_age:
            return {"status": "unknown"}
        return dict(self.facts)
