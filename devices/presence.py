"""Whether a device is there: four states, told apart by what it said and when."""

import enum
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from clock import to_ms
from db.models import Device

MISSED = 3  # so many expected intervals without a word are late


class Seen(Protocol):
    """What the state follows from; a `PresenceRow` has it."""

    @property
    def said(self) -> str:
        """`online` or `offline`: what the device or its last will said."""

    @property
    def last_seen(self) -> int:
        """When it was heard last, in milliseconds; 0: never."""


class State(enum.StrEnum):
    """What people are shown."""

    ONLINE = "online"
    LATE = "late"  # connected as far as anybody knows, but silent for too long
    OFFLINE = "offline"  # it said so, or its last will did
    NEVER_SEEN = "never_seen"


def state(row: Seen | None, *, expected_interval_s: int, now: datetime) -> State:
    """Return the state of a device of which `row` is known."""
    return state_at(row, expected_interval_s=expected_interval_s, now_ms=to_ms(now))


def state_at(row: Seen | None, *, expected_interval_s: int, now_ms: int) -> State:
    """Return the state at a time in milliseconds."""
    if row is None or not row.last_seen:
        return State.NEVER_SEEN
    if row.said == "offline":
        return State.OFFLINE
    if now_ms - row.last_seen > MISSED * expected_interval_s * 1000:
        return State.LATE
    return State.ONLINE


def firmware(device: Device, said: Mapping[str, Any]) -> str:
    """Return a device's firmware: as it says on `status`, else as it was registered with."""
    return str(said.get("firmware") or device.firmware)
