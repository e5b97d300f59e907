"""The REST interface and what devices call over HTTP."""

from importlib import import_module

from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter, Map, Rule

from api import errors, health
from api.routing import Operation

PREFIX = "/api/v1"
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE"]
RESOURCES = (
    "auth",
    "me",
    "devices",
    "registration",
    "device_tokens",
    "sensors",
    "readings",
    "commands",
    "guest_links",
    "grants",
    "share_tokens",
    "apps",
    "export",
    "admin",
    "docs",
)


class Key(BaseConverter):
    """A public id in an address; anything else in its place is not found."""

    regex = r"[A-Za-z0-9_-]{1,64}"


def init_app(server: Flask) -> list[Blueprint]:
    """Make a server answer programs; returns the blueprints, none of which looks at cookies."""
    server.url_map.converters["key"] = Key
    rest = Blueprint("api", __name__, url_prefix=PREFIX, template_folder="templates")
    errors.install(rest)
    operations: list[Operation] = []
    for name in RESOURCES:
        routes = import_module(f"api.{name}").routes
        routes.register(rest)
        operations += routes.operations
    server.extensions["gatehouse.api"] = operations
    known = _known(operations)

    @rest.route("/", methods=METHODS, defaults={"path": ""})
    @rest.route("/<path:path>", methods=METHODS)
    def elsewhere(path: str) -> Response:
        """Answer what no endpoint does in the shape of our errors."""
        allowed = set(known.bind("").allowed_methods(f"/{path}")) - {"OPTIONS"}
        if allowed and request.method not in allowed:
            raise MethodNotAllowed(sorted(allowed))
        raise NotFound

    rest.after_request(_headers)
    server.register_blueprint(rest)
    server.register_blueprint(health.bp)
    return [rest, health.bp]


def operations() -> list[Operation]:
    """Return every operation of the server whose context is active."""
    found: list[Operation] = current_app.extensions["gatehouse.api"]
    return found


def _known(operations: list[Operation]) -> Map:
    return Map(
        [Rule(one.rule, methods=[one.method], endpoint=one.rule) for one in operations],
        converters={"key": Key},
    )


def _headers(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
