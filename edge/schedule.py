"""Things to do at their time, one after the other, in one thread."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger("gatehouse.edge")


class Schedule:
    """Calls functions when they are due; other threads may add some."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._ended = False

    def soon(self, action: Callable[[], None]) -> None:
        """Call an action as soon as possible."""
        self.after(0.0, action)

    def after(self, delay_s: float, action: Callable[[], None]) -> None:
        """Call an action once, after a while."""
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + delay_s, next(self._order), action))
            self._changed.notify()

    def every(
        self,
        period_s: float | Callable[[], float],
        action: Callable[[], None],
        *,
        first_s: float = 0.0,
    ) -> None:
        """Call an action again and again; a turn that comes too late is left out.

        Args:
            period_s: seconds from one turn to the next; a function is asked at each turn.
            action: what to call.
            first_s: seconds until the first turn.
        """

        def turn(due: float) -> None:
            self._guarded(action)
            now = time.monotonic()
            following = max(due + (period_s() if callable(period_s) else period_s), now)
            self.after(following - now, lambda: turn(following))

        self.after(first_s, lambda: turn(time.monotonic()))

    def run(self) -> None:
        """Work until `end` is called."""
        while True:
            with self._changed:
                while not self._ended and (not self._due or self._due[0][0] > time.monotonic()):
                    left = self._due[0][0] - time.monotonic() if self._due else None
                    self._changed.wait(left if left is None else max(0.0, left))
                if self._ended:
                    return
                _when, _order, action = heapq.heappop(self._due)
            self._guarded(action)

    def end(self) -> None:
        """Make `run` return; what is not done yet is left."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    @staticmethod
    def _guarded(action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:  # one part that fails must not silence the others
            log.exception("a scheduled action failed")
