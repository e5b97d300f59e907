"""The interface described: as an OpenAPI document, and as a page to read."""

from functools import cache

import orjson
from flask import Response, render_template

import api
from api import openapi
from api.routing import Routes

routes = Routes("docs")
VERSION = "1"


@routes.get("/openapi.json", media=("application/json",))
def document() -> Response:
    """Return this document."""
    return Response(_document(), mimetype="application/json")


@routes.get("/docs", media=("text/html",))
def page() -> Response:
    """Return this document as a page; nothing on it is loaded from elsewhere."""
    return Response(_page(), mimetype="text/html")


@cache  # strangers may ask for it, and it takes a tenth of a second
def _document() -> bytes:
    return orjson.dumps(described())


@cache
def _page() -> str:
    return render_template("api_docs.html", api=described())


def described() -> openapi.Schema:
    """Return the OpenAPI document."""
    return openapi.document(api.operations(), version=VERSION)
