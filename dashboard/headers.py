"""What every answer tells the browser: what may run in it, and what may be kept."""

from collections.abc import Callable

import dash
from flask import Response, request
from flask_wtf.csrf import generate_csrf

import wiring
from auth import sessions
from dashboard import callbacks

CSRF_COOKIE = "_csrf_token"  # Dash's renderer sends it back as X-CSRFToken
DASH_PAGES = ("/", "/<path:path>")  # Flask's endpoints of Dash's index

FIXED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def policy(app: dash.Dash) -> str:
    """Return the content security policy; all callbacks must be registered by now.

    Scripts: our own files and Dash's two inline ones, by hash; no eval.  Styles: Dash and Plotly
    write `<style>` elements and attributes, so these cannot be closed.
    """
    scripts = " ".join(app.csp_hashes())
    return "; ".join(
        [
            "default-src 'self'",
            f"script-src 'self' {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "worker-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )


def writer(app: dash.Dash) -> Callable[[Response], Response]:
    """Return an `after_request` function that completes every answer."""
    content_policy = policy(app)

    def complete(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", content_policy)
        for name, value in FIXED.items():
            response.headers.setdefault(name, value)
        if wiring.current().settings.secure_cookies:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        response.headers.setdefault("Cache-Control", "no-store")
        if request.endpoint in DASH_PAGES and response.status_code == 200:
            _complete_index(app, response)
        return response

    return complete


def _complete_index(app: dash.Dash, response: Response) -> None:
    if callbacks.page_at(app, request.path) is None:
        response.status_code = 404
    if sessions.signed_in() is not None:
        response.set_cookie(
            CSRF_COOKIE,
            generate_csrf(),
            secure=wiring.current().settings.secure_cookies,
            samesite="Strict",
        )
