"""Short messages by Telegram and SMS; a mail carries what they cannot."""

import logging
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from config import Settings
from db.models.account import User
from db.models.mail import OutboxMessage
from notify import mail, post
from notify.outbox import Claimed

TIMEOUTS_S = {"cto": 5.0, "rto": 5.0}  # to connect, and for the answer


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
    """Hand a message to its service; only the subject, these are short messages.

    Raises:
        ChannelFailed: the service did not take it.
    """
    if message.channel not in available(settings):
        raise ChannelFailed(f"{message.channel} is not set up")
    for name in ("apprise", "urllib3"):  # both log addresses, which hold the bot's token
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        service = _service(message, settings)
        # without a valid target the library would send to the sender's own number
        taken = bool(service.targets) and service.notify(body=message.subject)
    except ValueError as error:
        raise ChannelFailed(f"the settings of {message.channel} are malformed") from error
    if not taken:
        raise ChannelFailed(f"{message.channel} refused the message or is away")


def _service(message: Claimed, settings: Settings) -> Any:
    """Return the library's sender; imported here because most installations need none."""
    if message.channel == "telegram":
        from apprise.plugins.telegram import NotifyTelegram

        return NotifyTelegram(
            bot_token=settings.telegram_bot_token.get_secret_value(),
            targets=[message.recipient],
            detect_owner=False,  # else an odd recipient means whoever wrote to the bot first
            **TIMEOUTS_S,
        )
    from apprise.plugins.twilio import NotifyTwilio

    return NotifyTwilio(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token.get_secret_value(),
        source=settings.twilio_from,
        targets=[message.recipient],
        **TIMEOUTS_S,
    )
