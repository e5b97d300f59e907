"""The interface described: as an OpenAPI document, and as a page to read."""

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
    return Response(orjson.dumps(described()), mimetype="application/json")


@routes.get("/docs", media=("text/html",))
def page() -> Response:
    """Return this document as a page; nothing on it is loaded from elsewhere."""
    return Response(render_template("api_docs.html", api=described()), mimetype="text/html")


def described() -> openapi.Schema:
    """Return the OpenAPI document."""
    return openapi.document(api.operations(), version=VERSION)
