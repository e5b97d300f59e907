"""What the clocks on the walls of a time zone show, of many moments at once."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.int64]

DAY_S = 86_400
HOUR_MS = 3_600_000
YEAR_MS = 365 * 86_400_000
ALWAYS_MS = np.iinfo(np.int64).min


class Changes(NamedTuple):
    """How far clocks are ahead of UTC, each `ahead` from its `since` on; all in milliseconds."""

    since: Times
    ahead: Times


def shown(times: Times, zone: ZoneInfo) -> Times:
    """Return what the clocks of a zone show at times in ms since 1970, as if it were UTC."""
    since, ahead = _changes_around(times, zone)
    walls: Times = times + ahead[np.searchsorted(since, times, side="right") - 1]
    return walls


def begins(times: Times, step_ms: int, zone: ZoneInfo) -> Times:
    """Return when the steps of these times begin: as the clocks of a zone show a multiple of one.

    So a step of a day is a day there, of 23 or 25 hours where the clocks are changed.  In an hour
    that comes twice, steps up to an hour begin twice, and longer ones as they first do; where the
    clocks jump over the beginning of a step, or back into the middle of another one, that begins
    with the jump.
    """
    since, ahead = _changes_around(times, zone, step_ms // YEAR_MS + 1)
    old, new = since[1:] + ahead[:-1], since[1:] + ahead[1:]  # what clocks show at the changes
    at = np.searchsorted(since, times, side="right") - 1
    walls = times + ahead[at]
    if step_ms > HOUR_MS:  # what was shown before the clocks went back is not shown again
        walls = np.maximum(walls, np.append(ALWAYS_MS, old - 1)[at])
        new = np.maximum(old, new)
    first, last = np.append(ALWAYS_MS, new), np.append(ALWAYS_MS, (old - 1) // step_ms * step_ms)
    floors = walls // step_ms * step_ms
    found: Times = floors - ahead[at]
    earlier = np.flatnonzero(floors < first[at])  # not begun since the clocks were changed
    while earlier.size:
        goes_on = floors[earlier] == last[at[earlier]]
        found[earlier] = since[at[earlier]]
        earlier = earlier[goes_on]
        at[earlier] -= 1
        found[earlier] = floors[earlier] - ahead[at[earlier]]
        earlier = earlier[floors[earlier] < first[at[earlier]]]
    return found


def _changes_around(times: Times, zone: ZoneInfo, years_before: int = 0) -> Changes:
    first, last = (_year(int(one)) for one in (times.min(), times.max()))
    return _changes(zone, first - years_before, last)


@lru_cache(maxsize=64)
def _changes(zone: ZoneInfo, first_year: int, last_year: int) -> Changes:
    """Return the changes from one year to another, both included; before them is as then."""
    begin = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(last_year, 12, 31, tzinfo=UTC).timestamp()) + DAY_S
    since, ahead = [int(ALWAYS_MS)], [_ahead(begin, zone)]
    for day in range(begin, end, DAY_S):
        if (then := _ahead(day + DAY_S, zone)) != ahead[-1]:
            since.append(_change(day, day + DAY_S, zone) * 1000)
            ahead.append(then)
    return Changes(np.array(since, np.int64), np.array(ahead, np.int64))


def _change(early: int, late: int, zone: ZoneInfo) -> int:
    """Return the second between two others at which the clocks are changed."""
    before = _ahead(early, zone)
    while late - early > 1:
        middle = (early + late) // 2
        early, late = (middle, late) if _ahead(middle, zone) == before else (early, middle)
    return late


def _ahead(second: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(second, zone).utcoffset()
    return round(offset.total_seconds() * 1000) if offset else 0


def _year(ms: int) -> int:
    return datetime.fromtimestamp(ms / 1000, UTC).year
