"""Codes of six digits that prove a mailbox, a chat or a telephone.

A million values are soon tried, so a code is kept as an HMAC, works for minutes, and dies after
five tries, which are counted before comparing and not forgotten when the code is sent again.
"""

import hmac
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

import notify.channels
import wiring
from auth import audit, refusals, throttle
from db.base import changed, db, transaction
from db.models import CodeRequest, User
from errors import Gone, Invalid, TooMany
from notify.mark import N_

LIFETIME = timedelta(minutes=10)
TRIES = 5
RESEND_AFTER = timedelta(seconds=60)
SEND_LIMIT = "5/hour"  # a person, over all purposes and channels


def ask(
    session: Session,
    user: User,
    purpose: str,
    *,
    now: datetime,
    lifetime: timedelta = LIFETIME,
    payload: dict[str, Any] | None = None,
    alone: bool = True,
) -> tuple[CodeRequest, str]:
    """Make a request in the caller's transaction; returns it with its code, which is not stored.

    Args:
        session: of the transaction.
        user: who will bring the code.
        purpose: what it is good for.
        now: when its life begins.
        lifetime: how long it works.
        payload: what is to be done, for the caller.
        alone: whether requests made before for the same purpose end.
    """
    if alone:
        _end(session, user, purpose, now)
    request = CodeRequest(
        public_id=secrets.token_urlsafe(16),
        user_id=user.id,
        purpose=purpose,
        attempts=0,
        payload=payload or {},
        created_at=now,
        sent_at=now,
        expires_at=now + lifetime,
    )
    session.add(request)
    return request, renew(request)


def _end(session: Session, user: User, purpose: str, now: datetime) -> None:
    session.execute(
        update(CodeRequest)
        .where(
            CodeRequest.user_id == user.id,
            CodeRequest.purpose == purpose,
            CodeRequest.used_at.is_(None),
        )
        .values(used_at=now)
        .execution_options(synchronize_session=False)
    )


def renew(request: CodeRequest) -> str:
    """Give a request a new code and return it; the tries stay counted."""
    code = f"{secrets.randbelow(10**6):06d}"
    request.code_hmac = _mac(request.public_id, code)
    return code


def count_sending(user: User, *, now: datetime, address: str) -> None:
    """Count one more code to this person.

    Raises:
        TooMany: five went out within the hour.
    """
    with refusals.noted("code.limit", TooMany, user=user, now=now, address=address):
        throttle.hit(f"code:{user.public_id}", SEND_LIMIT, now=now)


def send(session: Session, user: User, request: CodeRequest, code: str, *, now: datetime) -> None:
    """Write the code to the person by the channel they chose, in the caller's transaction."""
    request.channel = user.code_channel
    notify.channels.notify(
        session,
        user,
        template="code",
        language=user.language,
        now=now,
        code=code,
        purpose=request.purpose,
        minutes=minutes(request),
    )


def resend(user: User, purpose: str, *, now: datetime, address: str) -> None:
    """Send a new code for the request that waits; it works as long as the first would have.

    Raises:
        Gone: none waits.
        TooMany: the last one is less than a minute old, or there were five within the hour.
    """
    request = pending(user, purpose, now=now)
    if request is None:
        raise _ended()
    wait = (request.sent_at + RESEND_AFTER - now).total_seconds()
    if wait > 0:
        raise TooMany(retry_after=round(wait))
    count_sending(user, now=now, address=address)
    with transaction() as session:
        request.expires_at = now + (request.expires_at - request.sent_at)
        request.sent_at = now
        send(session, user, request, renew(request), now=now)
        audit.record(session, "code.resend", user=user, address=address, now=now, purpose=purpose)


def pending(user: User, purpose: str, *, now: datetime) -> CodeRequest | None:
    """Return the request of a person that waits for its code; one that was tried out does not."""
    return db.session.scalar(
        select(CodeRequest)
        .where(CodeRequest.user_id == user.id, CodeRequest.purpose == purpose, *_takes_tries(now))
        .order_by(CodeRequest.id.desc())
        .limit(1)
    )


def works(public_id: str, *, now: datetime) -> bool:
    """Return whether a request still takes a code."""
    query = select(CodeRequest.id).where(CodeRequest.public_id == public_id, *_takes_tries(now))
    return db.session.scalar(query) is not None


def check(
    public_id: str, user: User, purpose: str, code: str, *, now: datetime, address: str
) -> CodeRequest:
    """Return the request that a code belongs to; the caller then carries it out with `use`.

    Not to be called inside a transaction: the try stays counted whatever happens after.

    Raises:
        Invalid: the code is wrong.
        Gone: expired, used, or tried five times.
    """
    with transaction() as session:
        counted = changed(
            session,
            update(CodeRequest)
            .where(
                CodeRequest.public_id == public_id,
                CodeRequest.user_id == user.id,
                CodeRequest.purpose == purpose,
                *_takes_tries(now),
            )
            .values(attempts=CodeRequest.attempts + 1)
            .execution_options(synchronize_session=False),
        )
    if not counted:
        _note_failure(user, purpose, now, address)
        raise _ended()
    request = db.session.scalars(
        select(CodeRequest).where(CodeRequest.public_id == public_id)
    ).one()
    digits = re.sub(r"\s", "", code)
    if not hmac.compare_digest(request.code_hmac, _mac(public_id, digits)):
        _note_failure(user, purpose, now, address)
        raise Invalid("code_wrong", N_("This code is not right."), field="code")
    return request


def _note_failure(user: User, purpose: str, now: datetime, address: str) -> None:
    with transaction() as session:
        audit.record(
            session,
            "code.fail",
            result="refused",
            user=user,
            address=address,
            now=now,
            purpose=purpose,
        )


def use(session: Session, request: CodeRequest, *, now: datetime) -> None:
    """Mark a request as carried out, in the transaction that does it.

    Raises:
        Gone: somebody else was faster.
    """
    used = changed(
        session,
        update(CodeRequest)
        .where(CodeRequest.id == request.id, CodeRequest.used_at.is_(None))
        .values(used_at=now, payload={})
        .execution_options(synchronize_session=False),
    )
    if not used:
        raise _ended()


def minutes(request: CodeRequest) -> int:
    """Return for how many minutes the code of a request works once it is sent."""
    return round((request.expires_at - request.sent_at).total_seconds() / 60)


def _takes_tries(now: datetime) -> tuple[Any, ...]:
    return (
        CodeRequest.attempts < TRIES,
        CodeRequest.used_at.is_(None),
        CodeRequest.expires_at > now,
    )


def _ended() -> Gone:
    return Gone("code_ended", N_("This code does not work any more. Please ask for a new one."))


def _mac(public_id: str, code: str) -> str:
    return wiring.current().keys.mac("code", f"{public_id}|{code}")
