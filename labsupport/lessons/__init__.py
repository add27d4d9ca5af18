"""What the cells of a notebook call: begin, predict, show, verify, finish."""

from labsupport.lessons.beginning import Lab, begin
from labsupport.lessons.claims import at_least, at_most, between, less_than, more_than, verify
from labsupport.lessons.ending import LessonFailed, finish
from labsupport.lessons.numbers import number
from labsupport.lessons.phases import Phases, plot_phases, plot_states
from labsupport.lessons.predictions import guessed, predict
from labsupport.lessons.references import reference
from labsupport.lessons.showing import show, show_rows, show_slider, show_source

__all__ = [
    "Lab",
    "LessonFailed",
    "Phases",
    "at_least",
    "at_most",
    "begin",
    "between",
    "finish",
    "guessed",
    "less_than",
    "more_than",
    "number",
    "plot_phases",
    "plot_states",
    "predict",
    "reference",
    "show",
    "show_rows",
    "show_slider",
    "show_source",
    "verify",
]
