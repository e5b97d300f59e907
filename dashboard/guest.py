"""/g/<token>: what a guest sees.  Opening the page never acts; pressing its button does.

No JavaScript, no session, no cookie: a form, and while the door has not answered a page that
loads itself again every second.  Styles come with the page, so that it is painted as soon as its
first bytes are there.
"""

from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import (
    Blueprint,
    Response,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import format_datetime
from markupsafe import Markup
from werkzeug.wrappers import Response as Answer

import wiring
from auth import sessions
from clock import utcnow
from db.models import Command, GuestLink
from devices import guest_pages, guest_visits
from errors import AppError, NotFound, TooMany
from notify import language

bp = Blueprint("guest", __name__, template_folder="templates")

OPEN_STATES = frozenset({"queued", "sent", "delivered"})
AGAIN_S = 1  # until the page of a door that has not answered asks again
MOST_WAITED = timedelta(hours=12)  # a page opened earlier than that does not wait for its hour
ASSETS = Path(__file__).resolve().parent.parent / "assets"
STYLE = Markup((ASSETS / "css/guest.css").read_text())  # noqa: S704  a file of ours
PAPER, INK = "#f4f6f8", "#0f766e"


@bp.get("/g/<token>")
def look(token: str) -> Response:
    """Show what the link opens, and the button if it opens now."""
    try:
        seen = guest_visits.look(token, now=utcnow())
    except NotFound:
        return _ended()
    return _page(token, seen)


@bp.get("/g/<token>/app.webmanifest")
def manifest(token: str) -> Answer:
    """Say how the page looks when a guest puts it on the home screen."""
    try:
        link = guest_visits.look(token, now=utcnow()).link
    except NotFound:
        return _ended()
    page = url_for("guest.look", token=token)
    answer = jsonify(
        name=link.device.name,
        short_name=link.device.name[:12],
        start_url=page,
        scope=page,
        display="standalone",
        background_color=PAPER,
        theme_color=INK,
        icons=[
            {"src": "/assets/favicon.svg", "sizes": "any", "type": "image/svg+xml"},
            {"src": "/assets/touch-icon.png", "sizes": "180x180", "type": "image/png"},
        ],
    )
    answer.mimetype = "application/manifest+json"
    return _closed(answer)


@bp.post("/g/<token>")
def press(token: str) -> Answer:
    """Open the door and go on to a page that says what came of it."""
    parts = wiring.current()
    try:
        command = guest_visits.press(
            token,
            nonce=request.form.get("nonce", ""),
            pin=request.form.get("pin", "").strip(),
            keys=parts.keys,
            publisher=parts.publisher,
            bus=parts.bus,
            namespace=parts.settings.mqtt_namespace,
            now=utcnow(),
            address=sessions.client_address(),
        )
    except AppError as error:
        return _again(token, error)
    return redirect(url_for("guest.outcome", token=token, command_id=command.public_id), 303)


@bp.get("/g/<token>/<command_id>")
def outcome(token: str, command_id: str) -> Response:
    """Say what the door has answered so far."""
    try:
        link, command = guest_visits.outcome(token, command_id)
    except NotFound:
        return _ended()
    with language.use(link.language or language.code()):
        return _answer(
            "guest/outcome.html",
            200,
            door=link.device.name,
            waiting=command.state in OPEN_STATES,
            command=command,
            at=_local(_moment(command), link),
            back=url_for("guest.look", token=token),
            manifest=url_for("guest.manifest", token=token),
            again_s=AGAIN_S if command.state in OPEN_STATES else 0,
        )


def _page(token: str, seen: guest_visits.Look, error: AppError | None = None) -> Response:
    link, opens_at = seen.link, seen.verdict.opens_at
    with language.use(link.language or language.code()):
        return _answer(
            "guest/look.html",
            error.status if error else 200,
            door=link.device.name,
            guest=link.label,
            opens_at=_local(opens_at, link) if opens_at else "",
            ends_at=_local(link.not_after, link),
            left=None if link.max_uses is None else link.max_uses - link.uses,
            wants_pin=seen.wants_pin,
            nonce=guest_pages.mark(link, keys=wiring.current().keys, now=utcnow()),
            action=url_for("guest.press", token=token),
            error=language.translate(error) if error else "",
            manifest=url_for("guest.manifest", token=token),
            again_s=0 if error else _seconds_until(opens_at),
        )


def _again(token: str, error: AppError) -> Response:
    """Show the page once more, with what was wrong and a fresh button, if it still opens."""
    try:
        answer = _page(token, guest_visits.look(token, now=utcnow()), error)
    except NotFound:
        return _ended()
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _ended() -> Response:
    """Say that a link does not open anything, whatever the reason is."""
    return _answer("guest/ended.html", 404, error=language.translate(guest_visits.ended()))


def _answer(template: str, status: int, *, again_s: int = 0, **values: object) -> Response:
    """Return a page; one with `again_s` loads itself again after so many seconds."""
    answer = make_response(render_template(template, style=STYLE, ink=INK, **values), status)
    if again_s:
        answer.headers["Refresh"] = str(again_s)
    return _closed(answer)


def _closed(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def _seconds_until(opens_at: datetime | None) -> int:
    """How long an early guest waits until the button is there; 0: there it is, or not soon."""
    left = opens_at - utcnow() if opens_at else timedelta()
    return int(left.total_seconds()) + 1 if timedelta() < left <= MOST_WAITED else 0


def _moment(command: Command) -> datetime:
    return command.answered_at or command.asked_at


def _local(at: datetime, link: GuestLink) -> str:
    """A moment as the clock beside the door shows it."""
    return str(format_datetime(at.astimezone(ZoneInfo(link.timezone)), "medium", rebase=False))
