"""How often something may be tried.

Counters live where LIMITS_STORAGE_URL says, so that several processes count together; when that
store is away, each process counts for itself until it is back.

    hit       so many times in a window, then no more until it has passed
    attempt   wrong passwords: five in five minutes, then pauses that grow to a quarter of an hour
"""

import ipaddress
import logging
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import TypeVar

from limits import parse_many
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import MovingWindowRateLimiter

import wiring
from errors import TooMany

log = logging.getLogger("gatehouse.throttle")

TRIES = 5
WINDOW_S = 300
PAUSES_S = (60, 120, 240, 480, 900)
TIMEOUT_S = 1.0  # for the shared counters to answer
MEMORY_S = 3600  # after so long without a pause the next one is short again

T = TypeVar("T")


def hit(key: str, limits: str, *, now: datetime) -> None:
    """Count one more and refuse when it is too much.

    Args:
        key: what is counted, such as "register:192.0.2.1".
        limits: how often, such as "5/5 minutes; 20/hour".
        now: what `retry_after` is counted from.

    Raises:
        TooMany: with the seconds until the next one is taken.
    """
    _ask(lambda storage: _hit(storage, _name(key), limits, now, count=True))


def check(key: str, limits: str, *, now: datetime) -> None:
    """Refuse as `hit` would, without counting.

    Raises:
        TooMany: with the seconds until the next one is taken.
    """
    _ask(lambda storage: _hit(storage, _name(key), limits, now, count=False))


def attempt(key: str, *, now: datetime) -> None:
    """Count a try at a secret, before it is compared; `reset` after a right one.

    Counting first means that twenty tries at once are twenty tries.

    Raises:
        TooMany: a pause is on, or begins with this try.
    """
    _ask(lambda storage: _attempt(storage, _name(key), now))


def reset(key: str) -> None:
    """Forget the tries at a secret, for the right one was given."""

    def forget(storage: Storage) -> None:
        name = _name(key)
        for level in range(storage.get(f"level:{name}") + 1):
            storage.clear(f"tries:{level}:{name}")
        storage.clear(f"level:{name}")
        storage.clear(f"pause:{name}")

    _ask(forget)


def network(address: str) -> str:
    """Return what an address is counted as: an IPv6 customer has a whole /64."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed.ipv4_mapped if parsed.version == 6 else parsed)


def _hit(storage: Storage, key: str, limits: str, now: datetime, *, count: bool) -> None:
    window = MovingWindowRateLimiter(storage)
    for limit in parse_many(limits):
        if not (window.hit if count else window.test)(limit, key):
            ends = window.get_window_stats(limit, key).reset_time
            raise TooMany(retry_after=round(ends - now.timestamp()))


def _attempt(storage: Storage, key: str, now: datetime) -> None:
    # In this order no two tries at once can slip through: whoever still reads the old level is
    # counted there, and whoever reads the new one finds the pause.
    level = storage.get(f"level:{key}")
    if storage.get(f"pause:{key}"):
        raise TooMany(retry_after=round(storage.get_expiry(f"pause:{key}") - now.timestamp()))
    allowed = 1 if level else TRIES
    number = storage.incr(f"tries:{level}:{key}", WINDOW_S)
    if number <= allowed:
        return
    length = PAUSES_S[min(level, len(PAUSES_S) - 1)]
    if number == allowed + 1:
        storage.incr(f"pause:{key}", length)
        storage.incr(f"level:{key}", MEMORY_S)
    raise TooMany(retry_after=length)


def _name(key: str) -> str:
    """Return what a counter is called: no address in clear, nothing shared with others."""
    return wiring.current().keys.mac("throttle", key)


@cache
def _shared(url: str) -> Storage:
    storage = storage_from_string(url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S)
    if not isinstance(storage, Storage):
        raise TypeError(f"LIMITS_STORAGE_URL {url!r} is not a synchronous store")
    return storage


@cache
def _own(_url: str) -> Storage:
    return MemoryStorage()


def _ask(question: Callable[[Storage], T]) -> T:
    """Ask the shared counters, or this process's own while those are away."""
    url = wiring.current().settings.limits_storage_url
    shared = _shared(url)
    try:
        return question(shared)
    except shared.base_exceptions as error:
        log.warning("shared counters are away: %s", type(error).__name__)
        return question(_own(url))
