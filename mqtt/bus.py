"""Carries live events from whoever stores them to the pages of this process."""

import logging
from collections.abc import Callable, Iterable

from devices.ports import LiveEvent

log = logging.getLogger(__name__)

Callback = Callable[[list[LiveEvent]], None]


class MemoryBus:
    """Hands events to subscribers in the publisher's thread; nothing is kept."""

    def __init__(self) -> None:
        self._subscribers: tuple[Callback, ...] = ()

    def publish(self, events: Iterable[LiveEvent]) -> None:
        """Hand events to all subscribers, in order; a failing subscriber hurts nobody else."""
        batch = list(events)
        if not batch:
            return
        for callback in self._subscribers:
            try:
                callback(batch)
            except Exception:  # whatever it is, readings go on
                log.exception("a subscriber of live events failed")

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Call back with each batch; returns how to end it."""
        self._subscribers += (callback,)

        def end() -> None:
            self._subscribers = tuple(one for one in self._subscribers if one is not callback)

        return end
