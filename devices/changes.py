"""What every change of a device does besides: a line in the audit log, a word to live pages."""

from datetime import datetime
from typing import Any

from auth import audit
from db.base import db
from db.models import Device, User
from devices.ports import LiveBus, LiveEvent


def note(device: Device, by: User, action: str, now: datetime, address: str, **detail: Any) -> None:
    """Write a line about a device, in the caller's transaction."""
    audit.record(
        db.session(),
        action,
        user=by,
        object_type="device",
        object_id=device.public_id,
        address=address,
        now=now,
        **detail,
    )


def tell(bus: LiveBus, device: Device) -> None:
    """Let live streams and pages ask again who may see a device."""
    bus.publish([LiveEvent(device.public_id, "device", {"change": "access"})])
