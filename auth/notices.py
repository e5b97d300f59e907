"""Mails that tell the owner of an account what was done to it."""

from datetime import datetime
from typing import Literal

from sqlalchemy.orm import Session

import notify.mail
from auth import links
from db.models import User

Change = Literal[
    "totp_on",
    "totp_off",
    "passkey_added",
    "passkey_removed",
    "recovery_codes",
    "recovery_code_used",
    "channel",
]
AdminChange = Literal["email", "role_admin", "role_user", "disabled", "enabled", "sessions_ended"]


def password_changed(session: Session, user: User, *, now: datetime, address: str) -> None:
    """Tell that there is another password, in the caller's transaction."""
    notify.mail.enqueue(
        session,
        to=user.email_typed,
        template="password_changed",
        language=user.language,
        now=now,
        at=now,
        address=address,
        recover_link=links.page("/recover"),
    )


def security_changed(
    session: Session, user: User, change: Change, *, now: datetime, address: str
) -> None:
    """Tell that the way in was changed, in the caller's transaction."""
    notify.mail.enqueue(
        session,
        to=user.email_typed,
        template="security_changed",
        language=user.language,
        now=now,
        change=change,
        at=now,
        address=address,
        settings_link=links.page("/settings/sessions"),
    )


def changed_by_admin(
    session: Session, user: User, change: AdminChange, *, now: datetime, also_to: str = ""
) -> None:
    """Tell what an administrator did to an account, in the caller's transaction.

    Who has not confirmed an address is told nothing: it may be somebody else's.

    Args:
        session: of the transaction.
        user: the account, as it is now.
        change: what was done.
        now: when.
        also_to: the address that it had before.
    """
    if user.confirmed_at is None:
        return
    for to in filter(None, (user.email_typed, also_to)):
        notify.mail.enqueue(
            session,
            to=to,
            template="account_changed",
            language=user.language,
            now=now,
            change=change,
            new_email=user.email_typed,
            at=now,
        )
