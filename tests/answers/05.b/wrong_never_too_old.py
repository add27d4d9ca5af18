"""Wrong: is good for ever. Says: too old."""


class LastStatus:
    def __init__(self, max_age):
        self.facts = {"status": "unknown"}

    def note(self, now, **facts):
        self.facts = facts

    def read(self, now):
        return dict(self.facts)


answer = LastStatus
