"""Reading the announcement of a file: one for the device, or one that the server asks for."""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any

from edge.commands import Refused, to_ms

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
NAME = re.compile(r"(?!\.)[\w .()+-]{1,120}")  # never a path, never hidden
DIGEST = re.compile(r"[0-9a-f]{64}")
SCHEMES = ("http://", "https://")
WAYS = {"download", "upload"}


@dataclass(frozen=True, slots=True)
class FileOffer:
    """A file that may travel until a moment.

    Attributes:
        id: under which the server is answered.
        name: without any path.
        size: in bytes.
        sha256: in hex digits, of the whole content.
        url: where its bytes are, or where they are wanted.
        expires_ms: when the URL ends, ms since 1970.
        direction: "download" to this device, "upload" from it.
        content: all of it, if it came along.
    """

    id: str
    name: str
    size: int
    sha256: str
    url: str
    expires_ms: int
    direction: str
    content: bytes | None = None

    @property
    def token(self) -> str:
        """The last part of the URL, which makes the key of what is sealed."""
        return self.url.rpartition("/")[2]


def identity(payload: bytes) -> str:
    """Return the id in an announcement, to refuse it by; empty if there is none."""
    try:
        found = json.loads(payload)["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) and ID.fullmatch(found) else ""


def read(payload: bytes, *, now_ms: int, retained: bool = False) -> FileOffer:
    """Return the announcement in a message.

    Raises:
        Refused: retained, malformed, name, expired; it must not be followed.
    """
    offer_id = identity(payload)
    if retained:
        raise Refused("retained", "a retained message announces no file")
    try:
        offer = _offer(offer_id, json.loads(payload))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise Refused("malformed", "this announces no file", command_id=offer_id) from None
    if not NAME.fullmatch(offer.name):
        raise Refused("name", "the name is not one for a file here", command_id=offer_id)
    if now_ms >= offer.expires_ms:
        late_s = (now_ms - offer.expires_ms) // 1000
        raise Refused("expired", f"the address ended {late_s} s ago", command_id=offer_id)
    return offer


def _offer(offer_id: str, message: dict[str, Any]) -> FileOffer:
    content = message.get("content")
    offer = FileOffer(
        offer_id,
        message["name"],
        message["size"],
        message["sha256"],
        message["url"],
        to_ms(message["expires"]),
        message["direction"],
        None if content is None else base64.b64decode(content, validate=True),
    )
    right = (
        offer_id
        and isinstance(offer.name, str)
        and type(offer.size) is int
        and offer.size >= 0
        and DIGEST.fullmatch(offer.sha256)
        and offer.url.startswith(SCHEMES)
        and offer.direction in WAYS
    )
    if not right:
        raise ValueError("not an announcement")
    return offer
