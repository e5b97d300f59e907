"""The message that carries a command: checked, in one exact form, and signed.

`sig` is the hex HMAC-SHA256 over `id|name|canonical-json(params)|issued|expires`; times are
whole milliseconds since 1970, in the message as in what is signed.
"""

import hashlib
import hmac
import json
import re
from datetime import timedelta
from typing import Any

from clock import to_ms
from db.models import Command
from errors import Invalid
from notify.mark import N_

LIFETIME_S = 4.0
LONGEST_S = 10.0  # a door must not open for somebody who has left
LARGEST = 4096  # bytes of the parameters
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def message(command: Command, body: str, key: str) -> bytes:
    """Return the JSON that a device is sent; `body` is the canonical form of the parameters."""
    issued, expires = to_ms(command.asked_at), to_ms(command.expires_at)
    signature = sign(key, command.public_id, command.name, body, str(issued), str(expires))
    return (
        f'{{"id":"{command.public_id}","name":"{command.name}","params":{body},'
        f'"issued":{issued},"expires":{expires},"sig":"{signature}"}}'
    ).encode()


def sign(key: str, *signed: str) -> str:
    """Return the hex HMAC-SHA256 of the parts, joined by `|`, under a device's command key."""
    return hmac.new(key.encode(), "|".join(signed).encode(), hashlib.sha256).hexdigest()


def check_name(name: object) -> None:
    """Let a name through that can be signed without doubt.

    Raises:
        Invalid: command_name_invalid.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Invalid(
            "command_name_invalid",
            N_("A command has 1 to 64 letters, digits, '_', '-' or '.'."),
            field="name",
        )


def lifetime(expires_in_s: float | None) -> timedelta:
    """Return in what time a command must begin.

    Raises:
        Invalid: expires_in_invalid.
    """
    seconds = LIFETIME_S if expires_in_s is None else expires_in_s
    if not 0 < seconds <= LONGEST_S:  # false for NaN too
        raise Invalid(
            "expires_in_invalid",
            N_("A command waits at most %(most)s seconds."),
            most=int(LONGEST_S),
            field="expires_in",
        )
    return timedelta(seconds=seconds)


def canonical(params: dict[str, Any]) -> str:
    """Return parameters as they are signed: JSON with sorted keys and no spaces.

    Raises:
        Invalid: params_invalid.
    """
    try:
        body = json.dumps(
            params, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        size = len(body.encode())
    except (ValueError, TypeError, RecursionError):
        size = LARGEST + 1
    if not isinstance(params, dict) or size > LARGEST:
        raise Invalid(
            "params_invalid",
            N_("Parameters are a JSON object of at most %(most)s bytes."),
            most=LARGEST,
            field="params",
        )
    return body
