"""What goes into the telemetry store and what comes out of it."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from errors import Unavailable

Times = NDArray[np.int64]  # milliseconds since 1970-01-01 UTC
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

REPLACED = "replaced"  # among the reasons of refusals: another value for the same time


class StoreAway(Unavailable):
    """The database of readings cannot be reached or written just now; try again later."""

    code, text = "store_away", "The store of readings is not reachable just now."


class DiskFull(StoreAway):
    """There is no room for more readings; they wait in the broker."""

    code, text = "disk_full", "The disk is full: new readings wait in the broker."


class Outrun(StoreAway):
    """Another transaction wrote the same rows first; at once again, and it works."""


class ReadOnly(StoreAway):
    """The database lets nobody write: the rights of its file, or a standby without its primary."""

    code, text = "store_read_only", "The store of readings can only be read just now."


@dataclass(frozen=True, slots=True)
class Series:
    """One sensor of one device."""

    id: int
    device_id: int
    name: str
    kind: str  # number, state, text
    unit: str = ""
    decimals: int | None = None  # None: as reported
    label: str = ""
    colour: str = ""
    low: float | None = None  # None: no value is unexpectedly low
    high: float | None = None


class Span(NamedTuple):
    """One series in the half-open time [start, end), in milliseconds."""

    series_id: int
    start_ms: int
    end_ms: int


class Newest(NamedTuple):
    """The newest reading of a series; `value` of numbers and states, `text` of texts."""

    ts_ms: int
    value: float | None
    text: str | None


@dataclass(frozen=True, slots=True)
class PresenceRow:
    """What is known of a device's presence; times in milliseconds."""

    said: str  # online, offline: what the device or its last will said
    since: int  # when it said that first
    last_seen: int  # last life sign
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """How often something was refused for one reason, and the last example of it."""

    reason: str
    count: int
    last: int  # ms
    topic: str
    sample: str


@dataclass(frozen=True, slots=True)
class DiskUse:
    """What the numbers and states of a device take on the disk, indexes included."""

    fresh: int  # readings that are rows still
    bytes: int  # of these, about, and of what is sealed


@dataclass(frozen=True, slots=True)
class LogLine:
    """One message of a device's log."""

    ts_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Readings of a series in time order, as they are drawn.

    Row i stands for the next `count[i]` readings, from the one at `t[i]` to the one at `last[i]`;
    its `low`, `mean` and `high` are theirs.  The first row may begin before the span that was
    asked for, and the last one end behind it: of forgotten readings only sums are left, which
    nothing can cut.  A row of NaN with count 0 is a gap.  `raw` says that each row is one reading.
    """

    t: Floats  # ms
    last: Floats  # ms
    low: Floats
    mean: Floats
    high: Floats
    count: Counts
    raw: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """Which messages a batch came from, as the listener packs them."""

    listener: str
    number: int  # counts up, batch by batch
    messages: bytes
    keep_from: int  # receipts with lower numbers may go


@dataclass(slots=True)
class Batch:
    """What one transaction of the writer stores; every time is in milliseconds.

    Attributes:
        values: (series id, ts, value) of numbers and states.
        texts: (series id, ts, text).
        presence: the new state by device id.
        refusals: by (device id, reason), with `count` to be added; device 0: no such device.
        logs: (device id, ts, text).
        counters: of the last sealed message, by device id.
        receipt: what the batch came from, if the broker might send it again.
    """

    values: list[tuple[int, int, float]] = field(default_factory=list)
    texts: list[tuple[int, int, str]] = field(default_factory=list)
    presence: dict[int, PresenceRow] = field(default_factory=dict)
    refusals: dict[tuple[int, str], Refusal] = field(default_factory=dict)
    logs: list[tuple[int, int, str]] = field(default_factory=list)
    counters: dict[int, int] = field(default_factory=dict)
    receipt: Receipt | None = None


@dataclass(slots=True)
class Written:
    """What became of a batch.

    Attributes:
        stored: readings that were new.
        repeated: readings that were there already, with the same value.
        replaced: readings that were there with another value; the last one stays.
        failed: rows that the database would not take, as text for the log.
    """

    stored: int = 0
    repeated: int = 0
    replaced: int = 0
    failed: list[str] = field(default_factory=list)
