"""What the pages' scripts ask the store: the present state, the points of a chart, a file."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any

import numpy as np
from flask import Blueprint, Response, request

import wiring
from auth import access, sessions
from clock import now_ms, utcnow
from dashboard import export_query, ranges, readers
from dashboard.answers import answer, refusal
from dashboard.export_query import Wanted
from db.models import Device, User
from db.telemetry.records import Chart, Floats
from devices import commands, export, imports, parquet, presence
from errors import AppError, Invalid, NotFound, Unauthenticated
from notify.mark import N_

MOST_POINTS = 2000
MOST_TEXTS = 100
SEEN = 5  # times as long as a point of a full chart: then one sees how long it is

bp = Blueprint("data", __name__, url_prefix="/data")
bp.register_error_handler(AppError, refusal)


@bp.get("/state")
def state() -> Response:
    """Return the present state of every device this person may see.

    {"now": ms, "broker": bool, "store": bool, "devices": {id: {"presence": {"state", "seen"},
    "sensors": {name: {"t", "v", "k"}}, "command": {...} or null, "late_after": ms}}}
    """
    parts = wiring.current()
    devices = [device for device, _ in access.visible_devices(_person())]
    ids = [device.id for device in devices]
    series = parts.store.series(ids)
    newest = parts.store.newest([one.id for some in series.values() for one in some])
    seen = parts.store.presence(ids)
    asked = commands.newest(devices)
    now = utcnow()

    def of(device: Device) -> dict[str, Any]:
        row = seen.get(device.id)
        return {
            "presence": {
                "state": presence.state(
                    row, expected_interval_s=device.expected_interval_s, now=now
                ),
                "seen": row.last_seen if row else None,
            },
            "sensors": {
                one.name: {
                    "t": newest[one.id].ts_ms,
                    "v": newest[one.id].text if one.kind == "text" else newest[one.id].value,
                    "k": one.kind,
                }
                for one in series.get(device.id, [])
                if one.id in newest
            },
            "command": asked.get(device.id),
            "late_after": presence.MISSED * device.expected_interval_s * 1000,
        }

    return answer(
        {
            "now": now_ms(),
            **parts.working,
            "devices": {device.public_id: of(device) for device in devices},
        }
    )


@bp.get("/chart")
def chart() -> Response:
    """Return one sensor in [from, to) for drawing: {"raw", "t", "mean"[, "low", "high", "count"]}.

    `low`, `high` and `count` are left out where each point is one reading.  "last" comes where
    some points stand for so long a time that one sees it, as of forgotten readings only sums are
    left: the time of their last reading, null for the others.

    A state has "before" as well: what it was when the window begins, or null.  Where its points
    are no single readings, "last" comes for each, and "end": what it was then, null if forgotten.
    """
    device = access.visible(_person(), request.args.get("device", ""))
    start, end = _window()
    points = _points()
    store = wiring.current().store
    sensor = request.args.get("sensor", "")
    series = next(
        (one for one in store.series([device.id]).get(device.id, []) if one.name == sensor), None
    )
    if series is None:
        raise NotFound("sensor_not_found", N_("There is no such sensor."))
    drawn = store.chart(series.id, start, end, points)
    data: dict[str, Any] = {"raw": drawn.raw, "t": drawn.t.astype(np.int64), "mean": drawn.mean}
    if not drawn.raw:
        data |= {"low": drawn.low, "high": drawn.high, "count": drawn.count}
        long = drawn.last - drawn.t > SEEN * (end - start) / points
        if long.any():
            data["last"] = np.where(long, drawn.last, np.nan)
    if series.kind == "state":
        held = store.before(series.id, start)
        data["before"] = held[1] if held else None
        if not drawn.raw:
            data |= {"last": drawn.last, "end": _ends(series.id, drawn)}
    return answer(data)


def _ends(series_id: int, drawn: Chart) -> Floats:
    """Return what a state was at the end of each point; NaN if that is not known any more."""
    ends = drawn.low.copy()
    both = np.flatnonzero(drawn.low != drawn.high)  # gaps too, which stay NaN
    both = both[drawn.count[both] > 0]
    ends[both] = wiring.current().store.values_at(series_id, drawn.last[both].astype(np.int64))
    return ends


@bp.get("/texts")
def texts() -> Response:
    """Return the newest texts of a device in [from, to), newest first.

    {"texts": [{"t": ms, "s": label of the sensor, "v": text}], "more": whether there are others}
    """
    device = access.visible(_person(), request.args.get("device", ""))
    start, end = _window()
    store = wiring.current().store
    found = [
        (ms, series.label or series.name, text)
        for series in store.series([device.id])[device.id]
        if series.kind == "text"
        for ms, text in store.texts(series.id, start, end, MOST_TEXTS + 1)
    ]
    newest = sorted(found, key=lambda one: one[0], reverse=True)
    rows = [{"t": ms, "s": label, "v": text} for ms, label, text in newest[:MOST_TEXTS]]
    return answer({"texts": rows, "more": len(newest) > MOST_TEXTS})


@bp.get("/export.csv")
def export_csv() -> Response:
    """Stream readings as CSV: of the devices and sensors named, or of all that one may see."""
    asked = export_query.wanted(request.args, _person(), "csv", now=utcnow())
    store = wiring.current().store
    columns = export.columns(asked.devices, store, sensors=asked.sensors)
    parts = export.csv_rows(store, columns, asked.extent, asked.layout, style=asked.style)
    if asked.packed:
        return _file(asked, export.gzipped(parts), "application/gzip")
    return _file(asked, parts, "text/csv")


@bp.get("/export.parquet")
def export_parquet() -> Response:
    """Stream the same as Parquet."""
    asked = export_query.wanted(request.args, _person(), "parquet", now=utcnow())
    store = wiring.current().store
    columns = export.columns(asked.devices, store, sensors=asked.sensors)
    parts = parquet.parts(store, columns, asked.extent, asked.layout)
    return _file(asked, parts, parquet.MEDIA)


def _file(asked: Wanted, parts: Iterator[bytes], media: str) -> Response:
    return Response(
        wiring.current().downloads.begin(readers.current(), asked.devices, parts),
        mimetype=media,
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="{asked.filename}"',
            "X-Accel-Buffering": "no",
        },
    )


@bp.url_value_preprocessor
def _allow(endpoint: str | None, _values: object) -> None:
    """Let a large file in; the check against forged forms, which comes next, asks how large."""
    if endpoint == f"{bp.name}.{import_csv.__name__}":
        request.max_content_length = imports.LARGEST


@bp.post("/import")
def import_csv() -> Response:
    """Take readings from a CSV file into a device; with `dry_run`, only say what would happen."""
    parts = wiring.current()
    user = _person()
    report = imports.take(
        access.visible(user, request.args.get("device", ""), access.Level.MANAGER),
        request.get_data(),
        by=user,
        store=parts.store,
        now=utcnow(),
        most_sensors=parts.settings.max_sensors_per_device,
        dry_run="dry_run" in request.args,
        sensor=request.args.get("sensor", ""),
        address=sessions.client_address(),
        bus=parts.bus,
    )
    return answer(report.plain())


def _person() -> User:
    user = sessions.signed_in()
    if user is None:
        raise Unauthenticated
    return user


def _window() -> tuple[int, int]:
    """Return [from, to) in milliseconds."""
    start, end = (ranges.moment(request.args.get(name, ""), UTC) for name in ("from", "to"))
    return ranges.span(start, end)


def _points() -> int:
    """Return how many points a chart may have."""
    given = request.args.get("points", "1000")
    if not ranges.NUMBER.fullmatch(given) or not 1 <= int(given) <= MOST_POINTS:
        raise Invalid(
            "bad_number",
            N_("%(field)s is a whole number from 1 to %(most)s."),
            field="points",
            most=MOST_POINTS,
        )
    return int(given)
