"""Writes one batch of the listener into the telemetry tables."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from clock import now_ms
from db.telemetry.engines import Link, Row
from db.telemetry.records import REPLACED, Batch, Receipt, Written

READING = {"series_id": "bigint", "ts": "bigint", "value": "float8"}
EVENT = {"series_id": "bigint", "ts": "bigint", "text": "text"}
PRESENCE = {
    "device_id": "bigint",
    "said": "text",
    "since": "bigint",
    "last_seen": "bigint",
    "attributes": "text",
}
REFUSAL = {
    "device_id": "bigint",
    "reason": "text",
    "count": "bigint",
    "last": "bigint",
    "topic": "text",
    "sample": "text",
}
LOG = {"device_id": "bigint", "ts": "bigint", "text": "text"}
SEALED = {"device_id": "bigint", "n": "bigint"}

KEEP = "ON CONFLICT (series_id, ts) DO NOTHING"
NEWER = (
    "ON CONFLICT (series_id) DO UPDATE SET ts = excluded.ts, value = excluded.value,"
    " text = excluded.text WHERE excluded.ts >= latest.ts"
)
SEEN = (
    "ON CONFLICT (device_id) DO UPDATE SET said = excluded.said, since = excluded.since,"
    " last_seen = excluded.last_seen, attributes = excluded.attributes"
    " WHERE excluded.last_seen >= presence.last_seen"
)
COUNTED = (
    "ON CONFLICT (device_id, reason) DO UPDATE SET count = refusal.count + excluded.count,"
    " last = excluded.last, topic = excluded.topic, sample = excluded.sample"
)

HIGHER = "ON CONFLICT (device_id) DO UPDATE SET n = excluded.n WHERE excluded.n > sealed.n"

TABLES = {"reading": (READING, "value"), "event": (EVENT, "text")}


def write(link: Link, batch: Batch) -> Written:
    """Write a batch inside the caller's transaction."""
    done = Written()
    for table, rows in (("reading", batch.values), ("event", batch.texts)):
        if rows:
            _keep(link, table, rows, done)
            link.insert("latest", TABLES[table][0], _newest(rows), NEWER)
    if batch.presence:
        rows_of_presence = [
            (device_id, row.said, row.since, row.last_seen, json.dumps(row.attributes))
            for device_id, row in batch.presence.items()
        ]
        link.insert("presence", PRESENCE, rows_of_presence, SEEN)
    if batch.refusals:
        refused = [
            (device_id, reason, row.count, row.last, row.topic[:200], row.sample)
            for (device_id, reason), row in batch.refusals.items()
        ]
        link.insert("refusal", REFUSAL, refused, COUNTED)
    if batch.logs:
        link.insert("device_log", LOG, batch.logs, "")
    if batch.counters:
        link.insert("sealed", SEALED, list(batch.counters.items()), HIGHER)
    if batch.receipt:
        _receipt(link, batch.receipt)
    return done


def _keep(
    link: Link,
    table: str,
    rows: list[tuple[int, int, float]] | list[tuple[int, int, str]],
    done: Written,
) -> None:
    """Insert readings; only where some were there already, look which of them differ."""
    columns, value = TABLES[table]
    stored = link.insert(table, columns, rows, KEEP)
    done.stored += stored
    if stored == len(rows):
        return
    last = {(series_id, ts): (series_id, ts, said) for series_id, ts, said in rows}
    differs = (
        f"ON CONFLICT (series_id, ts) DO UPDATE SET {value} = excluded.{value}"
        f" WHERE {table}.{value} <> excluded.{value}"
    )
    replaced = link.insert_counted(table, columns, list(last.values()), differs)
    note_replaced(link, replaced)
    done.replaced += replaced.total()
    done.repeated += len(rows) - stored - replaced.total()


def note_replaced(link: Link, replaced: Counter[int]) -> None:
    """Count, beside what is refused of a device, how often a series changed what it had said."""
    changed = +replaced
    if not changed:
        return
    sensors = link.rows(
        f"SELECT id, device_id, name FROM series WHERE id {link.among} ORDER BY id",
        link.ids(changed),
    )
    last, now = {device_id: name for _, device_id, name in sensors}, now_ms()
    counts: Counter[int] = Counter()
    for series_id, device_id, _ in sensors:
        counts[device_id] += changed[series_id]
    rows = [(one, REPLACED, count, now, "", last[one]) for one, count in counts.items()]
    link.insert("refusal", REFUSAL, rows, COUNTED)


def _receipt(link: Link, receipt: Receipt) -> None:
    link.run(
        "INSERT INTO receipt (listener, number, messages) VALUES (?, ?, ?)",
        *(receipt.listener, receipt.number, receipt.messages),
    )
    link.run(
        "DELETE FROM receipt WHERE listener = ? AND number < ?",
        *(receipt.listener, receipt.keep_from),
    )


def _newest(rows: Sequence[Row]) -> list[Row]:
    """Return the newest row of each series; of two at one time, the last.

    In order of the series: two listeners would wait for each other otherwise.
    """
    newest: dict[int, Row] = {}
    for row in rows:
        known = newest.get(row[0])
        if known is None or row[1] >= known[1]:
            newest[row[0]] = row
    return [newest[series_id] for series_id in sorted(newest)]


def one_by_one(batch: Batch) -> Iterable[Batch]:
    """Cut a batch into batches of one row each, for when the whole would not go in."""
    for value in batch.values:
        yield Batch(values=[value])
    for text in batch.texts:
        yield Batch(texts=[text])
    for device_id, row in batch.presence.items():
        yield Batch(presence={device_id: row})
    for key, refusal in batch.refusals.items():
        yield Batch(refusals={key: refusal})
    for line in batch.logs:
        yield Batch(logs=[line])
    yield Batch(counters=batch.counters)
    yield Batch(receipt=batch.receipt)
