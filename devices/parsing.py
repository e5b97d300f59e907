"""Reads JSON, times, names and single values that a device sent, strictly."""

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

NAME = re.compile(r"[\w.-]{1,64}")
MAX_TEXT = 256
MAX_DEPTH = 4
GREATEST = 1e300  # of numbers, also below zero: what sums up history must stay a number
EARLIEST_MS = 946_684_800_000  # 2000-01-01
SECONDS_BELOW = 100_000_000_000  # a larger number is milliseconds
NOT_FINITE = {b"NAN", b"+NAN", b"-NAN", b"INF", b"+INF", b"-INF", b"INFINITY", b"-INFINITY"}

read_json = msgspec.json.Decoder().decode

Plain = bool | float | str


class Refuse(Exception):
    """What a device sent cannot be used; `reason` is one of the stable codes."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def document(payload: bytes) -> Any:
    """Return the JSON value of a payload; a bare ON or OFF counts as true or false.

    Numbers may come out as NaN or infinite: then the values around them can still be used.

    Raises:
        Refuse: not_utf8, bad_json, too_deep or not_finite.
    """
    try:
        return read_json(payload)
    except UnicodeDecodeError:
        raise Refuse("not_utf8") from None
    except RecursionError:
        raise Refuse("too_deep") from None
    except ValueError:
        return _second_look(payload)


def _second_look(payload: bytes) -> Any:
    """Read what strict JSON is not: ON, OFF, and NaN or 1e999 among other values."""
    word = payload.strip().upper()
    if word in {b"ON", b"OFF"}:
        return word == b"ON"
    if word in NOT_FINITE:
        raise Refuse("not_finite")
    try:
        return json.loads(payload.decode())
    except UnicodeDecodeError:
        raise Refuse("not_utf8") from None
    except RecursionError:
        raise Refuse("too_deep") from None
    except ValueError:
        raise Refuse("bad_json") from None


@lru_cache(maxsize=65_536)
def sensor_name(name: str) -> str:
    """Return a sensor's name in its composed form.

    Raises:
        Refuse: bad_name.
    """
    composed = unicodedata.normalize("NFC", name) if len(name) <= MAX_TEXT else ""
    if NAME.fullmatch(composed) is None:
        raise Refuse("bad_name")
    return composed


def moment(said: Any, arrived_ms: int, ahead_ms: int) -> int:
    """Return the time a device gave (None: none) in milliseconds since 1970.

    Raises:
        Refuse: bad_time, not_finite, future or too_old.
    """
    if said is None:
        return arrived_ms
    ms: int | float
    if isinstance(said, str):
        ms = _iso(said)
    elif isinstance(said, bool) or not isinstance(said, int | float):
        raise Refuse("bad_time")
    elif isinstance(said, float) and not math.isfinite(said):
        raise Refuse("not_finite")
    else:
        ms = said * 1000 if said < SECONDS_BELOW else said
    if ms > arrived_ms + ahead_ms:
        raise Refuse("future")
    if ms < EARLIEST_MS:
        raise Refuse("too_old")
    return round(ms)


def _iso(text: str) -> float:
    try:
        given = datetime.fromisoformat(text)
        if given.tzinfo is not None:
            return given.timestamp() * 1000
    except (ValueError, OverflowError):
        pass
    raise Refuse("bad_time")


def plain(value: Any) -> Plain:
    """Return a number as a float that can be summed up, a boolean or a short text as they are.

    Raises:
        Refuse: not_finite, or bad_value for lists and what is too long or too large.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        try:
            number = float(value)
        except OverflowError:
            raise Refuse("bad_value") from None
        if not math.isfinite(number):
            raise Refuse("not_finite")
        if abs(number) > GREATEST:
            raise Refuse("bad_value")
        return number
    if isinstance(value, str) and len(value) <= MAX_TEXT and storable(value):
        return value
    raise Refuse("bad_value")


def storable(text: str) -> bool:
    """Whether both engines can keep a text: no NUL, no half of a surrogate pair."""
    return "\0" not in text and (text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text))


def flat(
    values: dict[str, Any], prefix: str = "", depth: int = 1
) -> Iterator[tuple[str, Plain | Refuse, Any]]:
    """Yield every value of nested objects: its dotted name, the value, and what was sent.

    What cannot be used comes as a Refuse in place of the value; null is skipped.
    """
    for key, sent in values.items():
        name = prefix + key
        if sent is None:
            continue
        if isinstance(sent, dict):
            if depth == MAX_DEPTH:
                yield name, Refuse("too_deep"), sent
            else:
                yield from flat(sent, name + ".", depth + 1)
            continue
        try:
            yield sensor_name(name), plain(sent), sent
        except Refuse as refusal:
            yield name, refusal, sent
