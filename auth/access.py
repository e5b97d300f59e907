"""The one place that says who may do what with which device.

Page, callback, REST, CSV, live stream, file and broker all ask here, each time, with what the
request brought; nothing that a browser holds counts as proof.
"""

from collections.abc import Collection

from sqlalchemy import ColumnElement, SQLColumnExpression, bindparam, exists, select

from db.base import db
from db.models import Device, Grant, Level, User
from errors import Forbidden, NotFound
from notify.mark import N_

__all__ = [
    "Level",
    "level",
    "owner",
    "require",
    "shut_out",
    "visible",
    "visible_devices",
    "visible_ids",
]

# code and words of why nobody reaches a device, nor the device us
REVOKED = ("device_revoked", N_("This device has been revoked."))
OWNER_OFF = (
    "owner_disabled",
    N_("This device is shut out: the account of its owner is switched off."),
)


def owner_is_off(device_id: SQLColumnExpression[int]) -> ColumnElement[bool]:
    """Return the condition that the account of a device's owner is switched off."""
    return (
        exists()
        .where(
            Grant.device_id == device_id,
            Grant.level == Level.OWNER,
            Grant.user_id == User.id,
            User.disabled_at.is_not(None),
        )
        .correlate(Device)
    )


ADMITTED = Device.revoked_at.is_(None) & ~owner_is_off(Device.id)
"""The condition that a device may come in, over MQTT and over HTTP."""

# asked all the time, so built once
LEVEL = select(Grant.level).where(
    Grant.user_id == bindparam("user"), Grant.device_id == bindparam("device")
)
BY_PUBLIC_ID = select(Device).where(Device.public_id == bindparam("public_id"))


def level(user: User, device: Device) -> Level | None:
    """Return a person's level on a device, or None for a stranger to it."""
    if user.disabled_at is not None:
        return None
    found = db.session.connection().scalar(LEVEL, {"user": user.id, "device": device.id})
    return None if found is None else Level(found)


def require(user: User, device: Device, needed: Level) -> Level:
    """Let a person through who has at least a level on a device; returns the one that it is.

    Raises:
        NotFound: the person may not even know that the device exists.
        Forbidden: the person sees the device but has a lower level.
    """
    has = level(user, device)
    if has is None:
        raise NotFound("device_not_found", N_("There is no such device."))
    if has < needed:
        raise Forbidden(
            "level_too_low", N_("This needs the level %(needed)s."), needed=needed.name.lower()
        )
    return has


def find(public_id: str) -> Device:
    """Return a device for a service that asks itself what the person may do with it.

    Raises:
        NotFound: there is none; a service says the same to a stranger.
    """
    device = db.session.scalar(BY_PUBLIC_ID, {"public_id": public_id})
    if device is None:
        raise NotFound("device_not_found", N_("There is no such device."))
    return device


def visible(user: User, public_id: str, needed: Level = Level.VIEWER) -> Device:
    """Return the device with this id if the person has at least a level on it.

    Raises:
        NotFound: there is none, or the person may not know of it; the two look alike.
        Forbidden: the person sees the device but has a lower level.
    """
    device = find(public_id)
    require(user, device, needed)
    return device


def visible_devices(user: User) -> list[tuple[Device, Level]]:
    """Return every device that a person may see with the level, by name."""
    if user.disabled_at is not None:
        return []
    rows = db.session.execute(
        select(Device, Grant.level)
        .join(Grant, Grant.device_id == Device.id)
        .where(Grant.user_id == user.id)
        .order_by(Device.name, Device.id)
    )
    return [(device, Level(found)) for device, found in rows]


def visible_ids(
    user_ids: Collection[int], needed: Level = Level.VIEWER
) -> dict[int, frozenset[str]]:
    """Return the public ids of the devices that each of several people has at least a level on.

    In one query.
    """
    seen: dict[int, set[str]] = {user_id: set() for user_id in user_ids}
    rows = db.session.execute(
        select(Grant.user_id, Device.public_id)
        .join(Device, Device.id == Grant.device_id)
        .join(User, User.id == Grant.user_id)
        .where(Grant.user_id.in_(user_ids), Grant.level >= needed, User.disabled_at.is_(None))
    )
    for user_id, public_id in rows:
        seen[user_id].add(public_id)
    return {user_id: frozenset(devices) for user_id, devices in seen.items()}


def shut_out(device: Device) -> tuple[str, str] | None:
    """Return code and words of why a device may not come in; None if it may."""
    if device.revoked_at is not None:
        return REVOKED
    query = select(Device.id).where(Device.id == device.id, owner_is_off(Device.id))
    return None if db.session.scalar(query) is None else OWNER_OFF


def owner(device: Device) -> User | None:
    """Return whose device it is, or None for one that nobody has claimed."""
    found: User | None = db.session.scalar(
        select(User)
        .join(Grant, Grant.user_id == User.id)
        .where(Grant.device_id == device.id, Grant.level == Level.OWNER, User.disabled_at.is_(None))
    )
    return found
