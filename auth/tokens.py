"""Tokens that devices show over HTTP: random, kept as SHA-256, shown once, valid until revoked.

The tokens of people are in `auth.refresh`.
"""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from auth import access, audit
from auth.access import Level
from auth.keys import sha256
from db.base import db, transaction
from db.models import Device, DeviceToken, User
from errors import Conflict, NotFound
from notify.mark import N_

PREFIX = "dev_"
MOST = 20  # living tokens a device
USE_NOTED = timedelta(minutes=1)  # how exactly the last use is written down


def issue(
    session: Session, device: Device, *, label: str, now: datetime
) -> tuple[DeviceToken, str]:
    """Add a token to a device in the caller's transaction; return the row and the secret."""
    secret = PREFIX + secrets.token_urlsafe(32)
    token = DeviceToken(device=device, token_hash=sha256(secret), label=label, created_at=now)
    session.add(token)
    return token, secret


def keep(session: Session, device: Device, secret: str, *, label: str, now: datetime) -> str | None:
    """Make sure that a device has a token that can be made again, in the caller's transaction.

    Returns the secret, or None if this token was revoked.
    """
    token = session.scalar(select(DeviceToken).filter_by(token_hash=sha256(secret)))
    if token is None:
        token = DeviceToken(device=device, token_hash=sha256(secret), label=label, created_at=now)
        session.add(token)
    return None if token.revoked_at else secret


def create(
    device: Device, *, by: User, label: str, now: datetime, address: str = ""
) -> tuple[DeviceToken, str]:
    """Make a token for a device; return the row and the secret, which is never seen again.

    Raises:
        NotFound, Forbidden: `by` does not manage the device.
        Conflict: too_many_device_tokens, it has MOST living ones.
    """
    with transaction() as session:
        access.require(by, device, Level.MANAGER)
        living = session.scalar(
            select(func.count())
            .select_from(DeviceToken)
            .where(DeviceToken.device_id == device.id, DeviceToken.revoked_at.is_(None))
        )
        if (living or 0) >= MOST:
            raise Conflict(
                "too_many_device_tokens",
                N_("A device has at most %(most)s tokens; revoke one first."),
                most=MOST,
            )
        token, secret = issue(session, device, label=label, now=now)
        audit.record(
            session,
            "device.token.create",
            user=by,
            object_type="device",
            object_id=device.public_id,
            address=address,
            now=now,
            label=label,
        )
    return token, secret


def listing(device: Device, *, by: User) -> Sequence[DeviceToken]:
    """Return the living tokens of a device, oldest first.

    Raises:
        NotFound, Forbidden: `by` does not manage the device.
    """
    access.require(by, device, Level.MANAGER)
    return db.session.scalars(
        select(DeviceToken)
        .where(DeviceToken.device_id == device.id, DeviceToken.revoked_at.is_(None))
        .order_by(DeviceToken.id)
    ).all()


def revoke(device: Device, public_id: str, *, by: User, now: datetime, address: str = "") -> None:
    """End a token of a device at once.

    Raises:
        NotFound, Forbidden: `by` does not manage the device, or it has no such living token.
    """
    with transaction() as session:
        access.require(by, device, Level.MANAGER)
        token = session.scalar(
            select(DeviceToken).where(
                DeviceToken.device_id == device.id,
                DeviceToken.public_id == public_id,
                DeviceToken.revoked_at.is_(None),
            )
        )
        if token is None:
            raise NotFound("token_not_found", N_("There is no such token."))
        token.revoked_at = now
        audit.record(
            session,
            "device.token.revoke",
            user=by,
            object_type="device",
            object_id=device.public_id,
            address=address,
            now=now,
            label=token.label,
        )


def authenticate_device(secret: str, now: datetime) -> DeviceToken | None:
    """Return the living token that this is, with its device, or None.

    A device that is shut out has none.
    """
    if not secret.startswith(PREFIX):
        return None
    found = db.session.execute(
        select(DeviceToken, Device)
        .join(Device, Device.id == DeviceToken.device_id)
        .where(
            DeviceToken.token_hash == sha256(secret),
            DeviceToken.revoked_at.is_(None),
            access.ADMITTED,
        )
    ).one_or_none()
    if found is None:
        return None
    token: DeviceToken = found[0]
    if token.used_at is None or now - token.used_at >= USE_NOTED:
        _note_use(token.id, now)
    return token


def alive(token_ids: Collection[int | str]) -> dict[int, str]:
    """Return those of these tokens that still are, with the public ids of their devices."""
    if not token_ids:
        return {}
    rows = db.session.execute(
        select(DeviceToken.id, Device.public_id)
        .join(Device, Device.id == DeviceToken.device_id)
        .where(
            DeviceToken.id.in_(token_ids),
            DeviceToken.revoked_at.is_(None),
            access.ADMITTED,
        )
    )
    return {row.id: row.public_id for row in rows}


def _note_use(token_id: int, now: datetime) -> None:
    """Write the last use down; of many requests at once only one does."""
    with transaction() as session:
        session.execute(
            update(DeviceToken)
            .where(
                DeviceToken.id == token_id,
                or_(DeviceToken.used_at.is_(None), DeviceToken.used_at <= now - USE_NOTED),
            )
            .values(used_at=now)
        )
