"""Wrong: a note without facts counts as none. Says: a note without facts is a note."""


class LastStatus:
    def __init__(self, max_age):
        self.max_age = max_age
        self.at = None
        self.facts = {}

    def note(self, now, **facts):
        self.at, self.facts = now, facts

    def read(self, now):
        if not self.facts or now - self.at > self.max_age:
            return {"status": "unknown"}
        return dict(self.facts)


answer = LastStatus
