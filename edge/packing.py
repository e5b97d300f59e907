"""Rows of the buffer as messages: one alone, many together."""

import json
from dataclasses import dataclass
from typing import Any

from edge.buffer import Buffer, Row

MAX_ROWS = 1000
MAX_READINGS = 5000  # a message may hold


@dataclass(frozen=True, slots=True)
class Packed:
    """One message and the rows that it carries."""

    rest: str
    payload: bytes
    ids: list[int]


def pack(buffer: Buffer, last_id: int, *, urgent: bool, max_bytes: int) -> Packed | None:
    """Return the next message after a row, or None if there is nothing more to say.

    A single reading is `{"ts": T, "values": {...}}`; readings that wait together become one
    batch, as many as fit.
    """
    rows = buffer.after(last_id, urgent=urgent, limit=1 if urgent else MAX_ROWS)
    if not rows:
        return None
    first = rows[0]
    if first.ts is None:
        return Packed(first.rest, first.body.encode(), [first.id])
    parts: list[str] = []
    ids: list[int] = []
    size, readings = 1, 0  # one bracket more than there are commas
    for row in rows:
        part = _dated(row)
        size += len(part.encode()) + 1
        readings += _readings(json.loads(row.body))
        if ids and (
            row.rest != first.rest or row.ts is None or size > max_bytes or readings > MAX_READINGS
        ):
            break
        parts.append(part)
        ids.append(row.id)
    payload = parts[0] if len(parts) == 1 else "[" + ",".join(parts) + "]"
    return Packed(first.rest, payload.encode(), ids)


def _dated(row: Row) -> str:
    return f'{{"ts":{row.ts},"values":{row.body}}}'


def _readings(values: Any) -> int:
    if isinstance(values, dict):
        return sum(_readings(value) for value in values.values())
    return 1
