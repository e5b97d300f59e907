"""Answers that take as long for known addresses as for unknown ones.

What differs, a row more or a mail less, takes milliseconds.  A step of a tenth of a second is
waited out to its end, whatever came of it, so that those milliseconds cannot be seen.
"""

import time
from collections.abc import Callable
from functools import wraps
from math import ceil
from typing import ParamSpec, TypeVar

STEP_S = 0.1

P = ParamSpec("P")
R = TypeVar("R")


def steady(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function take a whole number of steps, also when it raises."""

    @wraps(function)
    def timed(*args: P.args, **kwargs: P.kwargs) -> R:
        began = time.monotonic()
        try:
            return function(*args, **kwargs)
        finally:
            took = time.monotonic() - began
            time.sleep(max(0.0, ceil(took / STEP_S) * STEP_S - took))

    return timed
