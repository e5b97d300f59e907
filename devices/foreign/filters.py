"""What templates may call: filters, tests, functions and methods, each over plain values only."""

import json
import math
import re
import statistics
from collections.abc import Callable
from datetime import datetime
from typing import Any

from devices.foreign import moments
from devices.foreign.bounded import LONGEST, MISSING, NONE_GIVEN, Failed, checked, instead_of

PLACEHOLDER = re.compile(r"%(%|[-+ 0#]{0,5}(\d{0,2})(\.\d{1,2})?[diouxXeEfFgGs])")


def to_float(value: Any, default: Any = NONE_GIVEN) -> Any:
    """Return a number; what is none gives the default."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return instead_of(default)


def to_int(value: Any, default: Any = NONE_GIVEN, base: int = 10) -> Any:
    """Return a whole number; decimals are cut off."""
    try:
        if isinstance(value, str) and base != 10:
            return checked(int(value, base))
        try:
            return checked(int(value))
        except ValueError:
            return checked(int(float(value)))
    except (TypeError, ValueError, OverflowError):
        return instead_of(default)


def to_round(
    value: Any, precision: int = 0, method: str = "common", default: Any = NONE_GIVEN
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
        return instead_of(default)


def default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    """Return something else for what is not there."""
    return default_value if value is MISSING or (boolean and not value) else value


def is_defined(value: Any) -> Any:
    """Return the value; what is not there ends the template without a value."""
    if value is MISSING:
        raise Failed
    return value


def iif(value: Any, yes: Any = True, no: Any = False, none: Any = NONE_GIVEN) -> Any:
    """Return one of two."""
    if value is None and none is not NONE_GIVEN:
        return none
    return yes if value else no


def from_json(value: Any, default: Any = NONE_GIVEN) -> Any:
    """Return the value of a JSON text."""
    try:
        return json.loads(str(value))
    except (ValueError, RecursionError):
        return instead_of(default)


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


def formatted(text: Any, *values: Any) -> str:
    """Return a text with values in the places of `%.1f` and its like; none is long."""
    rest = PLACEHOLDER.sub("", str(text))
    if "%" in rest:
        raise Failed
    return str(text) % tuple(values)


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number, or the text of one."""
    try:
        return math.isfinite(float(value))
    except (TypeError, ValueError, OverflowError):
        return False


def total(values: Any, attribute: Any = None, start: Any = 0) -> Any:
    """Return the sum of a list, or of one key of each object in it."""
    items = _listed(values)
    if attribute is not None:
        items = [item[attribute] for item in items]
    if not all(isinstance(item, int | float) for item in (*items, start)):
        raise Failed
    return sum(items, start)


def number_of(value: Any) -> float:
    """Return the length of a text, list or object."""
    if isinstance(value, str | list | tuple | dict):
        return len(value)
    raise Failed


def _listed(value: Any) -> list[Any]:
    if isinstance(value, list | tuple | str | dict):
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


def _of_number(function: Callable[..., float]) -> Callable[..., Any]:
    def of_number(value: Any, *more: Any) -> Any:
        return function(to_float(value), *map(to_float, more))

    return of_number


def _of_numbers(function: Callable[[list[float]], float]) -> Callable[..., Any]:
    def of_numbers(*values: Any) -> Any:
        items = _listed(values[0]) if len(values) == 1 else list(values)
        return function([to_float(item) for item in items])

    return of_numbers


def _truth(value: Any, default: Any = NONE_GIVEN) -> Any:
    words = {"true": True, "yes": True, "on": True, "enable": True, "1": True} | dict.fromkeys(
        ("false", "no", "off", "disable", "0"), False
    )
    if isinstance(value, bool | int | float):
        return bool(value)
    found = words.get(str(value).strip().lower())
    return instead_of(default) if found is None else found


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
    "trim": lambda value, marks=None: str(value).strip(marks),
    "replace": replace,
    "split": lambda value, at=None: str(value).split(at),
    "join": join,
    "first": _item(0),
    "last": _item(-1),
    "length": number_of,
    "count": number_of,
    "min": _extreme(min),
    "max": _extreme(max),
    "sum": total,
    "average": _of_numbers(statistics.fmean),
    "mean": _of_numbers(statistics.fmean),
    "median": _of_numbers(statistics.median),
    "sqrt": _of_number(math.sqrt),
    "log": _of_number(math.log),
    "sin": _of_number(math.sin),
    "cos": _of_number(math.cos),
    "tan": _of_number(math.tan),
    "is_number": is_number,
    "format": formatted,
    "list": _listed,
    "sort": lambda values, reverse=False: sorted(_listed(values), reverse=bool(reverse)),
    "unique": lambda values: list(dict.fromkeys(_listed(values))),
    "reverse": lambda value: value[::-1] if isinstance(value, str) else _listed(value)[::-1],
    "add": lambda value, more: to_float(value) + more,
    "multiply": lambda value, by: to_float(value) * by,
    "bitwise_and": lambda value, other: to_int(value) & to_int(other),
    "bitwise_or": lambda value, other: to_int(value) | to_int(other),
    "bitwise_xor": lambda value, other: to_int(value) ^ to_int(other),
    "contains": lambda values, one: one in values,
    "from_json": from_json,
    "to_json": to_json,
    "tojson": to_json,
    **moments.FILTERS,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        name: FILTERS[name]
        for name in ("float", "int", "bool", "iif", "min", "max", "average", "median", "is_number")
    },
    **{name: FILTERS[name] for name in ("sqrt", "log", "sin", "cos", "tan")},
    **moments.FUNCTIONS,
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
    "ge": lambda value, other: bool(value >= other),
    "le": lambda value, other: bool(value <= other),
    "in": lambda value, others: value in others,
    "contains": lambda values, one: one in values,
    "is_number": is_number,
    "datetime": lambda value: isinstance(value, datetime),
    "list": lambda value: isinstance(value, list),
    "lower": lambda value: str(value).islower(),
    "upper": lambda value: str(value).isupper(),
    "divisibleby": lambda value, other: value % other == 0,
}
METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    str: {
        "lower": str.lower,
        "upper": str.upper,
        "title": str.title,
        "capitalize": str.capitalize,
        "strip": str.strip,
        "lstrip": str.lstrip,
        "rstrip": str.rstrip,
        "removeprefix": str.removeprefix,
        "removesuffix": str.removesuffix,
        "rsplit": str.rsplit,
        "splitlines": str.splitlines,
        "find": str.find,
        "rfind": str.rfind,
        "count": str.count,
        "isalpha": str.isalpha,
        "isdecimal": str.isdecimal,
        "zfill": lambda text, width: text.zfill(min(width, LONGEST)),
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
    list: {"index": list.index, "count": list.count},
    **moments.METHODS,
}
