"""Holds messages between the thread that receives and the thread that stores them."""

import threading
from collections import deque
from itertools import islice
from typing import NamedTuple


class Message(NamedTuple):
    """One message as it came from the broker."""

    topic: str
    payload: bytes
    mid: int  # 0: QoS 0, nothing to acknowledge
    generation: int  # of the connection it came over
    arrived_ms: int
    retained: bool = False  # an old message that the broker kept
    repeated: bool = False  # the broker says that it may have sent it before


class Inbox:
    """A queue with two bounds, of messages and of bytes; what is put in at once may exceed them.

    Whoever puts into a full inbox waits, so the broker keeps the rest.
    """

    def __init__(self, most: int = 50_000, most_bytes: int = 64 * 2**20) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._messages: deque[Message] = deque()
        self._bytes = 0
        self._put = 0  # messages, ever
        self._closed = False
        self._woken = False
        lock = threading.Lock()
        self._filled = threading.Condition(lock)
        self._emptied = threading.Condition(lock)

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, *messages: Message) -> None:
        """Add messages; waits while the inbox is full, and drops them once closed."""
        with self._filled:
            while self._is_full() and not self._closed:
                self._emptied.wait()
            if not self._closed:
                self._messages.extend(messages)
                self._put += len(messages)
                self._bytes += sum(len(message.payload) for message in messages)
                self._filled.notify()

    def take(self, most: int, timeout_s: float) -> list[Message]:
        """Return what is there, at most `most`; waits up to `timeout_s` for the first."""
        with self._filled:
            if not (self._messages or self._closed or self._woken):
                self._filled.wait(timeout_s)
            self._woken = False
            messages = self._messages
            taken = [messages.popleft() for _ in range(min(most, len(messages)))]
            self._bytes -= sum(len(message.payload) for message in taken)
            self._emptied.notify_all()
            return taken

    def waiting(self, seen: int) -> tuple[list[Message], int]:
        """Return what nobody has taken yet, but for the first `seen` messages ever put in.

        The second value is how many were put in by now: what to give the next time.
        """
        with self._filled:
            first = self._put - len(self._messages)
            return list(islice(self._messages, max(0, seen - first), None)), self._put

    def wake(self) -> None:
        """Let whoever takes, now or next, not wait for a message."""
        with self._filled:
            self._woken = True
            self._filled.notify()

    def clear(self) -> None:
        """Drop everything: the broker will send again what was not acknowledged."""
        with self._filled:
            self._messages.clear()
            self._bytes = 0
            self._emptied.notify_all()

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._filled:
            self._closed = True
            self._filled.notify_all()
            self._emptied.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nothing more will come."""
        return self._closed

    def _is_full(self) -> bool:
        return len(self._messages) >= self._most or self._bytes >= self._most_bytes
