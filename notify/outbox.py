"""The messages that wait: rows that a worker claims, and what became of them.

A message is claimed by one UPDATE whose row count says who won, so any number of workers may
run.  A claim that is older than CLAIM_LIFETIME belongs to a worker that died; the message is
sent again under the same Message-ID, by which mail programs drop a repeat.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Delete, Update, delete, func, select, update
from sqlalchemy.orm import Session

from db.base import changed, db, transaction
from db.models.mail import OutboxMessage
from notify import post

CLAIM_LIFETIME = timedelta(minutes=3)  # longer than any sending takes
GIVE_UP_AFTER = timedelta(days=2)
KEEP = timedelta(days=30)  # what is done, for the admins' list
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is this worker's to send."""

    id: int
    channel: str
    recipient: str
    fallback: str
    subject: str
    text: str
    html: str
    message_id: str
    created_at: datetime
    claimed_at: datetime
    attempts: int  # this one included
    sender: str  # who tried last


def wake() -> None:
    """Have the worker of this process look now; call it after the commit."""
    post.current().bell.set()


def due(now: datetime, limit: int = 50) -> Sequence[int]:
    """Return the ids of messages that may be sent now, longest due first."""
    return db.session.scalars(
        select(OutboxMessage.id)
        .where(OutboxMessage.state == "queued", OutboxMessage.due_at <= now)
        .order_by(OutboxMessage.due_at, OutboxMessage.id)
        .limit(limit)
    ).all()


def next_due() -> datetime | None:
    """Return when the next waiting message may be sent, if one waits."""
    return db.session.scalar(
        select(func.min(OutboxMessage.due_at)).where(OutboxMessage.state == "queued")
    )


def claim(message_id: int, now: datetime) -> Claimed | None:
    """Take a message for sending; None when another worker was faster."""
    with transaction() as session:
        won = _changed(
            session,
            update(OutboxMessage)
            .where(
                OutboxMessage.id == message_id,
                OutboxMessage.state == "queued",
                OutboxMessage.due_at <= now,
            )
            .values(state="sending", claimed_at=now, attempts=OutboxMessage.attempts + 1),
        )
        row = session.get_one(OutboxMessage, message_id, populate_existing=True) if won else None
        return _claimed(row, now) if row is not None else None


def sent(message: Claimed, *, sender: str, now: datetime) -> None:
    """Write down that it is on its way, and forget what it said."""
    _settle(message, state="sent", sender=sender, sent_at=now, last_error="", **_BLANK)


def failed(message: Claimed, error: str, *, sender: str) -> None:
    """Write down that it will never arrive, and forget what it said."""
    _settle(message, state="failed", sender=sender, last_error=error[:255], **_BLANK)


def postpone(message: Claimed, error: str, *, sender: str, due_at: datetime) -> None:
    """Let it be tried again from `due_at` on."""
    _settle(message, state="queued", sender=sender, last_error=error[:255], due_at=due_at)


def release(message: Claimed, *, due_at: datetime) -> None:
    """Give it back untried."""
    _settle(message, state="queued", due_at=due_at, attempts=message.attempts - 1)


def fall_back(message: Claimed, error: str, *, now: datetime) -> None:
    """Send it by mail instead, at once."""
    _settle(
        message,
        state="queued",
        channel="mail",
        recipient=message.fallback,
        fallback="",
        attempts=0,
        sender=message.channel,
        last_error=error[:255],
        due_at=now,
    )


def back_off(message: Claimed) -> timedelta:
    """Return how long to wait after this attempt."""
    return BACK_OFF[min(message.attempts, len(BACK_OFF)) - 1]


def release_stale(now: datetime) -> int:
    """Give back the claims of workers that died; return how many."""
    stale = (
        OutboxMessage.state == "sending",
        OutboxMessage.claimed_at < now - CLAIM_LIFETIME,
    )
    if not db.session.scalar(select(func.count()).select_from(OutboxMessage).where(*stale)):
        return 0  # the usual answer needs no write lock
    with transaction() as session:
        return _changed(
            session, update(OutboxMessage).where(*stale).values(state="queued", due_at=now)
        )


def prune(now: datetime) -> int:
    """Remove what was done long ago; return how many."""
    with transaction() as session:
        return _changed(
            session,
            delete(OutboxMessage).where(
                OutboxMessage.state.in_(("sent", "failed")), OutboxMessage.created_at < now - KEEP
            ),
        )


def counts() -> dict[str, int]:
    """Return how many messages are in each state."""
    rows = db.session.execute(
        select(OutboxMessage.state, func.count()).group_by(OutboxMessage.state)
    )
    return dict(rows.all())


def recent(limit: int = 100) -> Sequence[OutboxMessage]:
    """Return the newest messages, for the admins' list.

    Show who, when, which template and what came of it; never what is said: it holds codes.
    """
    return db.session.scalars(
        select(OutboxMessage).order_by(OutboxMessage.id.desc()).limit(limit)
    ).all()


_BLANK = {"subject": "", "text": "", "html": ""}  # links and codes do not stay in the database


def _settle(message: Claimed, **values: object) -> None:
    """Change a message that is still this worker's; a lost claim changes nothing."""
    with transaction() as session:
        _changed(
            session,
            update(OutboxMessage)
            .where(
                OutboxMessage.id == message.id,
                OutboxMessage.state == "sending",
                OutboxMessage.claimed_at == message.claimed_at,
            )
            .values(**values),
        )


def _changed(session: Session, statement: Update | Delete) -> int:
    return changed(session, statement.execution_options(synchronize_session=False))


def _claimed(row: OutboxMessage, now: datetime) -> Claimed:
    return Claimed(
        id=row.id,
        channel=row.channel,
        recipient=row.recipient,
        fallback=row.fallback,
        subject=row.subject,
        text=row.text,
        html=row.html,
        message_id=row.message_id,
        created_at=row.created_at,
        claimed_at=row.claimed_at or now,
        attempts=row.attempts,
        sender=row.sender,
    )
