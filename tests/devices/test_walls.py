"""Clocks on walls: the zones' own rules, for many moments at once."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices import walls

ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
        "Asia/Beirut",
        "Pacific/Apia",
        "America/St_Johns",
        "Atlantic/Azores",
    ]
).map(ZoneInfo)
MOMENTS = st.lists(st.integers(946_684_800_000, 2_208_988_800_000), min_size=1).map(sorted)


def shown(ms: int, zone: ZoneInfo) -> int:
    wall = datetime.fromtimestamp(ms // 1000, zone).replace(tzinfo=UTC)
    return int(wall.timestamp()) * 1000 + ms % 1000


@given(MOMENTS, ZONES)
def test_clocks_show_what_the_zone_says(moments, zone):
    times = np.array(moments, np.int64)

    assert walls.shown(times, zone).tolist() == [shown(ms, zone) for ms in moments]


STEPS_S = st.sampled_from(
    [1, 60, 420, 900, 1800, 2700, 3600, 5400, 7200, 10_800, 21_600, 86_400, 604_800]
)


@given(MOMENTS, ZONES, STEPS_S)
def test_a_step_holds_what_the_clock_shows_between_two_multiples(moments, zone, step_s):
    step = step_s * 1000
    times = np.array(moments, np.int64)
    begins = walls.begins(times, step, zone)

    assert (begins <= times).all()
    assert (np.diff(begins) >= 0).all()
    assert (walls.begins(begins, step, zone) == begins).all()
    for ms, begin in zip(moments, begins.tolist(), strict=True):
        on_multiple = shown(begin, zone) % step == 0
        jumped = shown(begin, zone) != shown(begin - 1, zone) + 1
        assert on_multiple or (
            jumped and shown(begin, zone) // step != shown(begin - 1, zone) // step
        )
        if step_s <= 1800:  # a step begins nowhere between
            assert shown(ms, zone) // step == shown(begin, zone) // step


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("Europe/Berlin", ["2026-03-28T23", "2026-03-29T22", "2026-03-30T22"]),
        ("Europe/Berlin", ["2026-10-24T22", "2026-10-25T23", "2026-10-26T23"]),
        ("Asia/Beirut", ["2026-03-27T22", "2026-03-28T22", "2026-03-29T21"]),  # no midnight
        ("America/New_York", ["2026-11-01T04", "2026-11-02T05"]),
        ("Atlantic/Azores", ["2026-10-25T00", "2026-10-26T01"]),  # midnight twice
    ],
)
def test_days_are_those_of_the_zone(zone, days):
    begins = [int(datetime.fromisoformat(f"{day}:00Z").timestamp()) * 1000 for day in days]
    times = np.arange(begins[0], begins[-1], 600_000)

    assert np.unique(walls.begins(times, 86_400_000, ZoneInfo(zone))).tolist() == begins[:-1]


@pytest.mark.parametrize(
    ("zone", "change", "step_s", "minutes"),
    [
        ("Europe/Berlin", "2026-10-25T01:00Z", 2700, [-90, -45, 0, 15, 60]),  # 02:15 comes twice
        ("Europe/Berlin", "2026-10-25T01:00Z", 3600, [-120, -60, 0, 60]),
        ("Europe/Berlin", "2026-10-25T01:00Z", 7200, [-180, -60, 120]),
        ("Europe/Berlin", "2026-10-25T01:00Z", 10_800, [-180, 60]),
        ("America/St_Johns", "2010-11-07T02:31Z", 86_400, [-1441, -1, 1499]),  # at 00:01
        ("America/St_Johns", "2010-11-07T02:31Z", 3600, [-61, -1, 0, 59, 119]),
        ("Australia/Lord_Howe", "2026-04-04T15:00Z", 1800, [-60, -30, 0, 30]),
        ("Australia/Lord_Howe", "2026-04-04T15:00Z", 3600, [-60, 30]),
    ],
)
def test_steps_follow_each_other_where_clocks_go_back(zone, change, step_s, minutes):
    at = int(datetime.fromisoformat(change).timestamp()) * 1000
    times = np.arange(at + minutes[0] * 60_000, at + (minutes[-1] + 1) * 60_000, 60_000)
    begins = walls.begins(times, step_s * 1000, ZoneInfo(zone))

    assert (np.diff(begins) >= 0).all()
    assert [(one - at) // 60_000 for one in np.unique(begins).tolist()] == minutes


def test_years_begin_before_the_clocks_were_changed_more_than_once():
    times = np.array([int(datetime(2026, 12, 24, tzinfo=UTC).timestamp()) * 1000])
    begin = walls.begins(times, 366 * 86_400_000, ZoneInfo("Europe/Berlin")).item()

    assert shown(begin, ZoneInfo("Europe/Berlin")) % (366 * 86_400_000) == 0


def test_the_second_of_a_change_is_the_second():
    change = int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()) * 1000
    times = np.array([change - 1, change], np.int64)

    assert (walls.shown(times, ZoneInfo("Europe/Berlin")) - times).tolist() == [
        7_200_000,
        3_600_000,
    ]
