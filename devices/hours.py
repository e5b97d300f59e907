"""When a guest link opens: pure rules over moments, in the time zone of the door.

Weekly hours are wall-clock hours: "Friday 15:00 to 11:00" means what the clock on the door's wall
shows, on the nights of daylight-saving changes too: where it shows an hour twice, hours that end in
it end the second time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

LOOK_AHEAD_DAYS = 8  # a weekly rule opens again within a week


class When(StrEnum):
    """What a link is at a moment."""

    OPEN = "open"
    EARLY = "early"  # it opens later; `opens_at` says when
    LATE = "late"  # it will not open any more


@dataclass(frozen=True, slots=True)
class Span:
    """Hours of some weekdays; `until` at or before `start` means the next morning."""

    days: frozenset[int]  # 0 Monday ... 6 Sunday: the days on which it begins
    start: time
    until: time


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a link opens now, and if not, when it next does."""

    when: When
    opens_at: datetime | None = None  # aware, UTC; only for EARLY


def verdict(
    now: datetime,
    *,
    not_before: datetime,
    not_after: datetime,
    weekly: list[Span],
    zone: ZoneInfo,
) -> Verdict:
    """Judge a moment against a window [not_before, not_after) and weekly hours (none: always)."""
    if now >= not_after:
        return Verdict(When.LATE)
    if not weekly:
        return Verdict(When.OPEN) if now >= not_before else Verdict(When.EARLY, not_before)
    seen = max(now, not_before)
    for begins, ends in _occurrences(seen, weekly, zone):
        if ends <= seen:
            continue
        opens_at = max(begins, not_before)
        if opens_at <= now:
            return Verdict(When.OPEN)
        return Verdict(When.EARLY, opens_at) if opens_at < not_after else Verdict(When.LATE)
    return Verdict(When.LATE)


def _occurrences(
    around: datetime, weekly: list[Span], zone: ZoneInfo
) -> list[tuple[datetime, datetime]]:
    """The spans that begin from the day before a moment on, in order, as UTC."""
    first = around.astimezone(zone).date() - timedelta(days=1)
    found = []
    for ahead in range(LOOK_AHEAD_DAYS + 1):
        day = first + timedelta(days=ahead)
        for span in weekly:
            if day.weekday() in span.days:
                end_day = day if span.until > span.start else day + timedelta(days=1)
                found.append(
                    (
                        _utc(datetime.combine(day, span.start), zone),
                        _utc(datetime.combine(end_day, span.until), zone, last=True),
                    )
                )
    return sorted(found)


def _utc(wall: datetime, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """The first (or last) moment at which the wall clock shows this, or has jumped past it."""
    moment = wall.replace(tzinfo=zone, fold=int(last)).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    # the clock jumps over it: between the readings with the offsets before and after the jump
    early, late = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if middle.astimezone(zone).replace(tzinfo=None) < wall:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)
