"""Wrong: the error of before is left over. Says: left over."""


class LastStatus:
    def __init__(self, max_age):
        self.max_age = max_age
        self.noted_at = None
        self.facts = {}

    def note(self, now, **facts):
        self.noted_at = now
        self.facts.update(facts)

    def read(self, now):
        if self.noted_at is None or now - self.noted_at > self.max_age:
            return {"status": "unknown"}
        return self.facts.copy()


answer = LastStatus
