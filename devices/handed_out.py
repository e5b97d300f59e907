"""What managers of a device hand out and may end: guest links, sharing tokens, paired apps."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

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


def end_of(session: Session, user_id: int, device_id: int, *, now: datetime) -> None:
    """End for good what somebody handed out who manages a device no more.

    In the caller's transaction.  Who is let in again later hands out anew; what was given to
    others by a sharing token stays theirs.
    """
    for kind, ended in ((GuestLink, "revoked_at"), (ShareToken, "expires_at")):
        end = getattr(kind, ended)
        session.execute(
            update(kind)
            .where(kind.device_id == device_id, kind.creator_id == user_id)
            .where(or_(end.is_(None), end > now))
            .values({ended: now})
        )
