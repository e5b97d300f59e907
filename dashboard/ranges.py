"""Which part of time a page shows, as its address says it.

`assets/range-address.js` reads the same, and says what in an address makes no sense.
"""

import contextlib
import re
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from flask_babel import gettext as _

from clock import to_ms
from errors import Invalid
from notify.mark import N_

DAY_MS = 86_400_000
WIDTHS_MS = {
    "5m": 300_000,
    "15m": 900_000,
    "1h": 3_600_000,
    "6h": 21_600_000,
    "24h": DAY_MS,
    "7d": 7 * DAY_MS,
    "30d": 30 * DAY_MS,
    "1y": 365 * DAY_MS,
    "5y": 5 * 365 * DAY_MS,
}
FIRST = "1h"
LATEST_MS = 253_402_300_800_000  # the year 10000
NUMBER = re.compile(r"[0-9]{1,15}")
ISO = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A part of time, half-open: [start, end).

    Attributes:
        name: of a range that moves on with the time; empty for times that stand still.
        start_ms: milliseconds since 1970 UTC, included.
        end_ms: milliseconds since 1970 UTC, excluded.
    """

    name: str
    start_ms: int
    end_ms: int

    @property
    def query(self) -> str:
        """The same as the query of an address."""
        return f"range={self.name}" if self.name else f"from={self.start_ms}&to={self.end_ms}"


def shown(query: dict[str, Any], *, now_ms: int, zone: tzinfo) -> Shown:
    """Return what the query of a page asks for; the usual range if that makes no sense.

    Times without an offset are those of clocks in `zone`.
    """
    begin, end, name = (_first(query.get(key, "")) for key in ("from", "to", "range"))
    with contextlib.suppress(Invalid):
        start_ms, end_ms = span(moment(begin, zone), moment(end, zone))
        if start_ms < now_ms:
            return Shown("", start_ms, end_ms)
    name = name if name in WIDTHS_MS else FIRST
    return Shown(name, now_ms + 1 - WIDTHS_MS[name], now_ms + 1)


def _first(given: Any) -> str:
    """Return the value of a parameter, as Dash has it; the first one if there are several."""
    return str(given[0] if isinstance(given, list) and given else given)


def words() -> dict[str, str]:
    """Return what each range is called."""
    return {
        "5m": _("5 min"),
        "15m": _("15 min"),
        "1h": _("1 h"),
        "6h": _("6 h"),
        "24h": _("24 h"),
        "7d": _("7 d"),
        "30d": _("30 d"),
        "1y": _("1 y"),
        "5y": _("5 y"),
    }


def moment(text: str, zone: tzinfo) -> int:
    """Return a time in milliseconds from such a number or ISO 8601, without an offset in a zone.

    Raises:
        Invalid: bad_time, this is none, or none of the years 1970 to 9999.
    """
    try:
        if NUMBER.fullmatch(text):
            ms = int(text)
        elif ISO.fullmatch(text):
            at = datetime.fromisoformat(text)
            ms = to_ms(at if at.tzinfo else at.replace(tzinfo=zone))
        else:
            raise ValueError(text)
    except (ValueError, OverflowError) as error:
        raise Invalid(
            "bad_time",
            N_("%(text)s is not a time: write it like 2026-01-31T12:00."),
            text=text[:40],
        ) from error
    if not 0 <= ms <= LATEST_MS:
        raise Invalid("bad_time", N_("Times lie between the years 1970 and 9999."))
    return ms


def span(start_ms: int, end_ms: int) -> tuple[int, int]:
    """Return a span of time.

    Raises:
        Invalid: bad_range, it does not end after it begins.
    """
    if not start_ms < end_ms:
        raise Invalid("bad_range", N_("The range must end after it begins."))
    return start_ms, end_ms
