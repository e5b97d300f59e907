"""What templates may call: filters, tests, functions and methods, each over plain values only."""

import json
import math
from collections.abc import Callable
from typing import Any

LONGEST = 16_384  # characters or items of any value on the way
DEEPEST_BITS = 256  # of a whole number


class Failed(Exception):
    """A template has no value."""


class Missing:
    """What a name or a key stands for that is not there."""

    def __str__(self) -> str:
        return ""

    def __bool__(self) -> bool:
        return False


MISSING = Missing()
_NONE_GIVEN = object()


def checked(value: Any) -> Any:
    """Return a value that is not larger than anything a message could hold.

    Raises:
        Failed: it is.
    """
    if isinstance(value, str | list | tuple | dict) and len(value) > LONGEST:
        raise Failed
    if isinstance(value, int) and value.bit_length() > DEEPEST_BITS:
        raise Failed
    return value


def to_float(value: Any, default: Any = _NONE_GIVEN) -> Any:
    """Return a number; what is none gives the default."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return _instead(default)


def to_int(value: Any, default: Any = _NONE_GIVEN, base: int = 10) -> Any:
    """Return a whole number; decimals are cut off."""
    try:
        if isinstance(value, str) and base != 10:
            return checked(int(value, base))
        try:
            return checked(int(value))
        except ValueError:
            return checked(int(float(value)))
    except (TypeError, ValueError, OverflowError):
        return _instead(default)


def to_round(
    value: Any, precision: int = 0, method: str = "common", default: Any = _NONE_GIVEN
) -> Any:
    """Return a number with so many decimals; a whole number without decimals."""
    try:
        number, factor = float(value), 10.0 ** int(precision)
        if method == "ceil":
            number = math.ceil(number * factor) / factor
        elif method == "floor":
            number = math.floor(number * factor) / factor
        elif method == "half":
            number = round(number * 2) / 2
        else:
            number = round(number, int(precision))
        return int(number) if precision == 0 else number
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return _instead(default)


def default(value: Any, instead: Any = "", boolean: bool = False) -> Any:
    """Return something else for what is not there."""
    return instead if value is MISSING or (boolean and not value) else value


def is_defined(value: Any) -> Any:
    """Return the value; what is not there ends the template without a value."""
    if value is MISSING:
        raise Failed
    return value


def iif(value: Any, yes: Any = True, no: Any = False, none: Any = _NONE_GIVEN) -> Any:
    """Return one of two."""
    if value is None and none is not _NONE_GIVEN:
        return none
    return yes if value else no


def from_json(value: Any, instead: Any = _NONE_GIVEN) -> Any:
    """Return the value of a JSON text."""
    try:
        return json.loads(str(value))
    except (ValueError, RecursionError):
        return _instead(instead)


def to_json(value: Any, **_style: Any) -> str:
    """Return a value as JSON."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        raise Failed from None


def replace(value: Any, old: Any, new: Any) -> str:
    """Return a text with a part replaced, never by something that makes it much longer."""
    text, part, fresh = str(value), str(old), str(new)
    if len(text) * max(1, len(fresh)) > LONGEST * 4:
        raise Failed
    return text.replace(part, fresh)


def join(values: Any, between: Any = "") -> str:
    """Return the items of a list as one text."""
    items, glue = _listed(values), str(between)
    if len(glue) * len(items) > LONGEST:
        raise Failed
    return glue.join(str(item) for item in items)


def number_of(value: Any) -> float:
    """Return the length of a text, list or object."""
    if isinstance(value, str | list | tuple | dict):
        return len(value)
    raise Failed


def _instead(given: Any) -> Any:
    if given is _NONE_GIVEN:
        raise Failed
    return given


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list | tuple | str):
        return list(value)
    raise Failed


def _item(at: int) -> Callable[[Any], Any]:
    def item(value: Any) -> Any:
        items = _listed(value)
        return items[at] if items else MISSING

    return item


def _extreme(choose: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    def extreme(*values: Any) -> Any:
        return choose(_listed(values[0]) if len(values) == 1 else list(values))

    return extreme


def _truth(value: Any, instead: Any = _NONE_GIVEN) -> Any:
    words = {"true": True, "yes": True, "on": True, "enable": True, "1": True} | dict.fromkeys(
        ("false", "no", "off", "disable", "0"), False
    )
    if isinstance(value, bool | int | float):
        return bool(value)
    found = words.get(str(value).strip().lower())
    return _instead(instead) if found is None else found


FILTERS: dict[str, Callable[..., Any]] = {
    "float": to_float,
    "int": to_int,
    "round": to_round,
    "default": default,
    "d": default,
    "is_defined": is_defined,
    "iif": iif,
    "bool": _truth,
    "abs": abs,
    "string": str,
    "lower": lambda value: str(value).lower(),
    "upper": lambda value: str(value).upper(),
    "title": lambda value: str(value).title(),
    "capitalize": lambda value: str(value).capitalize(),
    "trim": lambda value: str(value).strip(),
    "replace": replace,
    "split": lambda value, at=None: str(value).split(at),
    "join": join,
    "first": _item(0),
    "last": _item(-1),
    "length": number_of,
    "count": number_of,
    "min": _extreme(min),
    "max": _extreme(max),
    "sum": lambda values: sum(_listed(values)),
    "add": lambda value, more: to_float(value) + more,
    "multiply": lambda value, by: to_float(value) * by,
    "bitwise_and": lambda value, other: to_int(value) & to_int(other),
    "bitwise_or": lambda value, other: to_int(value) | to_int(other),
    "from_json": from_json,
    "to_json": to_json,
    "tojson": to_json,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: FILTERS[name] for name in ("float", "int", "bool", "iif", "min", "max")
}
TESTS: dict[str, Callable[..., bool]] = {
    "defined": lambda value: value is not MISSING,
    "undefined": lambda value: value is MISSING,
    "none": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": lambda value: isinstance(value, float),
    "boolean": lambda value: isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "mapping": lambda value: isinstance(value, dict),
    "sequence": lambda value: isinstance(value, str | list | tuple | dict),
    "iterable": lambda value: isinstance(value, str | list | tuple | dict),
    "true": lambda value: value is True,
    "false": lambda value: value is False,
    "odd": lambda value: value % 2 == 1,
    "even": lambda value: value % 2 == 0,
    "eq": lambda value, other: bool(value == other),
    "equalto": lambda value, other: bool(value == other),
    "ne": lambda value, other: bool(value != other),
    "gt": lambda value, other: bool(value > other),
    "lt": lambda value, other: bool(value < other),
    "in": lambda value, others: value in others,
}
METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    str: {
        "lower": str.lower,
        "upper": str.upper,
        "title": str.title,
        "capitalize": str.capitalize,
        "strip": str.strip,
        "split": str.split,
        "startswith": str.startswith,
        "endswith": str.endswith,
        "isnumeric": str.isnumeric,
        "isdigit": str.isdigit,
        "replace": replace,
        "join": lambda text, values: join(values, text),
    },
    dict: {
        "get": lambda data, key, instead=None: data.get(key, instead),
        "keys": list,
        "values": lambda data: list(data.values()),
        "items": lambda data: [list(pair) for pair in data.items()],
    },
}
