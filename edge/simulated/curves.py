"""Values as a house has them, each a pure function of time.

Pure, so that history can be made up afterwards and agrees with what was published live.
Times are seconds since 1970 (UTC); what depends on the hour uses the machine's local time.
"""

import math
import time
import zlib


def chance(seed: str, step: int) -> float:
    """Return a number in [0, 1) that belongs to this seed and step for ever."""
    return zlib.crc32(f"{seed}:{step}".encode()) / 2**32


def wander(seed: str, at_s: float, period_s: float) -> float:
    """Return a smooth random walk in [-1, 1] that turns about once a period."""
    step, part = divmod(at_s / period_s, 1.0)
    left, right = chance(seed, int(step)), chance(seed, int(step) + 1)
    eased = part * part * (3 - 2 * part)
    return 2 * (left + (right - left) * eased) - 1


def hour(at_s: float) -> float:
    """Return the hour of the day, 0 to 24, in local time."""
    local = time.localtime(at_s)
    return local.tm_hour + local.tm_min / 60 + local.tm_sec / 3600


def of_day(at_s: float, *, peak_hour: float) -> float:
    """Return a wave in [-1, 1] with its crest at an hour of the day."""
    return math.cos((hour(at_s) - peak_hour) / 24 * 2 * math.pi)


def bump(at_s: float, *, around_hour: float, width_h: float) -> float:
    """Return a hill in [0, 1] around an hour of the day."""
    away = (hour(at_s) - around_hour + 12) % 24 - 12
    return math.exp(-((away / width_h) ** 2))
