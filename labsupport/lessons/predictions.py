"""Guesses that a learner makes before a cell runs, kept in a small readable file."""

from __future__ import annotations

import json
from typing import Any

import filelock

from labsupport.errors import cannot_write
from labsupport.places import work_folder

__all__ = ["guessed", "predict"]

LOCK_LIMIT = 10


def predict(question: str, guess: Any) -> None:
    """Record your guess for a question such as "01.1". With None nothing is recorded.

    Guesses are kept in `my_work/predictions.json`; running the cell again replaces the guess.
    """
    if guess is None:
        print("No guess recorded. If you like, put yours in place of None and run this cell again.")
        return
    try:
        work_folder().mkdir(exist_ok=True)
    except OSError as error:
        otherwise = "Make it a folder that you may write to, or move what is there out of the way."
        raise cannot_write(str(work_folder()), error, otherwise) from error
    with filelock.FileLock(work_folder() / ".predictions.lock", timeout=LOCK_LIMIT):
        guesses = _read()
        guesses[question] = guess if isinstance(guess, (int, float, str)) else str(guess)
        half = work_folder() / "predictions.json.half"
        half.write_text(json.dumps(guesses, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        half.replace(work_folder() / "predictions.json")
    print(f"Recorded for question {question}: {guess}. Now run the next cell.")


def guessed(question: str) -> str:
    """Return "You guessed ... " for a question that has a guess, and "" for one that has none."""
    guess = _read().get(question)
    return "" if guess is None else f"You guessed {guess}. "


def _read() -> dict[str, Any]:
    # A file that somebody edited by hand and broke is put aside, never overwritten.
    file = work_folder() / "predictions.json"
    try:
        guesses = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        guesses = None
    if isinstance(guesses, dict):
        return guesses
    kept = file.with_name("predictions-unreadable.json")
    file.replace(kept)
    print(f"{file.name} could not be read; it is kept as {kept.name} and a new one begins.")
    return {}
