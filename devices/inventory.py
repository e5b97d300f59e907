"""Finding devices across the installation: for administrators and for the command line."""

from dataclasses import dataclass

from sqlalchemy import func, or_, select

from db.base import db
from db.models import Device, Grant, Level, User
from errors import Forbidden, NotFound
from notify.mark import N_


@dataclass(frozen=True, slots=True)
class Listed:
    """A device and the address of its owner; empty: nobody has claimed it."""

    device: Device
    owner: str


def everything(*, by: User, search: str = "", limit: int = 100, after: int = 0) -> list[Listed]:
    """Return devices of the whole installation in the order they were made.

    Args:
        by: who asks.
        search: only those with this in name, ids or owner.
        limit: at most so many.
        after: an internal id to go on from.

    Raises:
        Forbidden: `by` is no administrator.
    """
    if not by.is_admin:
        raise Forbidden("admins_only", N_("Only administrators may do that."))
    return _listed(search, limit, after)


def on_this_machine(search: str = "") -> list[Listed]:
    """Return every device, for whoever runs commands on the machine itself."""
    return _listed(search, None, 0)


def find(reference: str) -> Device:
    """Return the device with this id, controller id, hardware id, or unique name.

    Raises:
        NotFound: there is none, or several have this name.
    """
    for column in (Device.public_id, Device.controller_id, Device.hardware_id, Device.name):
        found = db.session.scalars(select(Device).where(column == reference).limit(2)).all()
        if len(found) == 1:
            return found[0]
    raise NotFound("device_not_found", N_("There is no such device."))


def owner(device: Device) -> User | None:
    """Return the owner of a device, or None while nobody has claimed it."""
    return db.session.scalar(
        select(User)
        .join(Grant, Grant.user_id == User.id)
        .where(Grant.device_id == device.id, Grant.level == Level.OWNER)
        .order_by(Grant.id)
        .limit(1)
    )


def _listed(search: str, limit: int | None, after: int) -> list[Listed]:
    query = (
        select(Device, func.max(User.email_typed))
        .outerjoin(Grant, (Grant.device_id == Device.id) & (Grant.level == Level.OWNER))
        .outerjoin(User, User.id == Grant.user_id)
        .where(Device.id > after)
        .group_by(Device.id)
        .order_by(Device.id)
        .limit(limit)
    )
    if search:
        searched = (Device.name, Device.controller_id, Device.hardware_id, User.email)
        query = query.where(or_(*(one.contains(search, autoescape=True) for one in searched)))
    return [Listed(device, email or "") for device, email in db.session.execute(query)]
