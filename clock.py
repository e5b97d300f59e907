"""The time, from one place, so that tests can stop it."""

import time
from datetime import UTC, datetime
from functools import cache
from zoneinfo import available_timezones


def utcnow() -> datetime:
    """Return the present moment as an aware UTC datetime."""
    return datetime.now(UTC)


def now_ms() -> int:
    """Return the present moment in milliseconds since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def to_ms(moment: datetime) -> int:
    """Return an aware datetime as milliseconds since 1970-01-01 UTC, rounded down."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return int(moment.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """Return milliseconds since 1970-01-01 UTC as an aware UTC datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)


@cache
def time_zones() -> frozenset[str]:
    """Return the names of all time zones; found once, as that reads hundreds of files."""
    return frozenset(available_timezones())


@cache
def zones_of_places() -> tuple[str, ...]:
    """Return the names of those that places have, such as Europe/Vienna, in order."""
    return tuple(
        sorted(name for name in time_zones() if "/" in name and not name.startswith("Etc/"))
    )
