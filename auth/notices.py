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
    "sessions_ended",
]


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
