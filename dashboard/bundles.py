"""Scripts and styles, packed once and sent from memory; Plotly's in a smaller edition.

Dash asks for Plotly's full bundle when a page shows its first chart.  Answering that request with
the partial bundle in `assets/vendor` keeps it that way and sends a quarter of the bytes.
"""

import gzip
import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path
from typing import Any

import brotli
from flask import Blueprint, Flask, Response, abort, request
from flask.blueprints import BlueprintSetupState
from werkzeug.security import safe_join

ASSETS = Path(__file__).resolve().parent.parent / "assets"
PLOTLY = ASSETS / "vendor/plotly-basic.min.js"
PLOTLY_PATH = "/_dash-component-suites/plotly/package_data/plotly.min.js"
GRAPH_PATH = "/_dash-component-suites/dash/dcc/async-graph.js"
FOR_CHARTS = (GRAPH_PATH, PLOTLY_PATH)
"""What Dash asks for when the first chart of a page is drawn, in this order."""
DASH_ASSETS = "_dash_assets.static"
DASH_SUITES = "/_dash-component-suites/<string:package_name>/<path:fingerprinted_path>"

DAY = "max-age=86400"  # the address of Plotly's script holds no version
FOREVER = "max-age=31536000, immutable"
ASK = "no-cache"
KEPT = 256  # files in memory, each as it is and packed

STYLES = (
    "vendor/bootstrap.min.css",
    "css/tokens.css",
    "css/icons.css",
    "css/base.css",
    "css/parts.css",
    "css/shell.css",
    "css/account.css",
    "css/cards.css",
    "css/device.css",
    "css/calendar.css",
    "css/files.css",
    "css/screens.css",
)
ELSEWHERE = frozenset({"theme.js", "passkeys.js", "live-worker.js"})
"""Scripts that the index has in its head, that account pages load, or that scripts start."""

bp = Blueprint("bundles", __name__)


@bp.record_once
def name_styles(state: BlueprintSetupState) -> None:
    """Let templates know where the styles are: a browser that logged in has them all already."""
    state.app.jinja_env.globals["stylesheet"] = address("css")


def install(server: Flask) -> None:
    """Answer for Dash's own routes of files."""
    suites = server.view_functions[DASH_SUITES]

    def suite(**where: Any) -> Response:
        found = server.ensure_sync(suites)(**where)
        if found.status_code != 200:
            return Response(status=found.status_code)
        return send(found.get_data(), found.mimetype, FOREVER if found.cache_control else ASK)

    server.view_functions[DASH_SUITES] = suite
    server.view_functions[DASH_ASSETS] = asset


@bp.get(PLOTLY_PATH)
def plotly() -> Response:
    """Send the partial bundle."""
    return send(PLOTLY.read_bytes(), "text/javascript", DAY)


@bp.get("/assets/all.<any(js,css):kind>")
def joined(kind: str) -> Response:
    """Send all scripts or styles of the dashboard as one file: one request instead of many."""
    keep = FOREVER if "m" in request.args else ASK
    return send(join(kind), mimetypes.types_map[f".{kind}"], keep)


def address(kind: str) -> str:
    """Return where the joined scripts (js) or styles (css) are, as they are now."""
    return f"/assets/all.{kind}?m={_digest(join(kind))}"


def join(kind: str) -> bytes:
    """Return the scripts in the order of their names, or the styles in theirs."""
    scripts = sorted(one.name for one in ASSETS.glob("*.js") if one.name not in ELSEWHERE)
    names = scripts if kind == "js" else STYLES
    return b"\n".join((ASSETS / name).read_bytes() for name in names)


def asset(filename: str) -> Response:
    """Send a file of `assets`; one whose address holds its age may be kept."""
    path = safe_join(str(ASSETS), filename)
    if path is None or not Path(path).is_file():
        abort(404)
    kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    return send(Path(path).read_bytes(), kind, FOREVER if "m" in request.args else ASK)


def send(data: bytes, kind: str, keep: str) -> Response:
    """Return a file, packed as the browser likes it best, or 304 if it has it already.

    Args:
        data: the whole file.
        kind: its media type.
        keep: the `Cache-Control` of the answer.
    """
    encoding = request.accept_encodings.best_match(["br", "gzip", "identity"], "identity")
    response = Response(mimetype=kind)
    tag = f"{_digest(data)}-{encoding}"
    response.set_etag(tag)
    response.headers["Cache-Control"] = keep
    response.headers["Vary"] = "Accept-Encoding"
    if request.if_none_match.contains(tag):
        response.status_code = 304
        return response
    response.set_data(_packed(data, encoding))
    if encoding != "identity":
        response.headers["Content-Encoding"] = encoding
    return response


@lru_cache(KEPT)
def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


@lru_cache(KEPT)
def _packed(data: bytes, encoding: str) -> bytes:
    if encoding == "br":
        return bytes(brotli.compress(data, quality=9))  # 11 takes 20 times as long for 8 %
    if encoding == "gzip":
        return gzip.compress(data, 9, mtime=0)
    return data
