"""What values a part of a device may be set to: bounds, steps, words."""

from collections.abc import Collection
from math import isclose, isfinite
from typing import Any

from errors import Invalid
from notify.mark import N_

LONGEST_TEXT = 255


def number(
    value: Any, *, label: str, low: float, high: float, step: float | None = None
) -> int | float:
    """Return a number that may be set; whole numbers without a point.

    Args:
        value: what somebody wants.
        label: what people call the part.
        low: the least value ...
        high: ... and the greatest.
        step: values are `low` and whole steps above it; None or 0: any.

    Raises:
        Invalid: value_invalid, value_out_of_bounds or value_off_step.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise refused()
    if not low <= value <= high:
        raise Invalid(
            "value_out_of_bounds",
            N_("%(part)s takes values from %(low)s to %(high)s."),
            part=label,
            low=f"{low:g}",
            high=f"{high:g}",
            field="params",
        )
    steps = (value - low) / step if step else 0.0
    if not isclose(steps, round(steps), rel_tol=1e-9, abs_tol=1e-6):
        raise Invalid(
            "value_off_step",
            N_("%(part)s takes values in steps of %(step)s from %(low)s on."),
            part=label,
            step=f"{step:g}",
            low=f"{low:g}",
            field="params",
        )
    return int(value) if float(value).is_integer() else value


def word(value: Any, *, label: str, options: Collection[str]) -> str | int | float:
    """Return a word that may be set; without options any short text.

    Raises:
        Invalid: value_invalid, or value_unknown.
    """
    if not isinstance(value, str | int | float) or len(str(value)) > LONGEST_TEXT:
        raise refused()
    if options and value not in options:
        raise Invalid(
            "value_unknown",
            N_("%(part)s takes one of these: %(options)s."),
            part=label,
            options=", ".join(options),
            field="params",
        )
    return value


def refused() -> Invalid:
    """Return the error of a value that the device does not take at all."""
    return Invalid("value_invalid", N_("The device does not take this value."), field="params")
