"""Wrong: returns the dictionary that it keeps. Says: whose dictionary."""


class LastStatus:
    def __init__(self, max_age):
        self.max_age = max_age
        self.last = None

    def note(self, now, **facts):
        self.last = now, facts

    def read(self, now):
        if self.last is None or now - self.last[0] > self.max_age:
            return {"status": "unknown"}
        return self.last[1]


answer = LastStatus
