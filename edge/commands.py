"""Reading a command: whether it is whole, signed, fresh and meant to be carried out."""

import hashlib
import hmac
import json
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

CLOCK_TOLERANCE_MS = 60_000  # by how much a server's clock may be ahead of the device's
SECONDS_BELOW = 10**11  # a time below this is in seconds, above it in milliseconds


class Refused(Exception):
    """Something that the server asks, and that must not be done.

    Codes of commands: retained, malformed, unsigned, expired, clock_off, and those of envelopes.
    `command_id` is empty when the sender earns no answer.
    """

    def __init__(self, code: str, text: str, *, command_id: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.command_id = command_id


@dataclass(frozen=True, slots=True)
class Command:
    """What the server asks, checked."""

    id: str
    name: str
    params: dict[str, Any] = field(default_factory=dict)


def read(payload: bytes, *, key: str, now_ms: int, retained: bool = False) -> Command:
    """Return the command in a message.

    Args:
        payload: the message as it came.
        key: the device's command key; empty if it has none, then signatures are not asked for.
        now_ms: the device's clock, ms since 1970.
        retained: whether the broker had kept the message; commands never are.

    Raises:
        Refused: it must not be carried out.
    """
    if retained:
        raise Refused("retained", "a retained message is not a command")
    try:
        message = json.loads(payload)
        command_id, name, params = message["id"], message["name"], message.get("params", {})
        uuid.UUID(command_id)
        issued, expires = message.get("issued"), message["expires"]
        expires_ms = to_ms(expires)
        issued_ms = expires_ms if issued is None else to_ms(issued)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise Refused("malformed", "this is not a command") from None
    if not isinstance(name, str) or not isinstance(params, dict):
        raise Refused("malformed", "this is not a command")
    if key:
        signature = message.get("sig")
        right = sign(
            key, command_id=command_id, name=name, params=params, issued=issued, expires=expires
        )
        if not isinstance(signature, str) or not hmac.compare_digest(
            right.encode(), signature.encode()
        ):
            raise Refused("unsigned", "the signature is wrong", command_id=command_id)
    if issued_ms > now_ms + CLOCK_TOLERANCE_MS:
        ahead_s = (issued_ms - now_ms) // 1000
        raise Refused(
            "clock_off", f"the device's clock is {ahead_s} s behind", command_id=command_id
        )
    if now_ms >= expires_ms:
        raise Refused(
            "expired", f"came {(now_ms - expires_ms) / 1000:.1f} s late", command_id=command_id
        )
    return Command(command_id, name, params)


def sign(key: str, *, command_id: str, name: str, params: object, issued: Any, expires: Any) -> str:
    """Return the hex HMAC-SHA256 that the server puts on a command."""
    text = "|".join((command_id, name, canonical(params), str(issued), str(expires)))
    return hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()


def canonical(params: object) -> str:
    """Return JSON with sorted keys and no spaces, in UTF-8 rather than escapes."""
    return json.dumps(params, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def to_ms(moment: object) -> int:
    """Return a time of the protocol in ms since 1970.

    Raises:
        ValueError: it is neither a number nor ISO 8601 with an offset.
    """
    if isinstance(moment, int | float) and not isinstance(moment, bool):
        return int(moment * 1000 if moment < SECONDS_BELOW else moment)
    if isinstance(moment, str):
        read_moment = datetime.fromisoformat(moment)
        if read_moment.tzinfo is not None:
            return int(read_moment.timestamp() * 1000)
    raise ValueError("not a time")
