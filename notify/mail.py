"""Writes a mail into the outbox, within the transaction that is the reason for it."""

import secrets
from datetime import datetime
from email.utils import parseaddr

from sqlalchemy import event
from sqlalchemy.orm import Session

from db.models.mail import OutboxMessage
from errors import Invalid
from notify import language as languages
from notify import letters, post


def enqueue(
    session: Session, *, to: str, template: str, language: str, now: datetime, **values: object
) -> OutboxMessage:
    """Add a mail to the caller's transaction; the worker sends it after the commit.

    Args:
        session: of the running transaction.
        to: the address as its owner typed it.
        template: a file in `templates/mail` without its ending; its first line names `values`.
        language: a code of `language.LANGUAGES`; "" is the language in force.
        now: when it was asked for.
        values: what the template wants to know.

    Raises:
        Invalid: the address holds control characters or is too long.
    """
    return add(session, "mail", to, template=template, language=language, now=now, values=values)


def add(
    session: Session,
    channel: str,
    recipient: str,
    *,
    template: str,
    language: str,
    now: datetime,
    values: dict[str, object],
    fallback: str = "",
) -> OutboxMessage:
    """Add a message for any channel to the caller's transaction.

    Raises:
        Invalid: an address holds control characters or is too long.
    """
    settings = post.current().settings
    known = language if language in languages.LANGUAGES else languages.code()
    letter = letters.render(template, known, settings.url, values)
    message = OutboxMessage(
        channel=channel,
        recipient=_checked(recipient),
        fallback=_checked(fallback),
        template=template,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        message_id=_message_id(settings.mail_default_sender),
        state="queued",
        created_at=now,
        due_at=now,
    )
    session.add(message)
    bell = post.current().bell
    event.listen(session, "after_commit", lambda _session: bell.set(), once=True)
    return message


def _checked(address: str) -> str:
    if not address.isprintable() or len(address) > 320:
        raise Invalid("bad_address", "This address cannot be used.")
    return address


def _message_id(sender: str) -> str:
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    return f"<{secrets.token_hex(16)}@{domain[:80]}>"
