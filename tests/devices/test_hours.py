"""When a guest link opens, in the time zone of the door."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from devices.hours import Span, When, verdict

BERLIN = ZoneInfo("Europe/Berlin")
ALWAYS: list[Span] = []
FRIDAY = 4


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def judge(now: str, weekly: list[Span] = ALWAYS, start="2026-03-01T00:00", end="2026-12-01T00:00"):
    return verdict(utc(now), not_before=utc(start), not_after=utc(end), weekly=weekly, zone=BERLIN)


def test_a_link_opens_from_its_first_moment_until_just_before_its_last():
    window = {"start": "2026-03-01T10:00", "end": "2026-03-02T10:00"}
    assert judge("2026-03-01T09:59:59", **window).when is When.EARLY
    assert judge("2026-03-01T10:00", **window).when is When.OPEN
    assert judge("2026-03-02T09:59:59", **window).when is When.OPEN
    assert judge("2026-03-02T10:00", **window).when is When.LATE


def test_an_early_guest_is_told_when_to_come_back():
    assert judge("2026-02-01T00:00").opens_at == utc("2026-03-01T00:00")


def test_weekly_hours_are_those_of_the_clock_on_the_doors_wall():
    evenings = [Span(frozenset(range(7)), time(18), time(22))]
    # winter: 18:00 in Berlin is 17:00 UTC; summer: 16:00 UTC
    assert judge("2026-03-10T16:30", evenings).opens_at == utc("2026-03-10T17:00")
    assert judge("2026-03-10T17:30", evenings).when is When.OPEN
    assert judge("2026-07-10T16:30", evenings).when is When.OPEN
    assert judge("2026-07-10T20:30", evenings).opens_at == utc("2026-07-11T16:00")


def test_hours_over_midnight_belong_to_the_day_they_begin():
    night = [Span(frozenset({FRIDAY}), time(22), time(6))]
    assert judge("2026-07-10T21:00", night).when is When.OPEN  # Friday 23:00 there
    assert judge("2026-07-11T03:30", night).when is When.OPEN  # Saturday 05:30
    assert judge("2026-07-11T04:30", night).opens_at == utc("2026-07-17T20:00")


@pytest.mark.parametrize(
    ("now", "when"),
    [
        ("2026-03-28T23:30", When.OPEN),  # 00:30, the night the clocks go forward
        ("2026-03-29T00:59", When.OPEN),  # 01:59
        ("2026-03-29T01:30", When.OPEN),  # 03:30 summer time: two o'clock never was
        ("2026-03-29T02:00", When.EARLY),  # 04:00
        ("2026-10-24T23:30", When.OPEN),  # 01:30, the night the clocks go back
        ("2026-10-25T00:30", When.OPEN),  # 02:30, for the first time
        ("2026-10-25T01:30", When.OPEN),  # 02:30, for the second time
        ("2026-10-25T02:59", When.OPEN),  # 03:59
        ("2026-10-25T03:00", When.EARLY),  # 04:00
    ],
)
def test_both_nights_of_daylight_saving_are_right(now: str, when: When):
    assert judge(now, [Span(frozenset(range(7)), time(0), time(4))]).when is when


@pytest.mark.parametrize(
    ("now", "hours", "when"),
    [
        ("2026-03-29T00:59", (time(2, 30), time(5)), When.EARLY),  # 01:59
        ("2026-03-29T01:00", (time(2, 30), time(5)), When.OPEN),  # 03:00: past half past two
        ("2026-03-29T00:59", (time(0), time(2, 30)), When.OPEN),
        ("2026-03-29T01:00", (time(0), time(2, 30)), When.EARLY),
    ],
)
def test_an_hour_that_the_clock_jumps_over_begins_and_ends_at_the_jump(now, hours, when):
    assert judge(now, [Span(frozenset(range(7)), *hours)]).when is when


@pytest.mark.parametrize(
    ("now", "hours", "when"),
    [
        ("2026-10-25T00:29", (time(2, 30), time(5)), When.EARLY),  # 02:29, for the first time
        ("2026-10-25T00:30", (time(2, 30), time(5)), When.OPEN),
        ("2026-10-25T01:00", (time(2, 30), time(5)), When.OPEN),  # 02:00, for the second time
        ("2026-10-25T00:45", (time(0), time(2, 30)), When.OPEN),  # 02:45, but half past comes again
        ("2026-10-25T01:29", (time(0), time(2, 30)), When.OPEN),  # 02:29, for the second time
        ("2026-10-25T01:30", (time(0), time(2, 30)), When.EARLY),
    ],
)
def test_an_hour_that_the_clock_shows_twice_is_open_whenever_it_is_shown(now, hours, when):
    assert judge(now, [Span(frozenset(range(7)), *hours)]).when is when


def test_a_link_whose_last_hour_has_passed_says_so_before_its_window_ends():
    fridays = [Span(frozenset({FRIDAY}), time(8), time(12))]
    assert judge("2026-07-11T00:00", fridays, end="2026-07-15T00:00").when is When.LATE
