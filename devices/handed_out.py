"""What managers of a device hand out and may end: guest links, sharing tokens, paired apps."""

from collections.abc import Sequence
from typing import TypeVar

from sqlalchemy import select

from auth import access
from db.base import db
from db.models import AppToken, Device, GuestLink, Level, ShareToken, User
from errors import NotFound

Thing = TypeVar("Thing", GuestLink, ShareToken, AppToken)


def listed(kind: type[Thing], device: Device, *, by: User) -> Sequence[Thing]:
    """Return all of a kind that a device has, newest first.

    Raises:
        NotFound, Forbidden: `by` is no manager of it.
    """
    access.require(by, device, Level.MANAGER)
    return db.session.scalars(
        select(kind).where(kind.device_id == device.id).order_by(kind.id.desc())
    ).all()


def find(
    kind: type[Thing], device: Device, public_id: str, *, by: User | None, missing: NotFound
) -> Thing:
    """Return one of a kind, to be ended in the caller's transaction.

    Args:
        kind: of thing.
        device: whose it is.
        public_id: which.
        by: who wants it; None: the device itself, which has been authenticated.
        missing: what to say when there is none.

    Raises:
        NotFound, Forbidden: `by` is no manager of the device, or there is no such thing.
    """
    if by is not None:
        access.require(by, device, Level.MANAGER)
    found = db.session.scalar(
        select(kind).where(kind.device_id == device.id, kind.public_id == public_id)
    )
    if found is None:
        raise missing
    return found
