"""Where to go after the login: only to pages of this site."""

import re

from flask import current_app, request
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

HOME = "/"
# browsers read \ as / and drop tabs and line ends; //host leaves the site
OWN = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")


def after_login(wanted: str) -> str:
    """Return the page that was asked for if it is one of ours, else the dashboard."""
    if not OWN.fullmatch(wanted):
        return HOME
    path = wanted.partition("?")[0].partition("#")[0]
    try:
        current_app.url_map.bind_to_environ(request.environ).match(path, method="GET")
    except (RequestRedirect, HTTPException):
        return HOME
    return wanted
