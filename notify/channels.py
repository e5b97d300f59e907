"""Short messages by Telegram and SMS; a mail carries what they cannot."""

import logging
from datetime import datetime

from sqlalchemy.orm import Session

from config import Settings
from db.models.account import User
from db.models.mail import OutboxMessage
from notify import mail, post
from notify.outbox import Claimed

TIMEOUT_S = 5.0  # to connect, and for the answer


class ChannelFailed(Exception):
    """A service is not set up, away, or does not want the message."""


def available(settings: Settings) -> list[str]:
    """Return the channels that this installation has: "mail", "telegram", "sms"."""
    found = ["mail"]
    if settings.telegram_bot_token.get_secret_value():
        found.append("telegram")
    if settings.twilio_account_sid and settings.twilio_from:
        found.append("sms")
    return found


def notify(
    session: Session, user: User, *, template: str, language: str, now: datetime, **values: object
) -> OutboxMessage:
    """Write to a person by the channel they chose; by mail if that fails or is not set up.

    Telegram and SMS carry the subject of the template only.
    """
    target = address_of(user, user.code_channel)
    channel = user.code_channel
    if target is None or channel not in available(post.current().settings):
        channel, target = "mail", user.email_typed
    return mail.add(
        session,
        channel,
        target,
        template=template,
        language=language,
        now=now,
        values=values,
        fallback="" if channel == "mail" else user.email_typed,
    )


def verify(
    session: Session,
    channel: str,
    target: str,
    *,
    template: str,
    language: str,
    now: datetime,
    **values: object,
) -> OutboxMessage:
    """Write to a number or chat that is not known to be the person's; never falls back.

    Raises:
        Invalid: the target holds control characters or is too long.
    """
    return mail.add(
        session, channel, target, template=template, language=language, now=now, values=values
    )


def address_of(user: User, channel: str) -> str | None:
    """Return where a channel reaches a person; None if nowhere."""
    return {"mail": user.email_typed, "telegram": user.telegram_chat, "sms": user.phone}.get(
        channel
    )


def send(message: Claimed, settings: Settings) -> None:
    """Hand a message to its service.

    Raises:
        ChannelFailed: the service did not take it.
    """
    import apprise  # brings 130 services along; most installations use none

    for name in ("apprise", "urllib3"):  # both would log the bot token as part of the address
        logging.getLogger(name).setLevel(logging.CRITICAL)
    if message.channel not in available(settings):
        raise ChannelFailed(f"{message.channel} is not set up")
    service = apprise.Apprise.instantiate(
        {**_service(message, settings), "cto": TIMEOUT_S, "rto": TIMEOUT_S}
    )
    if service is None:
        raise ChannelFailed(f"the settings of {message.channel} or the recipient are malformed")
    if not service.notify(body=message.subject):
        raise ChannelFailed(f"{message.channel} refused the message or is away")


def _service(message: Claimed, settings: Settings) -> dict[str, object]:
    if message.channel == "telegram":
        return {
            "schema": "tgram",
            "bot_token": settings.telegram_bot_token.get_secret_value(),
            "targets": [message.recipient],
            "detect_owner": False,
        }
    return {
        "schema": "twilio",
        "account_sid": settings.twilio_account_sid,
        "auth_token": settings.twilio_auth_token.get_secret_value(),
        "source": settings.twilio_from,
        "targets": [message.recipient],
    }
