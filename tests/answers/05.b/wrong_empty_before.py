"""Wrong: an empty dictionary when nothing is known. Says: before anything."""


class LastStatus:
    def __init__(self, max_age):
        self.max_age = max_age
        self.noted_at, self.facts = 0, {}

    def note(self, now, **facts):
        self.noted_at, self.facts = now, facts

    def read(self, now):
        if self.facts and now - self.noted_at > self.max_age:
            return {"status": "unknown"}
        return dict(self.facts)


answer = LastStatus
