"""Wrong: all objects share one status. Says: second object."""

LAST = [None, {"status": "unknown"}]


class LastStatus:
    def __init__(self, max_age):
        self.max_age = max_age

    def note(self, now, **facts):
        LAST[:] = [now, facts]

    def read(self, now):
        if LAST[0] is None or now - LAST[0] > self.max_age:
            return {"status": "unknown"}
        return dict(LAST[1])


answer = LastStatus
