"""Where codes reach a person: mail, Telegram or SMS.

A number or chat is used only after a code sent there has come back.
"""

import re
from datetime import datetime

import notify.channels
import wiring
from auth import audit, codes
from auth.notices import security_changed
from db.base import transaction
from db.models import CodeRequest, User
from errors import Gone, Invalid
from notify.mark import N_

PURPOSES = {"telegram": "telegram", "sms": "phone"}  # channel -> purpose of its code
TARGETS = {"telegram": r"-?\d{4,20}", "sms": r"\+[1-9]\d{6,14}"}


def channels() -> list[str]:
    """Return the channels of this installation, mail first."""
    return notify.channels.available(wiring.current().settings)


def known(user: User, channel: str) -> str:
    """Return the number or chat that the person has proved, or an empty text."""
    return notify.channels.address_of(user, channel) or ""


def ask(user: User, channel: str, target: str, *, now: datetime, address: str) -> None:
    """Send a code to a number (E.164) or chat (its id) that the person says is theirs.

    Raises:
        Invalid: there is no such channel here, or this is no number or chat.
        TooMany: too many codes within the hour.
    """
    target = re.sub(r"[\s()/.]", "", target)
    if channel not in PURPOSES or channel not in channels():
        raise Invalid("no_such_channel", N_("This way is not set up here."), field="channel")
    if not re.fullmatch(TARGETS[channel], target):
        raise Invalid(
            "bad_target",
            N_("Please write the number with + and country code, or the id of the chat."),
            field="target",
        )
    codes.count_sending(user, now=now, address=address)
    with transaction() as session:
        request, code = codes.ask(
            session, user, PURPOSES[channel], now=now, payload={"target": target}
        )
        request.channel = channel
        notify.channels.verify(
            session,
            channel,
            target,
            template="code",
            language=user.language,
            now=now,
            code=code,
            purpose=request.purpose,
            minutes=codes.minutes(request),
        )
        audit.record(session, "channel.ask", user=user, address=address, now=now, channel=channel)


def waiting(user: User, *, now: datetime) -> CodeRequest | None:
    """Return the number or chat that waits for its code."""
    found = (codes.pending(user, purpose, now=now) for purpose in PURPOSES.values())
    return next((request for request in found if request is not None), None)


def confirm(user: User, code: str, *, now: datetime, address: str) -> None:
    """Take the number or chat that the code was sent to, and use it for codes from now on.

    Raises:
        Gone: none waits, or the code was tried too often.
        Invalid: the code is wrong.
    """
    request = waiting(user, now=now)
    if request is None:
        raise Gone("code_ended", N_("This code does not work any more. Please ask for a new one."))
    request = codes.check(request.public_id, user, request.purpose, code, now=now, address=address)
    target, channel = request.payload["target"], request.channel
    with transaction() as session:
        codes.use(session, request, now=now)
        if channel == "sms":
            user.phone = target
        else:
            user.telegram_chat = target
        _choose(user, channel)
        audit.record(session, "channel.change", user=user, address=address, now=now, way=channel)
        security_changed(session, user, "channel", now=now, address=address)


def choose(user: User, channel: str, *, now: datetime, address: str) -> None:
    """Send codes by a channel that reaches the person already.

    Raises:
        Invalid: it does not.
    """
    with transaction() as session:
        _choose(user, channel)
        audit.record(session, "channel.change", user=user, address=address, now=now, way=channel)
        security_changed(session, user, "channel", now=now, address=address)


def _choose(user: User, channel: str) -> None:
    if channel not in channels() or not notify.channels.address_of(user, channel):
        raise Invalid("no_such_channel", N_("This way is not set up here."), field="channel")
    user.code_channel = channel
