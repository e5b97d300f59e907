"""Who is behind a request: Flask-Login over the rows of `auth.browsers`.

Flask's own session cookie only holds the token against forged forms.  Who is signed in says a
cookie of its own, so that logging out ends it on the server.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Flask, Request, Response, current_app, g, has_request_context, request
from flask_login import LoginManager, current_user

import wiring
from auth import browsers
from clock import utcnow
from db.models import User, UserSession

KNOWN_COOKIE = "gatehouse_known"
KNOWN_FOR = timedelta(days=180)
FRESH_FOR = timedelta(minutes=10)
BACKGROUND_HEADER = "X-Background"
BACKGROUND_PATHS = ("/live", "/data/state")
"""Requests that a page makes by itself do not keep a session alive."""


@dataclass(frozen=True, slots=True)
class _Cookie:
    """What to tell the browser at the end of this request; an empty value takes the cookie away."""

    value: str
    ends_at: datetime | None = None  # None: with the browser


def init_app(server: Flask) -> None:
    """Let Flask-Login find the user of a request in the table of sessions."""
    server.config["REMEMBER_COOKIE_NAME"] = "unused"  # other programs on this host may set theirs
    manager = LoginManager()
    manager.session_protection = None  # for Flask's session, which says nothing here
    manager.request_loader(_load)
    manager.init_app(server)
    server.after_request(_send_cookie)


def cookie_name() -> str:
    """Return the name of the session cookie; `__Host-` ties it to this host over TLS."""
    secure = wiring.current().settings.secure_cookies
    return "__Host-gatehouse" if secure else "gatehouse_session"


def current_session() -> UserSession | None:
    """Return the session of this request, or None for a stranger."""
    return g.get("user_session") if signed_in() else None


def is_fresh(*, now: datetime) -> bool:
    """Return whether password or passkey were shown a moment ago, by whoever sits there now."""
    row = current_session()
    return row is not None and row.authenticated_at > now - FRESH_FOR


def signed_in() -> User | None:
    """Return the user of this request, or None for a stranger."""
    if not has_request_context() or not current_user.is_authenticated:
        return None
    user: User = current_user._get_current_object()
    return user


def begin(
    user: User, *, remember: bool, now: datetime, proof: browsers.Proof = "password"
) -> UserSession:
    """Sign this browser in, always under a new cookie; a session it had before ends."""
    if (old := current_session()) is not None:
        browsers.end(old.public_id, by=old.user, address=client_address(), now=now)
    g.known_cookie = _known_value(user.email, secrets.token_urlsafe(12))
    row, token = browsers.begin(
        user,
        remember=remember,
        user_agent=request.user_agent.string,
        address=client_address(),
        now=now,
        proof=proof,
    )
    g.session_cookie = _Cookie(token, row.ends_at if remember else None)
    return row


def end(*, now: datetime) -> None:
    """Sign this browser out, here and on the server."""
    if (row := current_session()) is not None:
        browsers.end(row.public_id, by=row.user, address=client_address(), now=now)
    forget_user()


def known_browser(email: str) -> str:
    """Return a name for this browser if this account was logged into here before, else "".

    Wrong passwords from elsewhere then cannot keep the owner out.
    """
    value = request.cookies.get(KNOWN_COOKIE, "")
    number = value.partition(".")[0]
    right = hmac.compare_digest(value.encode(), _known_value(email, number).encode())
    return number if right else ""


def _known_value(email: str, number: str) -> str:
    return f"{number}.{wiring.current().keys.mac('known-browser', f'{number}|{email}')}"


def forget_user() -> None:
    """Take the cookie away, for its session has ended; the rest of this request is a stranger's."""
    ask_no_more()
    g.session_cookie = _Cookie("")


def ask_no_more() -> None:
    """Take the rest of this request for a stranger's; the browser stays signed in."""
    g.pop("user_session", None)
    g._login_user = current_app.login_manager.anonymous_user()  # type: ignore[attr-defined]


def client_address() -> str:
    """Return the network address that this request came from."""
    return request.remote_addr or ""


def _load(request: Request) -> User | None:
    token = request.cookies.get(cookie_name())
    if not token:
        return None
    found = browsers.find(
        token, active=not _is_background(request), now=utcnow(), address=client_address()
    )
    if found is None:
        return None
    g.user_session = found.session
    if found.token:
        g.session_cookie = _Cookie(found.token, found.session.ends_at)
    return found.user


def _is_background(request: Request) -> bool:
    return BACKGROUND_HEADER in request.headers or request.path in BACKGROUND_PATHS


def _send_cookie(response: Response) -> Response:
    cookie: _Cookie | None = g.pop("session_cookie", None)
    if cookie is not None:
        _set(response, cookie_name(), cookie.value, cookie.ends_at if cookie.value else 0)
    if known := g.pop("known_cookie", ""):
        _set(response, KNOWN_COOKIE, known, utcnow() + KNOWN_FOR)
    return response


def _set(response: Response, name: str, value: str, expires: datetime | int | None) -> None:
    response.set_cookie(
        name,
        value,
        expires=expires,
        secure=wiring.current().settings.secure_cookies,
        httponly=True,
        samesite="Lax",
        path="/",
    )
