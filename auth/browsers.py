"""Signed-in browsers as rows: begin, find, keep alive, rotate, list, end.

The cookie of a browser is a random value; only its hash is stored.  A session ends half an hour
after the person last did something and twelve hours after the login; a remembered one after
thirty days, and its cookie is replaced by a new one each time the person comes back.
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import bindparam, delete, or_, select, update

from auth import audit, refusals
from auth.keys import sha256
from db.base import changed, db, transaction
from db.models import User, UserSession
from errors import NotFound

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)
REMEMBERED = timedelta(days=30)
SEEN_STEP = timedelta(minutes=1)  # a row is not written more often than this
GRACE = timedelta(minutes=1)  # tabs opened together all bring the cookie of before
ENDED_LIMIT = "1/hour"  # lines about ended sessions; a page left open asks again and again
KEPT = timedelta(days=7)  # ended rows are of no use any longer
Proof = Literal["password", "password and code", "password and passkey", "passkey"]
BY_COOKIE = (  # asked by every request, so built once
    select(UserSession, User)
    .join(User, User.id == UserSession.user_id)
    .where(
        or_(
            UserSession.token_hash == bindparam("hashed"),
            UserSession.previous_hash == bindparam("hashed"),
        )
    )
)


@dataclass(frozen=True, slots=True)
class Found:
    """A session that is alive; `token` is a new value for the cookie, or empty."""

    session: UserSession
    user: User
    token: str = ""


def begin(
    user: User,
    *,
    remember: bool,
    user_agent: str,
    address: str,
    now: datetime,
    proof: Proof = "password",
) -> tuple[UserSession, str]:
    """Sign a browser in that has shown a proof; returns the row and the value of its cookie."""
    token = secrets.token_urlsafe(32)
    with transaction() as session:
        row = UserSession(
            token_hash=sha256(token),
            user_id=user.id,
            epoch=user.epoch,
            created_at=now,
            seen_at=now,
            ends_at=now + (REMEMBERED if remember else ABSOLUTE),
            remember=remember,
            authenticated_at=now,
            user_agent=user_agent[:255],
            address=address[:64],
        )
        session.add(row)
        audit.record(
            session,
            "login",
            user=user,
            address=address,
            now=now,
            remember=remember,
            proof=proof,
        )
    return row, token


def find(token: str, *, active: bool, now: datetime, address: str = "") -> Found | None:
    """Return the session that a cookie belongs to, if it is alive.

    Args:
        token: the value of the cookie.
        active: whether a person is behind the request; live streams and polling are not, and
            do not keep a session alive.
        now: the present moment.
        address: where the request came from.
    """
    hashed = sha256(token)
    pair = db.session.execute(BY_COOKIE, {"hashed": hashed}).one_or_none()
    if pair is None:
        return None
    row, user = pair
    if row.token_hash != hashed and _is_copy(row, now, address):
        return None
    if not _is_alive(row, user, now):
        if row.revoked_at or row.epoch != user.epoch:
            _note_ended(row, user, now, address)
        return None
    if not active or now - row.seen_at < SEEN_STEP:
        return Found(row, user)
    comes_back = row.remember and now - row.seen_at > IDLE and row.token_hash == hashed
    return Found(row, user, _rotate(row, hashed, now) if comes_back else _seen(row, now))


def alive(
    session_ids: Collection[int | str], *, idle: bool = False, now: datetime
) -> dict[int, int]:
    """Return those of these sessions that still are, each with the id of its user.

    For what asks again and again: one query for all of them.

    Args:
        session_ids: the rows.
        idle: whether those count whose person has done nothing for IDLE.
        now: the present moment.
    """
    if not session_ids:
        return {}
    pairs = db.session.execute(
        select(UserSession, User)
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.id.in_(session_ids))
    )
    return {row.id: user.id for row, user in pairs if _is_alive(row, user, now, idle=idle)}


def listed(user: User, *, now: datetime) -> Sequence[UserSession]:
    """Return the sessions of a person that are alive, the one used last first."""
    rows = db.session.scalars(
        select(UserSession)
        .where(UserSession.user_id == user.id, UserSession.revoked_at.is_(None))
        .order_by(UserSession.seen_at.desc(), UserSession.id.desc())
    )
    return [row for row in rows if _is_alive(row, user, now)]


def end(public_id: str, *, by: User, address: str, now: datetime) -> None:
    """End one of the person's own sessions.

    Raises:
        NotFound: there is none of that name, or it is somebody else's.
    """
    with transaction() as session:
        row = session.scalar(
            select(UserSession).where(
                UserSession.public_id == public_id, UserSession.user_id == by.id
            )
        )
        if row is None:
            raise NotFound()
        if row.revoked_at is None:
            row.revoked_at = now
            audit.record(
                session,
                "session.end",
                user=by,
                object_type="session",
                object_id=public_id,
                address=address,
                now=now,
            )


def prove_again(session: UserSession, *, now: datetime) -> None:
    """Note that the person of a session has shown the password once more."""
    with transaction():
        session.authenticated_at = now


def end_others(user: User, *, keep: str, address: str, now: datetime) -> int:
    """End all sessions of a person but the one named `keep`; returns how many there were."""
    with transaction() as session:
        ended = changed(
            session,
            update(UserSession)
            .where(
                UserSession.user_id == user.id,
                UserSession.public_id != keep,
                UserSession.revoked_at.is_(None),
            )
            .values(revoked_at=now)
            .execution_options(synchronize_session=False),
        )
        audit.record(session, "session.end_others", user=user, address=address, now=now)
    return ended


def forget_ended(*, now: datetime) -> int:
    """Delete rows of sessions that ended a while ago; returns how many."""
    ended = or_(UserSession.revoked_at < now - KEPT, UserSession.ends_at < now - KEPT)
    with transaction() as session:
        return changed(
            session, delete(UserSession).where(ended).execution_options(synchronize_session=False)
        )


def _is_alive(row: UserSession, user: User, now: datetime, *, idle: bool = False) -> bool:
    return (
        row.revoked_at is None
        and now < row.ends_at
        and (idle or row.remember or now - row.seen_at < IDLE)
        and row.epoch == user.epoch
        and user.is_active
    )


def _note_ended(row: UserSession, user: User, now: datetime, address: str) -> None:
    """Write down that the cookie of a session comes back that somebody has ended."""
    refusals.note(
        "session.ended",
        user=user,
        object_type="session",
        object_id=row.public_id,
        limit=ENDED_LIMIT,
        address=address,
        now=now,
    )


def _is_copy(row: UserSession, now: datetime, address: str) -> bool:
    """Return whether a replaced cookie comes back too late, and end the session if so."""
    if row.rotated_at is None or now - row.rotated_at <= GRACE:
        return False
    with transaction() as session:
        if row.revoked_at is None:
            row.revoked_at = now
            audit.record(
                session,
                "session.reuse",
                result="refused",
                user=row.user,
                object_type="session",
                object_id=row.public_id,
                address=address,
                now=now,
            )
    return True


def _seen(row: UserSession, now: datetime) -> str:
    with transaction():
        row.seen_at = max(row.seen_at, now)
    return ""


def _rotate(row: UserSession, hashed: str, now: datetime) -> str:
    """Give a remembered session a new cookie; empty if another request was faster."""
    token = secrets.token_urlsafe(32)
    with transaction():
        if row.token_hash != hashed:
            return ""
        row.previous_hash, row.token_hash = hashed, sha256(token)
        row.seen_at = row.rotated_at = now
    return token
