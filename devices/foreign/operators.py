"""What templates may do with two values; nothing that could grow without an end."""

import operator
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from jinja2 import nodes

from devices.foreign.bounded import Failed
from devices.foreign.filters import formatted

NUMERIC: dict[type[nodes.Node], Callable[[Any, Any], Any]] = {
    nodes.Add: operator.add,
    nodes.Sub: operator.sub,
    nodes.Mul: operator.mul,
    nodes.Div: operator.truediv,
    nodes.FloorDiv: operator.floordiv,
    nodes.Mod: operator.mod,
    nodes.Pow: lambda left, right: float(left) ** float(right),
}
TIMED: dict[type[nodes.Node], Callable[[Any, Any], Any]] = {
    nodes.Add: operator.add,
    nodes.Sub: operator.sub,
}
COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gteq": operator.ge,
    "lt": operator.lt,
    "lteq": operator.le,
    "in": lambda part, whole: part in whole,
    "notin": lambda part, whole: part not in whole,
}


def calculated(node: nodes.BinExpr, left: Any, right: Any) -> Any:
    """Return what an operator makes of two values.

    Raises:
        Failed: it is none for such values.
    """
    kind = type(node)
    if isinstance(left, str):
        if kind is nodes.Add and isinstance(right, str):
            return left + right
        if kind is nodes.Mod:
            return formatted(left, *(right if isinstance(right, list) else [right]))
        raise Failed
    if isinstance(left, datetime | timedelta) and kind in TIMED:
        return TIMED[kind](left, right)
    return NUMERIC[kind](number(left), number(right))


def number(value: Any) -> Any:
    """Return a value that is a number.

    Raises:
        Failed: it is none.
    """
    if isinstance(value, int | float):
        return value
    raise Failed
