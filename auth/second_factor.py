"""The second factor after the password: an authenticator app, or a recovery code.

A code of the app works once.  Recovery by mail does not switch any of this off.
"""

import hmac
import os
import re
from dataclasses import dataclass
from datetime import datetime

import pyotp
import segno
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

import wiring
from auth import audit, refusals, throttle
from auth.notices import security_changed
from db.base import changed, db, transaction
from db.models import Passkey, RecoveryCode, User
from db.models.columns import short_id
from errors import Invalid, TooMany, Unauthenticated
from notify.mark import N_

ISSUER = "Gatehouse"
STEP_S = 30
DRIFT = 1  # steps that clocks may differ
NONCE = 12
RECOVERY_CODES = 10


@dataclass(frozen=True, slots=True)
class Factors:
    """With what a person can do the second step of a login."""

    app: bool
    passkey: bool
    codes: int  # recovery codes that are left


def of(user: User) -> Factors:
    """Return the second factors that a person has."""
    return Factors(user.totp_confirmed_at is not None, _has_passkey(user), codes_left(user))


def needed(user: User) -> bool:
    """Return whether the password alone does not let this person in."""
    return user.totp_confirmed_at is not None or _has_passkey(user)


def _has_passkey(user: User) -> bool:
    query = select(Passkey.id).where(Passkey.user_id == user.id).limit(1)
    return db.session.scalar(query) is not None


def check(user: User, code: str, *, now: datetime, address: str) -> None:
    """Let through who has the app or an unused recovery code.

    Raises:
        Unauthenticated: the code is wrong or was used before.
        TooMany: it was wrong too often.
    """
    key = f"otp:{user.public_id}"
    with refusals.noted("login.locked", TooMany, user=user, now=now, address=address):
        throttle.attempt(key, now=now)
    said = re.sub(r"[\s-]", "", code).lower()
    right = (
        _use_step(user, said, now) if said.isdigit() else _use_recovery(user, said, now, address)
    )
    if not right:
        with transaction() as session:
            audit.record(
                session, "login.factor", result="refused", user=user, address=address, now=now
            )
        raise Unauthenticated("code_wrong", N_("This code is not right."))
    throttle.reset(key)


def begin(user: User) -> None:
    """Make a new secret for an app; it counts once the app has shown a code from it."""
    with transaction():
        if user.totp_confirmed_at is None:
            user.totp_secret = _encrypt(user, pyotp.random_base32())


def secret(user: User) -> str:
    """Return the secret to type into an app, while it is not confirmed; else an empty text."""
    return _decrypt(user) if user.totp_secret and user.totp_confirmed_at is None else ""


def picture(user: User) -> str:
    """Return the QR code for an app as the address of a picture (SVG data URI)."""
    uri = pyotp.TOTP(secret(user)).provisioning_uri(name=user.email_typed, issuer_name=ISSUER)
    code = segno.make(uri, error="m")
    return str(code.svg_data_uri(scale=5, border=4, dark="#000", light="#fff"))


def confirm(user: User, code: str, *, now: datetime, address: str) -> list[str]:
    """Switch the app on; returns recovery codes, to be shown this once, if there were none.

    Raises:
        Invalid: the code is not what the app should show.
        TooMany: it was wrong too often.
    """
    with refusals.noted("code.locked", TooMany, user=user, now=now, address=address):
        throttle.attempt(f"otp:{user.public_id}", now=now)
    if user.totp_confirmed_at is not None or not _use_step(user, code.replace(" ", ""), now):
        refusals.note("code.fail", user=user, now=now, address=address, purpose="app")
        raise Invalid("code_wrong", N_("This code is not right."), field="code")
    throttle.reset(f"otp:{user.public_id}")
    with transaction() as session:
        user.totp_confirmed_at = now
        audit.record(session, "factor.totp_on", user=user, address=address, now=now)
        security_changed(session, user, "totp_on", now=now, address=address)
        return first_recovery_codes(session, user)


def switch_off(user: User, *, now: datetime, address: str) -> None:
    """Forget the app; the caller has asked for the password."""
    with transaction() as session:
        user.totp_secret = user.totp_confirmed_at = None
        audit.record(session, "factor.totp_off", user=user, address=address, now=now)
        security_changed(session, user, "totp_off", now=now, address=address)
        forget_unneeded_codes(session, user)


def new_recovery_codes(user: User, *, now: datetime, address: str) -> list[str]:
    """Replace the recovery codes; returns the new ones, to be shown this once."""
    with transaction() as session:
        audit.record(session, "factor.recovery_codes", user=user, address=address, now=now)
        security_changed(session, user, "recovery_codes", now=now, address=address)
        return _make_codes(session, user)


def first_recovery_codes(session: Session, user: User) -> list[str]:
    """Make recovery codes for who has none, in the caller's transaction; else return nothing."""
    return [] if codes_left(user) else _make_codes(session, user)


def forget_unneeded_codes(session: Session, user: User) -> None:
    """Delete the recovery codes of who has no second factor any more."""
    session.flush()
    if not needed(user):
        session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))


def forget_since(session: Session, user: User, moment: datetime) -> None:
    """Take away the factors that came after a moment, in the caller's transaction."""
    session.execute(delete(Passkey).where(Passkey.user_id == user.id, Passkey.created_at >= moment))
    if user.totp_confirmed_at is None or user.totp_confirmed_at >= moment:
        user.totp_secret = user.totp_confirmed_at = None
    forget_unneeded_codes(session, user)


def codes_left(user: User) -> int:
    """Return how many recovery codes still work."""
    query = select(func.count()).where(
        RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None)
    )
    return db.session.scalar(query) or 0


def _make_codes(session: Session, user: User) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = [short_id(10) for _ in range(RECOVERY_CODES)]
    session.add_all(RecoveryCode(user_id=user.id, code_hash=_mac(user, code)) for code in codes)
    return [f"{code[:5]}-{code[5:]}" for code in codes]


def _use_recovery(user: User, code: str, now: datetime, address: str) -> bool:
    with transaction() as session:
        used = changed(
            session,
            update(RecoveryCode)
            .where(
                RecoveryCode.user_id == user.id,
                RecoveryCode.code_hash == _mac(user, code),
                RecoveryCode.used_at.is_(None),
            )
            .values(used_at=now)
            .execution_options(synchronize_session=False),
        )
        if not used:
            return False
        audit.record(session, "factor.recovery_code_used", user=user, address=address, now=now)
        security_changed(session, user, "recovery_code_used", now=now, address=address)
    return True


def _use_step(user: User, code: str, now: datetime) -> bool:
    """Return whether the app shows this code now; it is not taken a second time."""
    if not user.totp_secret:
        return False
    app, present = pyotp.TOTP(_decrypt(user)), int(now.timestamp()) // STEP_S
    for step in range(present - DRIFT, present + DRIFT + 1):
        if hmac.compare_digest(app.generate_otp(step).encode(), code.encode()):
            with transaction() as session:
                taken = changed(
                    session,
                    update(User)
                    .where(User.id == user.id, User.totp_last_step < step)
                    .values(totp_last_step=step)
                    .execution_options(synchronize_session=False),
                )
            return taken == 1
    return False


def _mac(user: User, code: str) -> str:
    return wiring.current().keys.mac("recovery-code", f"{user.public_id}|{code}")


def _encrypt(user: User, plain: str) -> str:
    nonce = os.urandom(NONCE)
    return (nonce + _cipher().encrypt(nonce, plain.encode(), user.public_id.encode())).hex()


def _decrypt(user: User) -> str:
    kept = bytes.fromhex(user.totp_secret or "")
    return _cipher().decrypt(kept[:NONCE], kept[NONCE:], user.public_id.encode()).decode()


def _cipher() -> AESGCM:
    return AESGCM(wiring.current().keys.derive("totp"))
