"""The book of what happened: who did what to which object, from where, and what came of it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from db.base import db
from db.models import AuditEvent, User
from errors import Forbidden

LINE = insert(AuditEvent)  # built once, and past the unit of work: lines never change


def record(
    session: Session,
    action: str,
    *,
    result: str = "ok",
    user: User | None = None,
    actor: str = "",
    object_type: str = "",
    object_id: str = "",
    address: str = "",
    now: datetime,
    **detail: object,
) -> None:
    """Add a line in the caller's transaction: it is kept if, and only if, the change is.

    Args:
        session: of the transaction.
        action: a stable name such as "login.fail" or "device.create".
        result: ok, refused or failed.
        user: whose account it concerns.
        actor: who did it, in words; the account's address if empty.
        object_type: what kind of thing was touched, such as "device".
        object_id: which one, by its public id.
        address: the network address it came from.
        now: when.
        detail: anything else worth knowing, never a secret; must be JSON-ready.
    """
    line = {
        "at": now,
        "action": action,
        "result": result,
        "user_id": None if user is None else user.id,
        "actor": (actor or (user.email if user else ""))[:320],
        "object_type": object_type,
        "object_id": object_id[:64],
        "address": address[:64],
        "detail": detail,
    }
    session.connection().execute(LINE, line)


def of_user(user: User, *, limit: int = 100, before: int | None = None) -> Sequence[AuditEvent]:
    """Return the newest lines about an account, newest first; `before` is an id to go on from."""
    query = select(AuditEvent).where(AuditEvent.user_id == user.id)
    if before is not None:
        query = query.where(AuditEvent.id < before)
    return db.session.scalars(query.order_by(AuditEvent.id.desc()).limit(limit)).all()


def everything(
    *, by: User, action: str = "", search: str = "", limit: int = 100, before: int | None = None
) -> Sequence[AuditEvent]:
    """Return the newest lines of the whole installation, newest first.

    Args:
        by: who asks.
        action: only names that begin so, such as "login".
        search: only lines whose actor, object or address contains this.
        limit: at most so many.
        before: an id to go on from.

    Raises:
        Forbidden: `by` is no administrator.
    """
    if not by.is_admin:
        raise Forbidden()
    query = select(AuditEvent)
    if action:
        query = query.where(AuditEvent.action.startswith(action, autoescape=True))
    if search:
        query = query.where(
            AuditEvent.actor.contains(search, autoescape=True)
            | AuditEvent.object_id.contains(search, autoescape=True)
            | AuditEvent.address.contains(search, autoescape=True)
        )
    if before is not None:
        query = query.where(AuditEvent.id < before)
    return db.session.scalars(query.order_by(AuditEvent.id.desc()).limit(limit)).all()
