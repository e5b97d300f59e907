"""Reads what is known of sensors and devices just now: series, newest values, presence."""

import json
from collections.abc import Iterable

import numpy as np

from db.telemetry.engines import Link
from db.telemetry.records import (
    DiskUse,
    Floats,
    LogLine,
    Newest,
    PresenceRow,
    Refusal,
    Series,
    Span,
)

SERIES = "id, device_id, name, kind, unit, decimals, label, colour, low, high"
DESCRIBED = frozenset({"unit", "decimals", "label", "colour", "low", "high"})


def series(link: Link, device_ids: Iterable[int]) -> dict[int, list[Series]]:
    """Return the sensors of devices, by name; a device without sensors has an empty list."""
    wanted = list(device_ids)
    found: dict[int, list[Series]] = {device_id: [] for device_id in wanted}
    for row in link.rows(
        f"SELECT {SERIES} FROM series WHERE device_id {link.among} ORDER BY name",
        link.ids(wanted),
    ):
        found[row[1]].append(Series(*row))
    return found


def numeric_series(link: Link) -> list[int]:
    """Return the ids of all series whose readings are numbers or states."""
    return [row[0] for row in link.rows("SELECT id FROM series WHERE kind <> 'text' ORDER BY id")]


def newest(link: Link, series_ids: Iterable[int]) -> dict[int, Newest]:
    """Return the newest reading of each series that has one."""
    rows = link.rows(
        f"SELECT series_id, ts, value, text FROM latest WHERE series_id {link.among}",
        link.ids(series_ids),
    )
    return {series_id: Newest(ts, value, text) for series_id, ts, value, text in rows}


def texts(link: Link, span: Span, limit: int) -> list[tuple[int, str]]:
    """Return the newest `limit` texts of a span, oldest first."""
    rows = link.rows(
        "SELECT ts, text FROM event WHERE series_id = ? AND ts >= ? AND ts < ?"
        " ORDER BY ts DESC LIMIT ?",
        *(*span, limit),
    )
    return [(ts, text) for ts, text in reversed(rows)]


def first_texts(link: Link, span: Span, limit: int) -> list[tuple[int, str]]:
    """Return the oldest `limit` texts of a span, oldest first."""
    rows = link.rows(
        "SELECT ts, text FROM event WHERE series_id = ? AND ts >= ? AND ts < ? ORDER BY ts LIMIT ?",
        *(*span, limit),
    )
    return [(ts, text) for ts, text in rows]


def sparks(
    link: Link,
    series_ids: Iterable[int],
    times: tuple[int, int],
    points: int,
) -> dict[int, Floats]:
    """Return the first reading of each of `points` equal steps of [start, end), NaN for none.

    Each is one look into the index, so the cost does not grow with how often a sensor reports.
    """
    wanted = list(series_ids)
    start_ms, end_ms = times
    width = max(1, (end_ms - start_ms) // points)
    found = {series_id: np.full(points, np.nan) for series_id in wanted}
    sql = """
        WITH RECURSIVE step(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM step WHERE k + 1 < ?)
        SELECT series.id, k, (
            SELECT value FROM reading
            WHERE series_id = series.id AND ts >= ? + k * ? AND ts < ? + (k + 1) * ?
            ORDER BY ts LIMIT 1
        ) FROM series CROSS JOIN step WHERE series.id """
    given = (points, start_ms, width, start_ms, width, link.ids(wanted))
    for series_id, step, value in link.rows(sql + link.among, *given):
        if value is not None:
            found[series_id][step] = value
    return found


def presence(link: Link, device_ids: Iterable[int]) -> dict[int, PresenceRow]:
    """Return the presence of each device that was ever heard of."""
    rows = link.rows(
        "SELECT device_id, said, since, last_seen, attributes"
        f" FROM presence WHERE device_id {link.among}",
        link.ids(device_ids),
    )
    return {row[0]: PresenceRow(row[1], row[2], row[3], json.loads(row[4])) for row in rows}


def counters(link: Link, device_ids: Iterable[int]) -> dict[int, int]:
    """Return how far devices have counted their sealed messages; who never sent one is left out."""
    rows = link.rows(
        f"SELECT device_id, n FROM sealed WHERE device_id {link.among}", link.ids(device_ids)
    )
    return {row[0]: row[1] for row in rows}


def refusals(link: Link, device_id: int) -> list[Refusal]:
    """Return what was refused of a device, the most recent reason first."""
    rows = link.rows(
        "SELECT reason, count, last, topic, sample FROM refusal WHERE device_id = ?"
        " ORDER BY last DESC, reason",
        device_id,
    )
    return [Refusal(*row) for row in rows]


def disk_use(link: Link, device_ids: Iterable[int]) -> dict[int, DiskUse]:
    """Return what the numbers and states of devices take on the disk, by device."""
    found = {device_id: [0, 0] for device_id in device_ids}
    devices = {}
    for series_id, device_id, sealed in link.rows(
        f"SELECT id, device_id, sealed_bytes FROM series WHERE device_id {link.among}",
        link.ids(found),
    ):
        devices[series_id] = device_id
        found[device_id][1] += sealed
    for series_id, fresh in link.rows(
        f"SELECT series_id, COUNT(*) FROM reading WHERE series_id {link.among} GROUP BY series_id",
        link.ids(devices),
    ):
        found[devices[series_id]][0] += fresh
    return {
        device_id: DiskUse(fresh, sealed + fresh * link.row_bytes)
        for device_id, (fresh, sealed) in found.items()
    }


def logs(link: Link, device_id: int, limit: int) -> list[LogLine]:
    """Return the newest lines of a device's log, newest first."""
    rows = link.rows(
        "SELECT ts, text FROM device_log WHERE device_id = ? ORDER BY ts DESC, id DESC LIMIT ?",
        *(device_id, limit),
    )
    return [LogLine(*row) for row in rows]


def log_beyond(link: Link, device_id: int, most: int) -> int:
    """Return before which time a device's log has all but its newest `most` lines, about."""
    rows = link.rows(
        "SELECT ts FROM device_log WHERE device_id = ? ORDER BY ts DESC, id DESC LIMIT 1 OFFSET ?",
        *(device_id, most - 1),
    )
    return rows[0][0] if rows else 0


def receipts(link: Link, listener: str) -> list[tuple[int, bytes]]:
    """Return the kept receipts of a listener, oldest first."""
    rows = link.rows(
        "SELECT number, messages FROM receipt WHERE listener = ? ORDER BY number", listener
    )
    return [(number, bytes(messages)) for number, messages in rows]
