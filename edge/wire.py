"""How a device's messages travel: in the clear (over TLS, or at home), or sealed."""

import json
from collections.abc import Callable
from typing import Protocol

from edge import files
from edge.commands import Refused
from edge.journal import Journal
from edge.login import Login
from mqtt import sealing

PLAIN_BYTES = 48 * 1024  # below the 64 KiB that the server takes
CONFIG = "config"
NOT_SEALED = "this device takes sealed messages only"
SEALED_BYTES = 32 * 1024  # base64 makes a third more of it


class Wire(Protocol):
    """Turns what a device says and hears into messages and back."""

    commands: str  # the topic below the device's own on which commands come
    max_bytes: int  # what one message may hold

    def outgoing(self, rest: str, payload: bytes) -> tuple[str, bytes]:
        """Return topic and payload of a message; it must be sent soon and in this order."""

    def incoming(self, rest: str, payload: bytes) -> tuple[str, bytes]:
        """Return what a message says and on which topic it would have come in the clear.

        Raises:
            Refused: it is not for this device, not new, or not sealed.
        """

    def turning(self, token: str, start: int) -> Callable[[bytes], bytes]:
        """Return what turns a file's bytes into those that travel, and back.

        Args:
            token: the last part of the URL under which they travel.
            start: the place in the file from which on.
        """


class PlainWire:
    """Messages as they are."""

    commands = "commands"
    max_bytes = PLAIN_BYTES

    def __init__(self, login: Login) -> None:
        self._login = login

    def outgoing(self, rest: str, payload: bytes) -> tuple[str, bytes]:
        """Return the message unchanged."""
        return self._login.topic(rest), payload

    def incoming(self, rest: str, payload: bytes) -> tuple[str, bytes]:
        """Return the message unchanged."""
        return rest, payload

    def turning(self, _token: str, _start: int) -> Callable[[bytes], bytes]:
        """Return what changes nothing."""
        return bytes


class SealedWire:
    """Messages that nobody on the way can read, change or send again."""

    commands = sealing.DOWN
    max_bytes = SEALED_BYTES

    def __init__(self, login: Login, journal: Journal) -> None:
        self._topic = login.topic(sealing.UP)
        self._up = sealing.Seal(login.command_key, self._topic)
        self._down = sealing.Seal(login.command_key, login.topic(sealing.DOWN))
        self._config = sealing.Seal(login.command_key, login.topic(CONFIG))
        self._key = login.command_key
        self._journal = journal

    def outgoing(self, rest: str, payload: bytes) -> tuple[str, bytes]:
        """Return the message in an envelope with the next counter."""
        text = payload.decode()
        inner = json.loads(text) if text[:1] in {"{", "["} else text
        return self._topic, self._up.seal(rest, inner, n=self._journal.count("said"))

    def incoming(self, rest: str, payload: bytes) -> tuple[str, bytes]:
        """Return what is in an envelope whose counter is new.

        That of the newest configuration is as high as the last one: it comes at each connect.
        """
        if rest == CONFIG and not payload:
            return rest, payload  # there is none any more, which nobody has to follow
        is_config = rest == CONFIG
        seal, counter = (self._config, CONFIG) if is_config else (self._down, "heard")
        if rest not in {CONFIG, sealing.DOWN} or not _is_envelope(payload):
            raise Refused("not_sealed", NOT_SEALED, command_id=files.identity(payload))
        try:
            opened = seal.open_(payload, above=self._journal.highest(counter) - is_config)
        except sealing.SealError as error:
            raise Refused(error.code, str(error)) from None
        if opened.topic not in ({CONFIG} if is_config else {"commands", "files"}):
            raise Refused("malformed", "this is not meant for here")
        self._journal.raise_to(counter, opened.n)
        return opened.topic, opened.payload

    def turning(self, token: str, start: int) -> Callable[[bytes], bytes]:
        """Return what seals and opens the bytes under one URL."""
        return sealing.stream(self._key, token, start=start).update


def wire_of(login: Login, journal: Journal, *, sealed: bool) -> Wire:
    """Return how a device's messages travel; the journal remembers how far both sides counted."""
    return SealedWire(login, journal) if sealed else PlainWire(login)


def _is_envelope(payload: bytes) -> bool:
    return b'"ct"' in payload
