"""Passkeys: keys that live in a phone, computer or stick, in place of password and code.

The browser signs a challenge that is good for one use: whoever uses it deletes its row, so a
recorded answer is worth nothing.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from auth import audit, refusals, second_factor
from auth.notices import security_changed
from db.base import db, transaction
from db.models import Passkey, PasskeyChallenge, User
from errors import Conflict, Invalid, NotFound, Unauthenticated
from notify.mark import N_

NAME = "Gatehouse"
LIFETIME = timedelta(minutes=5)
MOST = 20  # of one person


@dataclass(frozen=True, slots=True)
class Site:
    """Where the browser is: passkeys belong to a name, never to a bare network address."""

    host: str  # without port
    origin: str


def registration(user: User, site: Site, *, now: datetime) -> dict[str, Any]:
    """Return what the browser needs to make a passkey, and the name of the challenge.

    Raises:
        Conflict: the person has too many already.
    """
    known = listed(user)
    if len(known) >= MOST:
        raise Conflict("too_many_passkeys", N_("You have too many passkeys already."))
    options = generate_registration_options(
        rp_id=site.host,
        rp_name=NAME,
        user_name=user.email_typed,
        user_id=user.public_id.encode(),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=_described(known),
    )
    number = _keep(options.challenge, user, now)
    return {"challenge": number, "options": json.loads(options_to_json(options))}


def register(
    user: User,
    number: str,
    answer: dict[str, Any],
    label: str,
    site: Site,
    *,
    now: datetime,
    address: str,
) -> list[str]:
    """Keep a new passkey; returns recovery codes, to be shown this once, if there were none.

    Raises:
        Invalid: the answer of the browser is not right.
    """
    with refusals.noted("factor.passkey_fail", Invalid, user=user, now=now, address=address):
        challenge = _take(number, user, now)
        try:
            made = verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=site.host,
                expected_origin=site.origin,
                require_user_verification=True,
            )
        except (WebAuthnException, KeyError, TypeError, ValueError) as error:
            raise _refused() from error
    with transaction() as session:
        session.add(
            Passkey(
                user_id=user.id,
                credential_id=made.credential_id,
                public_key=made.credential_public_key,
                sign_count=made.sign_count,
                label=label.strip()[:80],
                created_at=now,
            )
        )
        audit.record(session, "factor.passkey_added", user=user, address=address, now=now)
        security_changed(session, user, "passkey_added", now=now, address=address)
        return second_factor.first_recovery_codes(session, user)


def login_options(site: Site, *, of: User | None = None, now: datetime) -> dict[str, Any]:
    """Return what the browser needs to show a passkey: of `of`, or of whoever sits there."""
    options = generate_authentication_options(
        rp_id=site.host,
        allow_credentials=_described(listed(of)) if of else None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    number = _keep(options.challenge, of, now)
    return {"challenge": number, "options": json.loads(options_to_json(options))}


def login(
    number: str,
    answer: dict[str, Any],
    site: Site,
    *,
    of: User | None = None,
    now: datetime,
    address: str,
) -> User:
    """Return the person whose passkey answered; it stands for password and second factor.

    Args:
        number: of the challenge.
        answer: of the browser.
        site: where it is.
        of: whose passkey it must be, if that is known already.
        now: the present moment.
        address: where the request came from.

    Raises:
        Invalid: the answer of the browser is not right.
        Unauthenticated: the account cannot be used.
    """
    owner = of
    try:
        challenge = _take(number, of, now)
        key = _answering(answer)
        owner = db.session.get_one(User, key.user_id)
        if of is not None and owner.id != of.id:
            raise _refused()
        sign_count = _checked(answer, challenge, key, site)
    except Invalid:
        refusals.note("login.passkey_fail", user=owner, now=now, address=address)
        raise
    if not owner.is_active:
        refusals.note("login.disabled", user=owner, now=now, address=address)
        raise Unauthenticated("disabled", N_("This account is switched off."))
    with transaction() as session:
        key.sign_count, key.used_at = sign_count, now
        audit.record(session, "login.passkey", user=owner, address=address, now=now)
    return owner


def _checked(answer: dict[str, Any], challenge: bytes, key: Passkey, site: Site) -> int:
    """Return how often a passkey has signed, if it has signed this."""
    try:
        checked = verify_authentication_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count,
            require_user_verification=True,
        )
    except (WebAuthnException, KeyError, TypeError, ValueError) as error:
        raise _refused() from error
    return int(checked.new_sign_count)


def listed(user: User) -> Sequence[Passkey]:
    """Return a person's passkeys, the oldest first."""
    query = select(Passkey).where(Passkey.user_id == user.id).order_by(Passkey.id)
    return db.session.scalars(query).all()


def remove(user: User, public_id: str, *, now: datetime, address: str) -> None:
    """Forget a passkey; the caller has asked for the password.

    Raises:
        NotFound: the person has none of this name.
    """
    with transaction() as session:
        key = session.scalar(
            select(Passkey).where(Passkey.public_id == public_id, Passkey.user_id == user.id)
        )
        if key is None:
            raise NotFound()
        session.delete(key)
        audit.record(session, "factor.passkey_removed", user=user, address=address, now=now)
        security_changed(session, user, "passkey_removed", now=now, address=address)
        second_factor.forget_unneeded_codes(session, user)


def _described(keys: Sequence[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=key.credential_id) for key in keys]


def _answering(answer: dict[str, Any]) -> Passkey:
    """Return the passkey that an answer names; the account it belongs to follows from it alone."""
    from webauthn.helpers import base64url_to_bytes

    try:
        name = base64url_to_bytes(str(answer["rawId"]))
        holder = answer["response"].get("userHandle")
        holder = None if holder is None else base64url_to_bytes(str(holder))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _refused() from error
    key = db.session.scalar(select(Passkey).where(Passkey.credential_id == name))
    if key is None:
        raise _refused()
    owner = db.session.get_one(User, key.user_id)
    if holder is not None and holder != owner.public_id.encode():
        raise _refused()
    return key


def _keep(challenge: bytes, user: User | None, now: datetime) -> str:
    number = secrets.token_urlsafe(16)
    with transaction() as session:
        session.execute(delete(PasskeyChallenge).where(PasskeyChallenge.expires_at < now))
        session.add(
            PasskeyChallenge(
                public_id=number,
                challenge=challenge,
                user_id=None if user is None else user.id,
                expires_at=now + LIFETIME,
            )
        )
    return number


def _take(number: str, user: User | None, now: datetime) -> bytes:
    """Return a challenge and delete it: it is used up even if the answer turns out wrong."""
    with transaction() as session:
        row = session.scalar(
            select(PasskeyChallenge).where(PasskeyChallenge.public_id == number).with_for_update()
        )
        if row is None or row.expires_at <= now or row.user_id != (user.id if user else None):
            raise _refused()
        session.delete(row)
        return row.challenge


def _refused() -> Invalid:
    return Invalid("passkey_refused", N_("This passkey was not accepted. Please try again."))
