"""The one door: whatever is not named open here needs a session, all of Dash included."""

import logging
from urllib.parse import quote, urlsplit

import dash
from dash.exceptions import DependencyException
from flask import Flask, Response, abort, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

import wiring
from auth import refusals, sessions
from auth.routes.blueprint import message, refused
from clock import utcnow
from dashboard import access, callbacks, headers, unread
from db.models import User
from errors import Forbidden, Unavailable
from notify.language import translate
from notify.mark import N_

log = logging.getLogger("gatehouse.web")

OPEN = frozenset(
    {
        # account pages
        "login",
        "logout",
        "register",
        "confirm",
        "recover",
        "reset",
        "language",
        # guest pages: the link itself is the right
        "g",
        # programs and devices: they show a token
        "api",
        "device_login",
        "device_ping",
        "metrics",
        "mqtt",
        # whether the server lives
        "healthz",
        "readyz",
        # only from this machine, while no mail server is set
        "outbox",
        "outbox.json",
        # never anything private
        ".well-known",
        "assets",
    }
)
"""First parts of the paths that strangers reach; what lies behind looks after itself."""

TOKEN_ONLY = frozenset({"api", "device_login", "device_ping", "mqtt"})
"""First parts of paths that never look at a cookie, so another site gains nothing there."""

MACHINE = ("/_", "/live", "/data/")
"""What scripts fetch; these get 401 where a page gets the way to the login."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def install(server: Flask, app: dash.Dash) -> None:
    """Put the gate in front of everything that is registered on this server."""

    def guard() -> ResponseReturnValue | None:
        first = request.path.split("/", 2)[1]
        if first not in TOKEN_ONLY and _from_elsewhere():
            address = sessions.client_address()
            refusals.cross_site(request.path, now=utcnow(), address=address)
            return _error(403, "cross_site", _("This request came from another site."))
        if first in OPEN:
            # what no route of ours takes would fall to Dash, which answers any path
            return abort(404) if request.endpoint in headers.DASH_PAGES else None
        user = sessions.signed_in()
        if user is None:
            return abort(404) if _leads_nowhere(app) else _to_login()
        if request.path == callbacks.PATH:
            return callbacks.refusal(app, user)
        return _closed_page(app, user)

    # before all others, so that a stranger hears the same whatever else is wrong with a request
    server.before_request_funcs.setdefault(None, []).insert(0, guard)
    server.after_request(headers.writer(app))
    server.after_request(unread.read_away)
    server.register_error_handler(DependencyException, lambda _error: ("", 404))
    for kind in wiring.DATABASE_AWAY:
        server.register_error_handler(kind, _away)


def _leads_nowhere(app: dash.Dash) -> bool:
    """Return whether no page is here: what looks for `/.env` must not find a login."""
    return request.endpoint in headers.DASH_PAGES and callbacks.page_at(app, request.path) is None


def _closed_page(app: dash.Dash, user: User) -> Response | None:
    """Say in words that a page is not for this person; Dash would leave it empty."""
    page = callbacks.page_at(app, request.path) if request.endpoint in headers.DASH_PAGES else None
    if page is None or access.allows(access.declared(page["layout"]), user):
        return None
    return refused(Forbidden("admins_only", N_("Only administrators may do that.")))


def _from_elsewhere() -> bool:
    """Return whether another site made this browser send a request that changes something."""
    if request.method in SAFE_METHODS:
        return False
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    if origin is None or origin == "null":  # pages that send no referrer; the form token decides
        return False
    own = {request.host, urlsplit(wiring.current().settings.url).netloc}
    try:
        return urlsplit(origin).netloc not in own
    except ValueError:  # no browser sends that
        return True


def _to_login() -> ResponseReturnValue:
    """Send a page to the login and back; tell a script that nobody is signed in."""
    if request.method not in {"GET", "HEAD"} or _by_script():
        return _error(401, "unauthenticated", _("Please log in."))
    wanted = request.full_path.rstrip("?")
    return redirect("/login" if wanted == "/" else f"/login?next={quote(wanted, safe='/')}")


def _by_script() -> bool:
    mode = request.headers.get("Sec-Fetch-Mode", "navigate")
    return mode != "navigate" or request.path.startswith(MACHINE)


def _away(error: Exception) -> Response:
    """Say that the database does not answer; who is signed in stands in it too."""
    log.warning("the database does not answer: %s", getattr(error, "orig", error))
    sessions.ask_no_more()
    why = Unavailable()
    if _by_script() or request.path.split("/", 2)[1] in TOKEN_ONLY:
        return _error(why.status, why.code, translate(why))
    return message(_("That did not work"), "", error=why)


def _error(status: int, code: str, message: str) -> Response:
    answer = jsonify(error={"code": code, "message": message, "details": {}})
    answer.status_code = status
    return answer
