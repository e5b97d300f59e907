"""The guest links of a door over its weeks: what each covers, what overlaps, and what is free.

Days are those of the clock beside the door, and each is as wide as any other: on the nights of
daylight-saving changes an hour is a little wider or narrower, and nothing is drawn twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from db.models import GuestLink
from devices import link_states
from devices.link_states import LinkState

DAYS = 7
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stay:
    """What one link covers: [begins, ends), aware.

    A standing link has hours of weekdays, as a cleaner's has: it goes on beside the stays of
    guests, fills no gap and overlaps nothing.
    """

    link_id: str
    label: str
    state: LinkState
    begins: datetime
    ends: datetime
    standing: bool = False


@dataclass(frozen=True, slots=True)
class Bar:
    """The part of a stay in one week; `start` and `length` are in days since its Monday."""

    stay: Stay
    start: float
    length: float
    lane: int  # bars of one lane do not touch each other
    before: bool  # it began in an earlier week
    after: bool  # it goes on in a later one
    beside: tuple[str, ...] = ()  # the labels of stays that overlap it


@dataclass(frozen=True, slots=True)
class Week:
    """Seven days from a Monday on; `free` is when no stay covers the door, as [begin, end)."""

    monday: date
    bars: list[Bar] = field(default_factory=list)
    free: list[tuple[datetime, datetime]] = field(default_factory=list)

    @property
    def lanes(self) -> int:
        """How many bars there are at most above each other."""
        return max((bar.lane + 1 for bar in self.bars), default=1)


def stays(links: Iterable[GuestLink], *, now: datetime) -> list[Stay]:
    """Return what links cover, in order; one that was revoked, only until then."""
    found = [
        Stay(
            link.public_id,
            link.label,
            link_states.state(link, now=now),
            link.not_before,
            min(link.not_after, link.revoked_at or link.not_after),
            standing=bool(link.weekly),
        )
        for link in links
    ]
    return sorted(
        (stay for stay in found if stay.begins < stay.ends),
        key=lambda stay: (stay.begins, stay.ends, stay.link_id),
    )


def weeks(covered: Sequence[Stay], monday: date, count: int, zone: ZoneInfo) -> list[Week]:
    """Return so many weeks from a Monday on; `covered` is in order, as `stays` returns it."""
    return [_week(covered, monday + number * DAYS * DAY, zone) for number in range(count)]


def _week(covered: Sequence[Stay], monday: date, zone: ZoneInfo) -> Week:
    begin, end = midnight(monday, zone), midnight(monday + DAYS * DAY, zone)
    shown = [stay for stay in covered if stay.begins < end and begin < stay.ends]
    bars: list[Bar] = []
    lanes: list[datetime] = []  # until when each is taken
    for stay in shown:
        lane = next((at for at, until in enumerate(lanes) if until <= stay.begins), len(lanes))
        lanes[lane : lane + 1] = [stay.ends]
        start = _place(max(stay.begins, begin), monday, zone)
        bars.append(
            Bar(
                stay,
                start=start,
                length=_place(stay.ends, monday, zone) - start if stay.ends < end else DAYS - start,
                lane=lane,
                before=stay.begins < begin,
                after=stay.ends > end,
                beside=tuple(other.label for other in shown if _overlap(stay, other)),
            )
        )
    return Week(monday, bars, _free(shown, begin, end))


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return when a day begins; where clocks skip midnight, just after."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _place(at: datetime, monday: date, zone: ZoneInfo) -> float:
    day = at.astimezone(zone).date()
    begin, end = midnight(day, zone), midnight(day + DAY, zone)
    return (day - monday).days + (at - begin) / (end - begin)


def _overlap(one: Stay, other: Stay) -> bool:
    return (
        one is not other
        and not (one.standing or other.standing)
        and one.begins < other.ends
        and other.begins < one.ends
    )


def _free(shown: Sequence[Stay], begin: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """What no stay covers; gaps that begin before or end after the week are cut at its ends."""
    found, since = [], begin
    for stay in shown:
        if stay.standing:
            continue
        if stay.begins > since:
            found.append((since, stay.begins))
        since = max(since, stay.ends)
    return [*found, (since, end)] if since < end else found
