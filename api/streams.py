"""Readings as a file that is streamed; CSV compressed when the caller accepts it."""

import re
from collections.abc import Iterator, Sequence
from typing import Literal
from zoneinfo import ZoneInfo

from flask import Response, request

import wiring
from api.models import Span
from db.models import Device
from devices import export, parquet
from devices.downloads import Reader
from devices.export import Column, Layout
from devices.reading_pages import UTC, Extent

Form = Literal["csv", "parquet"]
MEDIA: dict[Form, str] = {"csv": "text/csv", "parquet": parquet.MEDIA}


def document(
    devices: Sequence[Device],
    columns: Sequence[Column],
    span: Span,
    form: Form,
    *,
    reader: Reader,
    name: str,
    layout: Layout = "long",
    step_ms: int = 0,
    zone: ZoneInfo = UTC,
) -> Response:
    """Return the readings of columns as a download.

    Args:
        devices: whose readings they are; the download ends with the right to any of them.
        columns: what the caller may see of what they asked for.
        span: which time.
        form: what kind of file.
        reader: the caller; has a few downloads at the same time.
        name: what the file is called, as far as it can be.
        layout: long or wide.
        step_ms: of the grid of the wide layout; 0: none.
        zone: on whose clocks the steps begin.

    Raises:
        TooMany: the caller has too many downloads running.
    """
    store = wiring.current().store
    written = export.csv_rows if form == "csv" else parquet.parts
    extent = Extent(span.start_ms, span.end_ms, step_ms, zone)
    parts: Iterator[bytes] = written(store, columns, extent, layout)
    zipped = form == "csv" and request.accept_encodings.quality("gzip") > 0
    if zipped:
        parts = export.gzipped(parts)
    response = Response(
        wiring.current().downloads.begin(reader, devices, parts), mimetype=MEDIA[form]
    )
    called = f"{filename(name, span)}.{form}"
    response.headers["Content-Disposition"] = f'attachment; filename="{called}"'
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["Vary"] = "Accept-Encoding"
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    return response


def filename(name: str, span: Span) -> str:
    """Return a file name of plain letters with the range in it, without its ending."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-").lower() or "readings"
    return f"{plain}_{span.start:%Y%m%dT%H%M}_{span.end:%Y%m%dT%H%M}"
