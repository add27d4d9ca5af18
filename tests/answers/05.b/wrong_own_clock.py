"""Wrong: looks at a clock of its own. Says: the caller says what time."""

import time


class LastStatus:
    def __init__(self, max_age):
        self.max_age = max_age
        self.noted_at = None

    def note(self, now, **facts):
        self.noted_at, self.facts = time.monotonic(), facts

    def read(self, now):
        if self.noted_at is None or now - self.noted_at > self.max_age:
            return {"status": "unknown"}
        return dict(self.facts)


answer = LastStatus
