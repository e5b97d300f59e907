"""Requests that are sent twice: the first answer is kept for a day, encrypted, and given again."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from auth.keys import Keys
from db.base import transaction
from db.models import StoredAnswer
from errors import Conflict, Invalid
from notify.mark import N_

KEPT = timedelta(hours=24)
ABANDONED = timedelta(minutes=1)  # a request that has not ended by then never will
NONCE = 12


@dataclass(frozen=True, slots=True)
class Stored:
    """What came of a request."""

    status: int
    body: bytes


def begin(caller: str, key: str, fingerprint: str, *, keys: Keys, now: datetime) -> Stored | None:
    """Return what came of the first request with this key, or None: carry it out.

    Args:
        caller: who asks; keys of others are other keys.
        key: what the caller calls this request.
        fingerprint: hex SHA-256 of what is asked.
        keys: the server's.
        now: when.

    Raises:
        Conflict: request_running, the first one has not ended.
        Invalid: idempotency_key_reused, the key belongs to another request.
    """
    running = Conflict("request_running", N_("This request is being carried out already."))
    try:
        with transaction() as session:
            session.execute(delete(StoredAnswer).where(StoredAnswer.created_at < now - KEPT))
            row = session.scalar(select(StoredAnswer).filter_by(caller=caller, key=key))
            if row is None:
                session.add(
                    StoredAnswer(caller=caller, key=key, fingerprint=fingerprint, created_at=now)
                )
                return None
            if row.fingerprint != fingerprint:
                raise Invalid(
                    "idempotency_key_reused", N_("This key was used for another request.")
                )
            if row.body is not None:
                return Stored(row.status, _cipher(keys).decrypt(*_split(row.body), _place(row)))
            if now - row.created_at < ABANDONED:
                raise running
            row.created_at = now
            return None
    except IntegrityError:
        raise running from None


def finish(caller: str, key: str, status: int, body: bytes, *, keys: Keys) -> None:
    """Keep what came of a request."""
    with transaction() as session:
        row = session.scalar(select(StoredAnswer).filter_by(caller=caller, key=key))
        if row is not None:
            nonce = os.urandom(NONCE)
            row.status = status
            row.body = nonce + _cipher(keys).encrypt(nonce, body, _place(row))


def forget(caller: str, key: str) -> None:
    """Let a request that changed nothing be tried again."""
    with transaction() as session:
        session.execute(
            delete(StoredAnswer).where(
                StoredAnswer.caller == caller,
                StoredAnswer.key == key,
                StoredAnswer.body.is_(None),
            )
        )


def _cipher(keys: Keys) -> AESGCM:
    return AESGCM(keys.derive("stored-answer"))


def _split(body: bytes) -> tuple[bytes, bytes]:
    return body[:NONCE], body[NONCE:]


def _place(row: StoredAnswer) -> bytes:
    return f"{row.caller}|{row.key}".encode()
