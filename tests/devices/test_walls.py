"""Clocks on walls: the zones' own rules, for many moments at once."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
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


def test_the_second_of_a_change_is_the_second():
    change = int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()) * 1000
    times = np.array([change - 1, change], np.int64)

    assert (walls.shown(times, ZoneInfo("Europe/Berlin")) - times).tolist() == [
        7_200_000,
        3_600_000,
    ]
