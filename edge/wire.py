"""How a device's messages travel: in the clear (over TLS, or at home), or sealed."""

import json
from typing import Protocol

from edge.commands import Refused
from edge.journal import Journal
from edge.login import Login
from mqtt import sealing

PLAIN_BYTES = 48 * 1024  # below the 64 KiB that the server takes
SEALED_BYTES = 32 * 1024  # base64 makes a third more of it


class Wire(Protocol):
    """Turns what a device says and hears into messages and back."""

    commands: str  # the topic below the device's own on which commands come
    max_bytes: int  # what one message may hold

    def outgoing(self, rest: str, payload: bytes) -> tuple[str, bytes]:
        """Return topic and payload of a message; it must be sent soon and in this order."""

    def incoming(self, payload: bytes) -> bytes:
        """Return the command in a message.

        Raises:
            Refused: it is not for this device.
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

    def incoming(self, payload: bytes) -> bytes:
        """Return the command unchanged."""
        return payload


class SealedWire:
    """Messages that nobody on the way can read, change or send again."""

    commands = sealing.DOWN
    max_bytes = SEALED_BYTES

    def __init__(self, login: Login, journal: Journal) -> None:
        self._topic = login.topic(sealing.UP)
        self._up = sealing.Seal(login.command_key, self._topic)
        self._down = sealing.Seal(login.command_key, login.topic(sealing.DOWN))
        self._journal = journal

    def outgoing(self, rest: str, payload: bytes) -> tuple[str, bytes]:
        """Return the message in an envelope with the next counter."""
        text = payload.decode()
        inner = json.loads(text) if text[:1] in {"{", "["} else text
        return self._topic, self._up.seal(rest, inner, n=self._journal.count("said"))

    def incoming(self, payload: bytes) -> bytes:
        """Return the command in an envelope whose counter is new."""
        try:
            opened = self._down.open_(payload, above=self._journal.highest("heard"))
        except sealing.SealError as error:
            raise Refused(error.code, str(error)) from None
        if opened.topic != "commands":
            raise Refused("malformed", "this is not a command")
        self._journal.raise_to("heard", opened.n)
        return opened.payload
