"""Plotly's script, smaller and packed, under the address where Dash loads it from.

Dash asks for the full bundle only when a page shows its first chart.  Answering that request
with the partial bundle in `assets/vendor` keeps it that way and sends a quarter of the bytes.
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path

import brotli
from flask import Blueprint, Response, request

FILE = Path(__file__).resolve().parent.parent / "assets/vendor/plotly-basic.min.js"
PATH = "/_dash-component-suites/plotly/package_data/plotly.min.js"

bp = Blueprint("bundles", __name__)


@bp.get(PATH)
def plotly() -> Response:
    """Send the bundle, packed as the browser likes it best.

    The address holds no version, so browsers may keep it for a day and then ask again.
    """
    encoding = request.accept_encodings.best_match(["br", "gzip", "identity"], "identity")
    response = Response(status=200, mimetype="text/javascript")
    tag = f"{version()}-{encoding}"
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, max-age=86400"
    response.headers["Vary"] = "Accept-Encoding"
    if request.if_none_match.contains(tag):
        response.status_code = 304
        return response
    response.set_data(packed(encoding))
    if encoding != "identity":
        response.headers["Content-Encoding"] = encoding
    return response


@cache
def version() -> str:
    """Return what identifies the content of the bundle."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()[:16]


@cache
def packed(encoding: str) -> bytes:
    """Return the bundle in an encoding; packed once, when it is first asked for (0.1 s)."""
    plain = FILE.read_bytes()
    if encoding == "br":
        return bytes(brotli.compress(plain, quality=9))
    if encoding == "gzip":
        return gzip.compress(plain, 9, mtime=0)
    return plain
