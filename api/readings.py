"""Readings: what a device says over HTTP, and what was kept of all it said."""

from typing import Annotated, Any, Literal

import numpy as np
from flask import Response, request
from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

import wiring
from api import callers, errors, streams
from api.models import Answer, Line, Span, Time, up_to
from api.paging import decode, encode
from api.routing import JSON, Routes
from clock import from_ms, utcnow
from db.models import Device, Level, User
from devices import export, submission
from devices.export import Column
from devices.payloads import Limits

routes = Routes("readings")
TAKES = (JSON, "text/plain", "application/octet-stream")


class Rejected(Answer):
    """One value that cannot be used; `index` says which element of a batch held it."""

    index: int
    code: str


class Taken(Answer):
    """What became of the readings that were sent."""

    accepted: int
    rejected: list[Rejected]


class History(Span):
    """Which readings, and how many points at most."""

    sensor: Annotated[Line, Field(min_length=1, max_length=64)]
    format: Literal["json", "csv", "parquet"] = "json"
    points: Annotated[int, Field(ge=1, le=2000), up_to(2000)] = 1000
    limit: Annotated[int, Field(ge=1, le=10_000), up_to(10_000)] | None = None
    cursor: Annotated[Line, Field(max_length=200)] = ""

    @field_validator("points", "limit", "cursor")
    @classmethod
    def _of_json(cls, given: Any, info: ValidationInfo) -> Any:
        if info.data.get("format", "json") != "json":
            raise PydanticCustomError("only_json", "a file has all readings of the range")
        return given


class Point(Answer):
    """One reading; states are true or false."""

    t: Time
    value: bool | float | str


class Bucket(Answer):
    """Readings that follow each other, from the one at `t` to the one at `last`.

    Of what a device may no longer keep only such sums are left; nothing can cut them, so the first
    may begin before the range that was asked for, and the last end behind it.
    """

    t: Time
    last: Time
    min: float
    mean: float
    max: float
    count: int


class Readings(Answer):
    """Readings of one sensor in time order: as they were (`raw`), or in buckets."""

    sensor: str
    kind: str
    unit: str
    raw: bool
    items: list[Point] | list[Bucket]
    next: str | None = None


@routes.post("/devices/<key:device_id>/readings", status=202, takes=TAKES, refusals=(403,))
def add(device_id: str, by: User | Device) -> Taken:
    """Send readings in the forms of MQTT telemetry: a value, an object, or a batch with times.

    They go to the broker and from there the way of all readings; the answer comes when the
    broker has them.
    """
    if request.mimetype not in TAKES:
        raise errors.WrongMedia(accepted=", ".join(TAKES))
    parts = wiring.current()
    request.max_content_length = parts.settings.mqtt_max_payload
    taken = submission.take(
        callers.reach(by, device_id, Level.OPERATOR),
        request.get_data(),
        by=by,
        publisher=parts.publisher,
        namespace=parts.settings.mqtt_namespace,
        limits=Limits(payload=parts.settings.mqtt_max_payload),
        now=utcnow(),
    )
    rejected = [Rejected(index=index, code=reason) for reason, _, index in taken.rejected]
    return Taken(accepted=taken.accepted, rejected=rejected)


@routes.get("/devices/<key:device_id>/readings", media=tuple(streams.MEDIA.values()))
def listing(device_id: str, by: User | Device, query: History) -> Readings | Response:
    """Read one sensor's history.

    As JSON: every reading when at most `points` of them are in the range, else `points` buckets
    with their true minimum and maximum.  With `limit`: every reading, in pages.  As CSV or
    Parquet: every reading, streamed.
    """
    device = callers.reach(by, device_id)
    columns = export.columns([device], wiring.current().store, sensors=[query.sensor])
    if query.format != "json":
        reader = callers.reader(by)
        return streams.document(
            [device], columns, query, query.format, reader=reader, name=device.name
        )
    if columns[0].series.kind == "text" or query.limit is not None:
        return _page(columns[0], query)
    return _chart(columns[0], query)


def _chart(column: Column, query: History) -> Readings:
    store = wiring.current().store
    chart = store.chart(column.series.id, query.start_ms, query.end_ms, query.points)
    kept = np.flatnonzero(chart.count)  # gaps are rows without readings
    columns = [
        getattr(chart, name)[kept].tolist()
        for name in ("t", "last", "low", "mean", "high", "count")
    ]
    if chart.raw:
        times, values = columns[0], columns[3]
        items = [_point(column, int(t), value) for t, value in zip(times, values, strict=True)]
        return _readings(column, items)
    buckets = [
        Bucket(
            t=from_ms(int(t)), last=from_ms(int(last)), min=low, mean=mean, max=high, count=count
        )
        for t, last, low, mean, high, count in zip(*columns, strict=True)
    ]
    return _readings(column, buckets)


def _page(column: Column, query: History) -> Readings:
    store = wiring.current().store
    limit = query.limit or query.points
    start = decode(query.cursor)[0] if query.cursor else query.start_ms
    if column.series.kind == "text":
        rows: list[tuple[int, float | str]] = list(
            store.first_texts(column.series.id, start, query.end_ms, limit + 1)
        )
    else:
        times, values = store.window(column.series.id, start, query.end_ms, limit + 1)
        rows = list(zip(times.tolist(), values.tolist(), strict=True))
    items = [_point(column, t, value) for t, value in rows[:limit]]
    following = encode((rows[limit][0], "")) if len(rows) > limit else None
    return _readings(column, items, following)


def _point(column: Column, t_ms: int, value: float | str) -> Point:
    return Point(t=from_ms(t_ms), value=bool(value) if column.series.kind == "state" else value)


def _readings(
    column: Column, items: list[Point] | list[Bucket], following: str | None = None
) -> Readings:
    return Readings(
        sensor=column.series.name,
        kind=column.series.kind,
        unit=column.series.unit,
        raw=not (items and isinstance(items[0], Bucket)),
        items=items,
        next=following,
    )
