"""What somebody shares with others, and what others share with them, in few queries."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from auth import access
from db.base import db
from db.models import Device, Grant, Level, User


@dataclass(frozen=True, slots=True)
class Shared:
    """A device and who else has a level on it; `others` stays empty for who does not manage it."""

    device: Device
    level: Level
    owner: User | None
    others: Sequence[Grant]


def of(user: User) -> list[Shared]:
    """Return every device that somebody may see, by name, with who else may."""
    visible = access.visible_devices(user)
    rows = db.session.scalars(
        select(Grant)
        .options(joinedload(Grant.user))
        .where(Grant.device_id.in_([device.id for device, _ in visible]))
        .order_by(Grant.level.desc(), Grant.id)
    )
    held: dict[int, list[Grant]] = {device.id: [] for device, _ in visible}
    for grant in rows:
        held[grant.device_id].append(grant)
    return [
        Shared(
            device,
            level,
            next((one.user for one in held[device.id] if one.level == Level.OWNER), None),
            [one for one in held[device.id] if one.user_id != user.id]
            if level >= Level.MANAGER
            else [],
        )
        for device, level in visible
    ]
