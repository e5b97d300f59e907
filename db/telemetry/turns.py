"""Lets threads write one after the other, in the order in which they asked."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """A lock that is handed on in order of asking.

    With a lock that anybody may grab, a thread that does long work in many short steps takes it
    again before another has woken up, and that one waits for all of the steps.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()  # each held until it is its owner's turn

    @contextmanager
    def mine(self, patience_s: float) -> Iterator[None]:
        """Wait for a turn and hold it.

        Raises:
            TimeoutError: it did not come in so many seconds.
        """
        self._wait(patience_s)
        try:
            yield
        finally:
            self._hand_on()

    def _wait(self, patience_s: float) -> None:
        with self._mutex:
            if not self._taken:
                self._taken = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=patience_s):
            return
        with self._mutex:
            if turn in self._waiting:
                self._waiting.remove(turn)
                raise TimeoutError
        # it came at the last moment

    def _hand_on(self) -> None:
        with self._mutex:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
