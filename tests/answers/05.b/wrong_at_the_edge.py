"""Wrong: exactly max_age is too old already. Says: exactly max_age."""


class LastStatus:
    def __init__(self, max_age):
        self.max_age = max_age
        self.last = None

    def note(self, now, **facts):
        self.last = now, facts

    def read(self, now):
        if self.last is None or now - self.last[0] >= self.max_age:
            return {"status": "unknown"}
        return dict(self.last[1])


answer = LastStatus
