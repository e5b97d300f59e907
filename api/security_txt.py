"""/.well-known/security.txt: where weaknesses of this installation are reported, by RFC 9116."""

from datetime import timedelta

from flask import Blueprint, Response, abort

import wiring
from clock import utcnow

bp = Blueprint("security_txt", __name__)

PATH = "/.well-known/security.txt"
GOOD_FOR = timedelta(days=180)  # RFC 9116 wants less than a year


@bp.get(PATH)
def contact() -> Response:
    """Answer SECURITY_CONTACT with a date in half a year; nothing where it is not set."""
    settings = wiring.current().settings
    if not settings.security_contact:
        abort(404)
    expires = (utcnow() + GOOD_FOR).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = {
        "Contact": settings.security_contact,
        "Expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Canonical": settings.url + PATH,
    }
    text = "".join(f"{name}: {value}\n" for name, value in lines.items())
    return Response(text, content_type="text/plain; charset=utf-8")
