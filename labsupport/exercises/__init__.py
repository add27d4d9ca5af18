"""Exercises that watch what an answer does: check, hint, solution, progress.

Reading order: `spine` (what the exercises are), `checking` (the parent's side of a check), `child`
and `bench` (the other side), then the modules in `checks` and `solutions`.
"""

from labsupport.exercises.checking import check
from labsupport.exercises.helping import Hint, Solution, hint, solution
from labsupport.exercises.keeping import Progress, progress
from labsupport.exercises.results import Result

__all__ = ["Hint", "Progress", "Result", "Solution", "check", "hint", "progress", "solution"]
