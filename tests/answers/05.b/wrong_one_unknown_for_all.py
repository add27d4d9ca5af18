"""Wrong: hands out the same unknown status each time. Says: the unknown status that it got."""

UNKNOWN = {"status": "unknown"}


class LastStatus:
    def __init__(self, max_age):
        self.max_age = max_age
        self.at = None
        self.facts = {}

    def note(self, now, **facts):
        self.at, self.facts = now, facts

    def read(self, now):
        if self.at is None or now - self.at > self.max_age:
            return UNKNOWN
        return dict(self.facts)


answer = LastStatus
