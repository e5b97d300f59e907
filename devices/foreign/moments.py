"""Points in time in templates: as numbers, as texts, and counted forwards and back.

What Home Assistant would show in local time is UTC here: a template does not know where it is.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import clock
from devices.foreign.bounded import NONE_GIVEN, Failed, instead_of

LONGEST_FORMAT = 64  # characters
PLAIN = "%Y-%m-%dT%H:%M:%S"


def as_datetime(value: Any, default: Any = NONE_GIVEN) -> Any:
    """Return a point in time from seconds since 1970 or from a text of ISO 8601."""
    if isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and not _is_number(value):
            found = datetime.fromisoformat(value.strip())
        else:
            found = datetime.fromtimestamp(float(value), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return instead_of(default)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def as_timestamp(value: Any, default: Any = NONE_GIVEN) -> Any:
    """Return seconds since 1970."""
    found = as_datetime(value, None)
    return instead_of(default) if found is None else found.timestamp()


def custom(value: Any, form: Any = PLAIN, _local: Any = True, default: Any = NONE_GIVEN) -> Any:
    """Return seconds since 1970 as a text of a form that strftime knows."""
    found = as_datetime(value, None)
    return instead_of(default) if found is None else strftime(found, form)


def iso(value: Any, default: Any = NONE_GIVEN) -> Any:
    """Return seconds since 1970 as a text of ISO 8601."""
    found = as_datetime(value, None)
    return instead_of(default) if found is None else found.isoformat()


def read(text: Any, form: Any, default: Any = NONE_GIVEN) -> Any:
    """Return the point in time that a text of such a form stands for."""
    try:
        found = datetime.strptime(  # noqa: DTZ007  made aware below
            str(text)[:LONGEST_FORMAT], str(form)[:LONGEST_FORMAT]
        )
    except ValueError:
        return instead_of(default)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def strftime(moment: datetime, form: Any) -> str:
    """Return a point in time in a form of bounded length."""
    text = str(form)
    if len(text) > LONGEST_FORMAT:
        raise Failed
    return moment.strftime(text)


def length(**given: Any) -> timedelta:
    """Return a length of time: days, hours, minutes, seconds ..."""
    numbers = {name: float(value) for name, value in given.items()}
    if not all(math.isfinite(value) for value in numbers.values()):
        raise Failed
    return timedelta(**numbers)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


FILTERS: dict[str, Callable[..., Any]] = {
    "as_datetime": as_datetime,
    "as_local": as_datetime,
    "as_timestamp": as_timestamp,
    "timestamp_custom": custom,
    "timestamp_local": iso,
    "timestamp_utc": iso,
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "as_datetime": as_datetime,
    "as_local": as_datetime,
    "as_timestamp": as_timestamp,
    "now": clock.utcnow,
    "strptime": read,
    "timedelta": length,
    "utcnow": clock.utcnow,
}
METHODS: dict[type, dict[str, Callable[..., Any]]] = {
    datetime: {
        "isoformat": datetime.isoformat,
        "strftime": strftime,
        "timestamp": datetime.timestamp,
        "weekday": datetime.weekday,
    },
    timedelta: {"total_seconds": timedelta.total_seconds},
}
FIELDS: dict[type, frozenset[str]] = {
    datetime: frozenset({"year", "month", "day", "hour", "minute", "second", "microsecond"}),
    timedelta: frozenset({"days", "seconds"}),
}
