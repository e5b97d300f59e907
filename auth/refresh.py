"""Tokens of people's programs: short-lived access JWTs and refresh tokens that rotate.

A family begins with a log-in.  Each refresh exchanges the newest generation for the next one; an
older one that comes back ends the family.  For GRACE a lost answer can be asked for again: the
next token is an HMAC of the one before, so the very same pair is made again, nothing is stored.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import jwt
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from auth import audit, refusals
from auth.keys import Keys, sha256
from clock import from_ms, to_ms
from db.base import changed, db, transaction
from db.models import ApiToken, User
from errors import NotFound, Unauthenticated
from notify.mark import N_

ACCESS_LIFETIME = timedelta(minutes=30)
FAMILY_LIFETIME = timedelta(days=90)  # absolute: then the person logs in again
IDLE_LIFETIME = timedelta(days=30)  # of a generation that nobody exchanges
KEPT = timedelta(days=7)  # ended rows are of no use any longer
GRACE = timedelta(seconds=10)
PREFIX = "ref_"
AUDIENCE = "api"
CLAIMS = ["exp", "iat", "aud", "sub", "sid"]


@dataclass(frozen=True, slots=True)
class Pair:
    """What a program gets."""

    access_token: str
    refresh_token: str
    expires_in: int  # seconds that the access token lives


class _Ended(Unauthenticated):
    """A refresh token that nobody has or that has ended; `user` is whose it was, if it was one."""

    code, text = "refresh_token_invalid", N_("This token has ended. Log in again.")

    def __init__(self, user: User | None) -> None:
        super().__init__()
        self.user = user


class Bearer(NamedTuple):
    """Who shows an access token."""

    user: User
    family: str


@dataclass(frozen=True, slots=True)
class Family:
    """One log-in of a program, as its owner sees it."""

    id: str
    label: str
    created_at: datetime
    used_at: datetime  # of the newest exchange
    expires_at: datetime


def begin(user: User, *, keys: Keys, label: str, now: datetime, address: str = "") -> Pair:
    """Start a family for a person who has just proved who they are."""
    token = PREFIX + secrets.token_urlsafe(32)
    with transaction() as session:
        row = ApiToken(
            family=secrets.token_hex(12),
            user_id=user.id,
            token_hash=sha256(token),
            epoch=user.epoch,
            label=label[:120],
            created_at=now,
            expires_at=now + FAMILY_LIFETIME,
        )
        session.add(row)
        _note(session, "token.create", user, row.family, now, address)
    return _pair(user, row.family, token, issued=now, keys=keys, now=now)


def refresh(token: str, *, keys: Keys, now: datetime, address: str = "") -> Pair:
    """Exchange a refresh token for the next pair.

    Raises:
        Unauthenticated: it is unknown or has ended (refresh_token_invalid), or it was exchanged
            before and the whole family ends with this (refresh_token_reused).
    """
    try:
        return _exchange(token, keys, now, address)
    except _Ended as ended:
        if ended.user is not None:
            refusals.note("token.ended", user=ended.user, now=now, address=address)
        raise


def _exchange(token: str, keys: Keys, now: datetime, address: str) -> Pair:
    with transaction() as session:
        row = session.scalar(select(ApiToken).where(ApiToken.token_hash == sha256(token)))
        user = None if row is None else session.get(User, row.user_id)
        if row is None or user is None or not _lives(row, user, now):
            raise _Ended(user)
        following = PREFIX + _following(token, keys)
        unused = update(ApiToken).where(ApiToken.id == row.id, ApiToken.used_at.is_(None))
        if changed(session, unused.values(used_at=now)):
            session.add(
                ApiToken(
                    family=row.family,
                    user_id=row.user_id,
                    token_hash=sha256(following),
                    epoch=row.epoch,
                    label=row.label,
                    created_at=now,
                    expires_at=row.expires_at,
                )
            )
            return _pair(user, row.family, following, issued=now, keys=keys, now=now)
        session.refresh(row)
        if _answer_was_lost(session, row, following, now):
            exchanged = row.used_at or now
            return _pair(user, row.family, following, issued=exchanged, keys=keys, now=now)
        _end_family(session, row.family, now)
        _note(session, "token.reuse", user, row.family, now, address, result="refused")
    raise Unauthenticated("refresh_token_reused", N_("This token was used before. Log in again."))


def revoke(token: str, *, now: datetime, address: str = "") -> None:
    """End the family of a refresh token; an unknown one changes nothing and tells nothing."""
    with transaction() as session:
        row = session.scalar(select(ApiToken).where(ApiToken.token_hash == sha256(token)))
        if row is None or not _end_family(session, row.family, now):
            return
        _note(session, "token.revoke", session.get(User, row.user_id), row.family, now, address)


def forget_ended(*, now: datetime) -> int:
    """Delete the rows of log-ins that ended a while ago; returns how many.

    Rows of one that lives stay, exchanged or not: they show when a token is used a second time.
    """
    ended = or_(ApiToken.revoked_at < now - KEPT, ApiToken.expires_at < now - KEPT)
    with transaction() as session:
        return changed(
            session, delete(ApiToken).where(ended).execution_options(synchronize_session=False)
        )


def authenticate(token: str, *, keys: Keys, now: datetime) -> Bearer:
    """Return the person whose access token this is, and the log-in it is of.

    Raises:
        Unauthenticated: access_token_expired, or access_token_invalid: forged, of an ended
            family, or of a person who is disabled or has ended all tokens.
    """
    invalid = Unauthenticated("access_token_invalid", N_("This access token is not valid."))
    try:
        claims = jwt.decode(
            token,
            keys.jwt_secret,
            algorithms=["HS256"],
            audience=AUDIENCE,
            options={"require": CLAIMS, "verify_exp": False, "verify_iat": False},
        )
        expires = from_ms(int(claims["exp"]) * 1000)
    except (jwt.PyJWTError, TypeError, ValueError, OverflowError, OSError):
        raise invalid from None
    if expires <= now:
        raise Unauthenticated("access_token_expired", N_("This access token has expired."))
    user = db.session.scalar(
        select(User)
        .join(ApiToken, ApiToken.user_id == User.id)
        .where(
            User.public_id == str(claims["sub"]),
            User.disabled_at.is_(None),
            ApiToken.family == str(claims["sid"]),
            ApiToken.revoked_at.is_(None),
            ApiToken.epoch == User.epoch,
        )
        .limit(1)
    )
    if user is None:
        raise invalid
    return Bearer(user, str(claims["sid"]))


def alive(families: Collection[str | int], *, now: datetime) -> dict[str, int]:
    """Return those of these families that still are, each with the id of its user; one query."""
    if not families:
        return {}
    rows = db.session.execute(
        select(ApiToken.family, ApiToken.user_id)
        .join(User, User.id == ApiToken.user_id)
        .where(
            ApiToken.family.in_(families),
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at > now,
            ApiToken.epoch == User.epoch,
            User.disabled_at.is_(None),
        )
    )
    return {row.family: row.user_id for row in rows}


def families(user: User, *, now: datetime) -> list[Family]:
    """Return a person's living families, newest use first."""
    rows = db.session.execute(
        select(
            ApiToken.family,
            func.max(ApiToken.label),
            func.min(ApiToken.created_at),
            func.max(ApiToken.created_at),
            func.max(ApiToken.expires_at),
        )
        .where(
            ApiToken.user_id == user.id,
            ApiToken.revoked_at.is_(None),
            ApiToken.epoch == user.epoch,
            ApiToken.expires_at > now,
        )
        .group_by(ApiToken.family)
        .having(func.max(ApiToken.created_at) > now - IDLE_LIFETIME)
        .order_by(func.max(ApiToken.created_at).desc())
    )
    return [Family(*row) for row in rows]


def end_family(user: User, family: str, *, now: datetime, address: str = "") -> None:
    """End one of a person's own families.

    Raises:
        NotFound: the person has no such living family.
    """
    with transaction() as session:
        owned = select(ApiToken.id).where(ApiToken.user_id == user.id, ApiToken.family == family)
        if session.scalar(owned.limit(1)) is None or not _end_family(session, family, now):
            raise NotFound("token_not_found", N_("There is no such token."))
        _note(session, "token.revoke", user, family, now, address)


def _lives(row: ApiToken, user: User, now: datetime) -> bool:
    return (
        row.revoked_at is None
        and row.expires_at > now
        and row.created_at + IDLE_LIFETIME > now
        and row.epoch == user.epoch
        and user.disabled_at is None
    )


def _answer_was_lost(session: Session, row: ApiToken, following: str, now: datetime) -> bool:
    """Whether the exchange was just now and nobody has used what came of it."""
    if row.used_at is None or now - row.used_at > GRACE:
        return False
    successor = session.scalar(select(ApiToken).where(ApiToken.token_hash == sha256(following)))
    return successor is not None and successor.used_at is None


def _end_family(session: Session, family: str, now: datetime) -> bool:
    alive = update(ApiToken).where(ApiToken.family == family, ApiToken.revoked_at.is_(None))
    return bool(changed(session, alive.values(revoked_at=now)))


def _note(
    session: Session,
    action: str,
    user: User | None,
    family: str,
    now: datetime,
    address: str,
    result: str = "ok",
) -> None:
    audit.record(
        session,
        action,
        result=result,
        user=user,
        object_type="token",
        object_id=family,
        address=address,
        now=now,
    )


def _following(token: str, keys: Keys) -> str:
    mac = hmac.new(keys.derive("refresh-token"), token.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def _pair(
    user: User, family: str, refresh_token: str, *, issued: datetime, keys: Keys, now: datetime
) -> Pair:
    issued_s = to_ms(issued) // 1000
    expires_s = issued_s + int(ACCESS_LIFETIME.total_seconds())
    access = jwt.encode(
        {"sub": user.public_id, "aud": AUDIENCE, "sid": family, "iat": issued_s, "exp": expires_s},
        keys.jwt_secret,
        algorithm="HS256",
    )
    return Pair(access, refresh_token, expires_s - to_ms(now) // 1000)
