"""Knows which messages were stored last, should the broker send them again.

A broker repeats what was stored but not acknowledged when the server was killed.  Readings with
a time of their own are recognised by it; the others by their message id and content.
"""

import struct
import zlib
from collections import deque

from db.telemetry.records import Receipt
from db.telemetry.store import TelemetryStore
from mqtt.inbox import Message

REMEMBERED = 20_000  # messages; ids come round after 65,535
PACKED = struct.Struct("<HI")


def fingerprint(message: Message) -> int:
    """Return the CRC-32 of a message."""
    return zlib.crc32(message.payload, zlib.crc32(message.topic.encode()))


class Receipts:
    """The messages of the last batches of one listener."""

    def __init__(self, listener: str) -> None:
        self._listener = listener
        self._stored: dict[int, int] = {}  # message id -> fingerprint
        self._batches: deque[tuple[int, list[int]]] = deque()  # number, message ids
        self._remembered = 0
        self._number = 0

    def load(self, store: TelemetryStore) -> None:
        """Learn what was stored before this process began.

        Raises:
            Unavailable: the store cannot be reached just now.
        """
        for number, packed in store.receipts(self._listener):
            self._remember(number, dict(PACKED.iter_unpack(packed)))

    def clear(self) -> None:
        """Forget everything: the broker's session is a new one, with new message ids."""
        self._stored.clear()

    def has(self, message: Message) -> bool:
        """Return whether this is the repetition of a message that is stored."""
        return message.repeated and self._stored.get(message.mid) == fingerprint(message)

    def issue(self, messages: list[Message]) -> Receipt:
        """Return the receipt to be stored together with what these messages said."""
        self._number += 1
        prints = {message.mid: fingerprint(message) for message in messages if message.mid}
        self._remember(self._number, prints)
        packed = b"".join(PACKED.pack(*entry) for entry in prints.items())
        return Receipt(self._listener, self._number, packed, self._batches[0][0])

    def _remember(self, number: int, prints: dict[int, int]) -> None:
        self._number = max(self._number, number)
        self._stored |= prints
        self._batches.append((number, list(prints)))
        self._remembered += len(prints)
        while self._remembered > REMEMBERED and len(self._batches) > 1:
            _, old = self._batches.popleft()
            self._remembered -= len(old)
            for mid in old:
                self._stored.pop(mid, None)
