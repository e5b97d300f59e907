"""Four states, told apart by what a device said and when."""

from datetime import timedelta

import pytest

from clock import from_ms
from db.telemetry.records import PresenceRow
from devices.presence import State, state

T = 1_795_000_000_000


@pytest.mark.parametrize(
    ("row", "silent_s", "expected"),
    [
        (None, 0, State.NEVER_SEEN),
        (PresenceRow("online", T, 0), 0, State.NEVER_SEEN),
        (PresenceRow("online", T, T), 0, State.ONLINE),
        (PresenceRow("online", T, T), 30, State.ONLINE),
        (PresenceRow("online", T, T), 30.001, State.LATE),
        (PresenceRow("offline", T, T), 0, State.OFFLINE),
        (PresenceRow("offline", T, T), 10_000, State.OFFLINE),
    ],
)
def test_a_device_is_late_after_three_missed_intervals(row, silent_s, expected):
    now = from_ms(T) + timedelta(seconds=silent_s)

    assert state(row, expected_interval_s=10, now=now) == expected
