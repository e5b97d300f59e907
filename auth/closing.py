"""Leaving: everything that is stored about a person as JSON, and deleting the account."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

import notify.mail
from auth import audit
from auth.people import require_other_admin
from db.base import db, transaction
from db.models import AuditEvent, Device, Grant, Level, Passkey, User, UserSession
from errors import Conflict
from notify.mark import N_

HIDDEN = {
    "id", "user_id", "device_id", "password_hash", "totp_secret", "totp_last_step", "token_hash",
    "previous_hash", "epoch", "credential_id", "public_key",
}  # fmt: skip


def export(user: User, *, now: datetime, address: str) -> dict[str, Any]:
    """Return what is stored about a person, JSON-ready; readings are a download of their own."""
    with transaction() as session:
        audit.record(session, "account.export", user=user, address=address, now=now)
    devices = db.session.execute(
        select(Device.name, Device.public_id, Grant.level, Grant.created_at)
        .join(Grant, Grant.device_id == Device.id)
        .where(Grant.user_id == user.id)
        .order_by(Device.name)
    )
    return {
        "exported_at": now.isoformat(),
        "account": _plain(user),
        "devices": [
            {
                "name": name,
                "id": public_id,
                "level": Level(level).name.lower(),
                "since": since.isoformat(),
            }
            for name, public_id, level, since in devices
        ],
        "sessions": _rows(UserSession, user),
        "passkeys": _rows(Passkey, user),
        "activity": _rows(AuditEvent, user),
    }


def delete(user: User, *, now: datetime, address: str, actor: str = "") -> None:
    """Delete an account with all that hangs on it; the caller has asked for the password.

    Args:
        user: whose account.
        now: when.
        address: where the request came from.
        actor: the administrator who does it; empty if it is the person.

    Raises:
        Conflict: devices would be left without an owner, or the installation without an
            administrator.
    """
    number = user.id
    with transaction() as session:
        if session.get(User, number) is None:
            return  # somebody else was faster; it is done
        require_other_admin(user)
        if orphans := _only_owned(session, user):
            raise Conflict(
                "owns_devices",
                N_("First delete or hand over the devices that nobody else owns: %(names)s."),
                names=", ".join(orphans),
            )
        audit.record(
            session,
            "account.delete",
            user=user,
            actor=actor,
            object_type="user",
            object_id=user.public_id,
            address=address,
            now=now,
        )
        if user.confirmed_at is not None:
            notify.mail.enqueue(
                session,
                to=user.email_typed,
                template="account_deleted",
                language=user.language,
                now=now,
                at=now,
                by_admin=bool(actor),
            )
        session.delete(user)


def _only_owned(session: Session, user: User) -> list[str]:
    owners = (
        select(Grant.device_id)
        .where(Grant.level == Level.OWNER)
        .group_by(Grant.device_id)
        .having(func.count() == 1)
    )
    return list(
        session.scalars(
            select(Device.name)
            .join(Grant, Grant.device_id == Device.id)
            .where(Grant.user_id == user.id, Grant.level == Level.OWNER, Device.id.in_(owners))
            .order_by(Device.name)
        )
    )


def _rows(model: type[Any], user: User) -> list[dict[str, Any]]:
    query = select(model).where(model.user_id == user.id).order_by(model.id)
    return [_plain(row) for row in db.session.scalars(query)]


def _plain(row: Any) -> dict[str, Any]:
    return {
        column.key: value.isoformat() if isinstance(value, datetime) else value
        for column in row.__table__.columns
        if column.key not in HIDDEN
        for value in (getattr(row, column.key),)
    }
