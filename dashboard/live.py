"""GET /live: one stream of server-sent events for each signed-in browser.

    event: hello     {"now": ms}                    replay is over, what follows is live
    event: reading, presence, command, refused, device       as devices.ports.LiveEvent, and "d"
    event: gap       {}                             some events are lost: ask the store
    event: system    {"broker": bool, "store": bool}       whether they work; when that changes
    event: beat      {"now": ms}                    every 15 s of silence
    event: bye       {"why": "session", "restart", "replaced" or "unavailable"}

A stream is not a request that touches the database: its session goes back to the pool before the
first byte is sent, and `dashboard.warden` asks for all streams together.
"""

import random
import threading
from collections.abc import Iterator
from queue import Empty

from flask import Blueprint, Flask, Response, current_app, request
from flask_login import current_user

import wiring
from auth import access, sessions
from clock import now_ms
from dashboard.hub import Full, Hub, Stream, frame
from dashboard.warden import Warden
from errors import Unauthenticated

KEEP_ALIVE_S = 15.0
RETRY_AFTER_S = 5
OTHER_REQUESTS = 32  # threads that streams leave to everything else

HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",  # nginx would hold events back
}

bp = Blueprint("live", __name__)
_starting = threading.Lock()
_wardens: set[Warden] = set()


@bp.get("/live")
def live() -> Response:
    """Stream what happens to the devices this person may see."""
    session = sessions.current_session()
    if session is None:
        raise Unauthenticated
    devices = frozenset(device.public_id for device, _ in access.visible_devices(current_user))
    hub = _hub(current_app._get_current_object())  # type: ignore[attr-defined]
    try:
        stream = hub.join(session.id, devices, _last_seen())
    except Full:
        return Response(status=503, headers={"Retry-After": str(RETRY_AFTER_S)})
    response = Response(_body(stream), mimetype="text/event-stream", headers=HEADERS)
    response.call_on_close(lambda: hub.leave(stream))
    return response


@bp.get("/live/ping")
def ping() -> Response:
    """Answer 204 to a browser whose stream was refused: the session stands, try again."""
    return Response(status=204, headers={"Cache-Control": "no-store"})


def shutdown() -> None:
    """End every stream of this process at once; safe in a signal handler."""
    for warden in list(_wardens):
        warden.stop()


def _hub(server: Flask) -> Hub:
    """Return the hub of a server; its first stream starts it."""
    with _starting:
        if "gatehouse.live" not in server.extensions:
            hub = Hub(capacity(wiring.current().settings.web_threads))
            warden = Warden(server, hub)
            warden.start()
            _wardens.add(warden)
            server.extensions["gatehouse.live"] = hub
    found: Hub = server.extensions["gatehouse.live"]
    return found


def capacity(threads: int) -> int:
    """Return how many streams a process with so many threads may carry."""
    return max(threads - OTHER_REQUESTS, threads // 2)


def _last_seen() -> int | None:
    """Return the id after which this browser goes on; EventSource sends it by itself."""
    given = request.headers.get("Last-Event-ID") or request.args.get("last", "")
    if not given:
        return None
    return int(given) if given.isascii() and given.isdigit() and len(given) < 20 else 0


def _body(stream: Stream) -> Iterator[bytes]:
    yield b"retry: %d\n\n" % random.randint(1000, 3000)  # noqa: S311 - spreads reconnections
    while True:
        try:
            frames = stream.next(KEEP_ALIVE_S)
        except Empty:
            frames = b": keep-alive\n" + frame("beat", {"now": now_ms()})
        if frames is None:
            return
        yield frames
