"""The REST interface and what devices call over HTTP."""

from collections.abc import Iterator
from importlib import import_module

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import BaseConverter, Map, Rule

from api import broker_auth, device_login, errors, health, security_txt
from api.routing import Operation, Routes

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
    "imports",
    "commands",
    "guest_links",
    "mappings",
    "proposals",
    "grants",
    "share_tokens",
    "apps",
    "files",
    "configs",
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
    for routes in resources():
        routes.register(rest)
    known = _known(operations())

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
    server.register_blueprint(security_txt.bp)
    server.register_blueprint(broker_auth.bp)
    server.register_blueprint(device_login.bp)
    return [rest, health.bp, security_txt.bp, broker_auth.bp, device_login.bp]


def resources() -> Iterator[Routes]:
    """Yield the endpoints of each resource, in the order of the document."""
    for name in RESOURCES:
        yield import_module(f"api.{name}").routes


def operations() -> list[Operation]:
    """Return every operation of the interface."""
    return [operation for routes in resources() for operation in routes.operations]


def _known(operations: list[Operation]) -> Map:
    return Map(
        [Rule(one.rule, methods=[one.method], endpoint=one.rule) for one in operations],
        converters={"key": Key},
    )


def _headers(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
