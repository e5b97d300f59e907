"""Which part of time a page shows, as its address says it; `assets/range.js` reads the same."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask_babel import gettext as _

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


def shown(query: dict[str, Any], *, now_ms: int) -> Shown:
    """Return what the query of a page asks for; the usual range if that makes no sense."""
    start, end = _moment(query.get("from")), _moment(query.get("to"))
    if start is not None and end is not None and start < end:
        return Shown("", start, end)
    name = query.get("range")
    name = name if isinstance(name, str) and name in WIDTHS_MS else FIRST
    return Shown(name, now_ms + 1 - WIDTHS_MS[name], now_ms + 1)


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


def _moment(text: Any) -> int | None:
    """Return a time in milliseconds from ISO 8601, without an offset UTC, or from such a number."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    if text.isascii() and text.isdigit():
        ms = int(text)
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        ms = int(moment.timestamp() * 1000)
    return ms if 0 <= ms < 10**15 else None
