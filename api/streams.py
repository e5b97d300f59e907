"""CSV as an answer: streamed, compressed when the caller accepts it."""

import re
from collections.abc import Iterator, Sequence

from flask import Response, request

import wiring
from api.models import Span
from devices import export
from devices.downloads import Download
from devices.export import Column, Layout


def csv(
    columns: Sequence[Column],
    span: Span,
    *,
    who: str,
    name: str,
    layout: Layout = "long",
    step_ms: int = 0,
) -> Response:
    """Return the readings of columns as a download.

    Args:
        columns: what the caller may see of what they asked for.
        span: which time.
        who: the caller; has a few downloads at the same time.
        name: what the file is called, as far as it can be.
        layout: long or wide.
        step_ms: of the grid of the wide layout; 0: none.

    Raises:
        TooMany: the caller has too many downloads running.
    """
    store = wiring.current().store
    parts: Iterator[bytes] = export.csv_rows(
        store, columns, span.start_ms, span.end_ms, layout=layout, step_ms=step_ms
    )
    zipped = request.accept_encodings.quality("gzip") > 0
    if zipped:
        parts = export.gzipped(parts)
    response = Response(Download(who, parts), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{filename(name, span)}"'
    response.headers["X-Accel-Buffering"] = "no"
    response.headers["Vary"] = "Accept-Encoding"
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    return response


def filename(name: str, span: Span) -> str:
    """Return a file name of plain letters with the range in it."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-").lower() or "readings"
    return f"{plain}_{span.start:%Y%m%dT%H%M}_{span.end:%Y%m%dT%H%M}.csv"
