"""The device's clock, and whether it can be believed.

A Raspberry Pi has no battery for its clock: after a power cut without a network it may believe
to be in 1970, or in the hour before the power went.
"""

import time

from edge.journal import Journal

EARLIEST_MS = 1_735_689_600_000  # 2025-01-01: before this program was written
KEPT_EVERY_MS = 600_000  # how often the newest time is written down
BACKWARDS_MS = 300_000  # by how much the clock may be set back while running


def now_ms() -> int:
    """Return the present moment in ms since 1970-01-01 UTC."""
    return time.time_ns() // 1_000_000


def is_set(now: int, journal: Journal) -> bool:
    """Return whether this time can be true: not before what was already seen.

    Args:
        now: what the clock shows, ms since 1970.
        journal: keeps the newest time through restarts.
    """
    newest = max(EARLIEST_MS, journal.highest("clock"))
    if now > newest + KEPT_EVERY_MS:
        journal.raise_to("clock", now)
    return now >= newest - BACKWARDS_MS
