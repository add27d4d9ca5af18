"""Wrong: a note at the second 0 counts as none. Says: 0 is a moment."""


class LastStatus:
    def __init__(self, max_age):
        self.max_age = max_age
        self.at = 0
        self.facts = {}

    def note(self, now, **facts):
        self.at, self.facts = now, facts

    def read(self, now):
        if not self.at or now - self.at > self.max_age:
            return {"status": "unknown"}
        return dict(self.facts)


answer = LastStatus
