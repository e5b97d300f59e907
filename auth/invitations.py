"""Invitations: an account that somebody else made gets its password from its own person.

The first administrator is invited too, by a link that only the terminal of the server shows.
"""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

import notify.mail
from auth import addresses, audit, links, passwords
from auth.links import Link, Purpose
from auth.people import by_email, by_public_id, facts, has_admin
from db.base import transaction
from db.models import User
from errors import Conflict
from notify.mark import N_

LIFETIME = timedelta(hours=24)
FIRST_ADMIN = "first-admin"  # in place of an account's name; those are 16 characters long


def for_first_admin(*, now: datetime) -> str | None:
    """Return a link that makes the first administrator, or None if there is one."""
    if has_admin():
        return None
    token = links.issue(Purpose.INVITE, FIRST_ADMIN, now=now, lifetime=LIFETIME)
    return links.page("/register/invitation", token)


def send(session: Session, user: User, *, now: datetime) -> None:
    """Write the mail that invites a person, in the caller's transaction."""
    token = links.issue(Purpose.INVITE, user.public_id, *facts(user), now=now, lifetime=LIFETIME)
    notify.mail.enqueue(
        session,
        to=user.email_typed,
        template="invitation",
        language=user.language,
        now=now,
        link=links.page("/register/invitation", token, links.hashed_email(user.email)),
        hours=LIFETIME // timedelta(hours=1),
    )


def read(token: str, check: str, *, now: datetime) -> str:
    """Return whom a link invites: an e-mail address, or "" for the first administrator.

    Raises:
        Gone: the link is forged, expired or has been used.
    """
    user = _invited(links.read(Purpose.INVITE, token, now=now), check)
    return user.email_typed if user else ""


def accept(
    token: str, check: str, email: str, password: str, *, language: str, now: datetime, address: str
) -> User:
    """Set the password of an invited account and confirm it; the person still has to log in.

    Args:
        token: of the link.
        check: the link's hash of the address; empty for the first administrator.
        email: the first administrator's address; others have theirs already.
        password: what the person chose.
        language: in which the person read the page; the account takes it.
        now: the present moment.
        address: where the request came from.

    Raises:
        Gone: the link is forged, expired or has been used.
        Invalid: `email` is no e-mail address.
        Conflict: `email` has an account already.
        AppError: the password is too short, too long or too easily guessed.
    """
    link = links.read(Purpose.INVITE, token, now=now)
    invited = _invited(link, check)
    typed = addresses.parse(invited.email_typed if invited else email)
    passwords.check(password, context=[typed.normal])
    hashed = passwords.hash_password(password)
    with transaction() as session:
        user = _invited(link, check)
        if user is None:
            if by_email(typed.normal) is not None:
                raise Conflict("email_taken", N_("This address has an account already."))
            user = User(email=typed.normal, email_typed=typed.typed, created_at=now, role="admin")
            session.add(user)
        user.password_hash, user.confirmed_at, user.language = hashed, now, language
        session.flush()
        audit.record(
            session, "account.invitation", user=user, address=address, now=now, role=user.role
        )
    return user


def _invited(link: Link, check: str) -> User | None:
    """Return the invited account, or None for the first administrator's; refuse used links."""
    if link.subject == FIRST_ADMIN:
        if has_admin():
            raise links.dead()
        return None
    user = by_public_id(link.subject)
    if user is None or user.disabled_at or not links.is_for_email(check, user.email):
        raise links.dead()
    if not link.fits(*facts(user)):
        raise links.dead()
    return user
