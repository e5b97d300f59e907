"""The account to which a simulated house belongs."""

import secrets
from datetime import datetime

from auth import addresses, audit, passwords
from auth.people import by_email
from db.base import transaction
from db.models import User


def owner(email: str, *, now: datetime) -> tuple[User, str]:
    """Return the account with this address and its password; make it if there is none.

    The account is an ordinary one, confirmed, with a random password; the password is returned
    only when the account was made just now, else it is empty.

    Raises:
        Invalid: this is no e-mail address.
    """
    parsed = addresses.parse(email)
    user = by_email(parsed.normal)
    if user is not None:
        return user, ""
    password = secrets.token_urlsafe(12)
    hashed = passwords.hash_password(password)
    with transaction() as session:
        user = User(
            email=parsed.normal,
            email_typed=parsed.typed,
            password_hash=hashed,
            role="user",
            created_at=now,
            confirmed_at=now,
        )
        session.add(user)
        session.flush()
        audit.record(session, "account.demo", user=user, now=now)
    return user, password
