"""When each request of a load was answered, how long that took, and how it ended."""

from __future__ import annotations

from collections import Counter
from time import perf_counter

from labsupport.measuring.load import Request
from labsupport.measuring.samples import Watch
from labsupport.measuring.timeline import Floats, floats

__all__ = ["ANSWERED", "Answers"]

ANSWERED = "answered"


class Answers:
    """Keeps every answer beside what a watch sees, with the same clock.

    looking = watch(pool.get_pool_stats)
    answers = Answers(looking)
    await measure(answers.of(request), load, watch=looking)
    plot_time_line(looking.line, answers)
    """

    def __init__(self, looking: Watch) -> None:
        self._looking = looking
        self._kept: list[tuple[str, float, float]] = []

    def of(self, request: Request) -> Request:
        """Return the same request, whose answers are kept; it returns and raises the same.

        The time counts from the moment the request is sent. One that is given up has no answer.
        """

        async def kept() -> object:
            sent = perf_counter()
            try:
                answer = await request()
            except Exception as error:
                self._keep(type(error).__name__, sent)
                raise
            self._keep(ANSWERED, sent)
            return answer

        return kept

    def _keep(self, outcome: str, sent: float) -> None:
        self._kept.append((outcome, self._looking.elapsed, (perf_counter() - sent) * 1000))

    @property
    def counts(self) -> dict[str, int]:
        """How many ended how: "answered", or the name of the exception."""
        return dict(Counter(outcome for outcome, _, _ in self._kept))

    def by_outcome(self) -> dict[str, tuple[Floats, Floats]]:
        """Return for each outcome when its answers came, and after how many ms.

        Two arrays of shape (number of answers,); the moments are seconds since the watch began.
        """
        return {
            outcome: (
                floats([moment for kind, moment, _ in self._kept if kind == outcome]),
                floats([duration for kind, _, duration in self._kept if kind == outcome]),
            )
            for outcome in self.counts
        }
