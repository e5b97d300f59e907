"""The calendar of a door says which link covers which days, what overlaps and what is free."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from db.models import GuestLink
from devices import link_calendar
from devices.link_calendar import Stay
from devices.link_states import LinkState

BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = date(2030, 7, 1)


def stay(label: str, begins: str, ends: str, zone=BERLIN, **more) -> Stay:
    """A stay between two times of the clock beside the door."""
    first, last = (
        datetime.fromisoformat(f"2030-{at}").replace(tzinfo=zone).astimezone(UTC)
        for at in (begins, ends)
    )
    return Stay(label, label, LinkState.EARLY, first, last, **more)


def week(*covered: Stay, monday=MONDAY, zone=BERLIN):
    [only] = link_calendar.weeks(sorted(covered, key=lambda one: one.begins), monday, 1, zone)
    return only


def walls(spans, zone=BERLIN):
    return [
        tuple(at.astimezone(zone).strftime("%a %H:%M") for at in (begins, ends))
        for begins, ends in spans
    ]


def test_a_bar_covers_its_link_to_the_hour():
    [bar] = week(stay("Mia", "07-03T12:00", "07-05T18:00")).bars
    assert (bar.start, bar.length) == (2.5, 2.25)
    assert (bar.before, bar.after, bar.lane) == (False, False, 0)


def test_guests_who_change_on_one_day_share_a_lane_and_leave_a_gap():
    found = week(stay("Mia", "07-01T00:00", "07-04T11:00"), stay("Otto", "07-04T15:00", "07-08"))
    assert [bar.lane for bar in found.bars] == [0, 0]
    assert [bar.beside for bar in found.bars] == [(), ()]
    assert walls(found.free) == [("Thu 11:00", "Thu 15:00")]


def test_overlaps_are_named_on_both_and_lie_above_each_other():
    found = week(
        stay("Mia", "07-01T00:00", "07-04T11:00"),
        stay("Otto", "07-04T10:00", "07-06T11:00"),
        stay("Ada", "07-06T11:00", "07-08T00:00"),
    )
    assert [(bar.stay.label, bar.lane, bar.beside) for bar in found.bars] == [
        ("Mia", 0, ("Otto",)),
        ("Otto", 1, ("Mia",)),
        ("Ada", 0, ()),
    ]
    assert found.lanes == 2
    assert found.free == []


def test_a_link_over_several_weeks_goes_on_at_their_ends():
    covered = [stay("Mia", "07-05T12:00", "07-17T12:00")]
    first, second, third = link_calendar.weeks(covered, MONDAY, 3, BERLIN)
    marks = [
        (bar.start, bar.length, bar.before, bar.after)
        for one in (first, second, third)
        for bar in one.bars
    ]
    assert marks == [(4.5, 2.5, False, True), (0, 7, True, True), (0, 2.5, True, False)]
    assert second.free == []


def test_a_cleaner_goes_on_beside_the_guests():
    found = week(
        stay("Cleaner", "01-01T00:00", "12-31T00:00", standing=True),
        stay("Mia", "07-03T12:00", "07-05T18:00"),
    )
    assert [(bar.lane, bar.beside) for bar in found.bars] == [(0, ()), (1, ())]
    assert walls(found.free) == [("Mon 00:00", "Wed 12:00"), ("Fri 18:00", "Mon 00:00")]


def test_an_empty_week_is_free():
    assert walls(week().free) == [("Mon 00:00", "Mon 00:00")]
    assert week().lanes == 1


@pytest.mark.parametrize(
    ("zone", "monday", "sunday"),
    [
        ("Europe/Berlin", date(2030, 3, 25), "03-31"),  # 23 hours
        ("Europe/Berlin", date(2030, 10, 21), "10-27"),  # 25 hours
        ("America/Santiago", date(2030, 9, 2), "09-08"),  # clocks skip midnight
        ("Atlantic/Azores", date(2030, 10, 21), "10-27"),  # midnight comes twice
    ],
)
def test_on_nights_of_changing_clocks_nothing_is_lost_and_nothing_doubled(zone, monday, sunday):
    place = ZoneInfo(zone)
    begins = link_calendar.midnight(monday, place)
    ends = link_calendar.midnight(monday + timedelta(days=7), place)
    hours = round((ends - begins).total_seconds() / 3600)
    assert hours in {167, 169}
    moments = [begins + timedelta(hours=number) for number in range(hours + 1)]
    nights = [
        Stay(str(number), "", LinkState.EARLY, moments[number], moments[number + 1])
        for number in range(hours)
    ]
    found = week(*nights, monday=monday, zone=place)

    assert found.lanes == 1
    assert found.free == []
    assert [bar.beside for bar in found.bars] == [()] * hours
    assert found.bars[0].start == 0
    for one, following in zip(found.bars, found.bars[1:], strict=False):
        assert one.length > 0
        assert one.start + one.length == pytest.approx(following.start)
    assert found.bars[-1].start + found.bars[-1].length == pytest.approx(7)
    [noon] = week(
        stay("n", f"{sunday}T12:00", f"{sunday}T13:00", place), monday=monday, zone=place
    ).bars
    assert noon.start == pytest.approx(6.5, abs=0.03)


def test_what_was_revoked_covers_its_time_until_then_and_nothing_if_it_never_began(owner, door):
    def link(label: str, revoked: str) -> GuestLink:
        first, last = datetime(2030, 7, 3, tzinfo=UTC), datetime(2030, 7, 6, tzinfo=UTC)
        return GuestLink(
            public_id=label,
            label=label,
            device=door,
            creator=owner,
            timezone="UTC",
            weekly=[],
            not_before=first,
            not_after=last,
            revoked_at=datetime.fromisoformat(revoked),
            uses=0,
            pin_failures=0,
        )

    [begun] = link_calendar.stays(
        [link("never", "2030-07-01T00:00Z"), link("begun", "2030-07-04T00:00Z")],
        now=datetime(2030, 7, 10, tzinfo=UTC),
    )
    assert (begun.label, begun.ends) == ("begun", datetime(2030, 7, 4, tzinfo=UTC))
    assert begun.state == LinkState.REVOKED
