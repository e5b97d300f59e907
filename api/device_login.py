"""POST /device_login and /device_ping: how simple locks get what they need; see docs/protocol.md.

A GET with the password in the address is taken only while LEGACY_DEVICE_GET=1.
"""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, jsonify, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

import wiring
from auth.sessions import client_address
from clock import utcnow
from devices import handshake
from errors import AppError, Unavailable

bp = Blueprint("device_login", __name__)
METHODS = ["GET", "POST"]
SMALL = 4096  # bytes


class MethodNotAllowed(AppError):
    """A GET that the settings do not allow."""

    status, code = 405, "method_not_allowed"


@bp.route("/device_login", methods=METHODS)
def device_login() -> Response:
    """Log a device in with its MQTT user name or controller id and its MQTT password."""
    given = _given()
    basic = request.authorization
    if basic is not None and basic.type == "basic":
        given = {"name": basic.username, "password": basic.password}
    parts = wiring.current()
    told = handshake.login(
        _text(given, "name"),
        _text(given, "password"),
        now=utcnow(),
        address=client_address(),
        broker=parts.broker,
        publisher=parts.publisher,
        keys=parts.keys,
        bus=parts.bus,
        namespace=parts.settings.mqtt_namespace,
    )
    return jsonify(
        status="OK",
        token=told.token,
        topic=told.topic,
        trigger=told.trigger,
        lifesign=told.lifesign,
    )


@bp.route("/device_ping", methods=METHODS)
def device_ping() -> Response:
    """Publish the life sign of the device that shows its token."""
    parts = wiring.current()
    handshake.ping(
        _text(_given(), "token"),
        now=utcnow(),
        address=client_address(),
        publisher=parts.publisher,
        keys=parts.keys,
        namespace=parts.settings.mqtt_namespace,
    )
    return jsonify(status="OK")


@bp.errorhandler(AppError)
def refused(error: AppError) -> Response:
    """Answer in the two words that old firmware looks for."""
    return _error(error.status, error.code, getattr(error, "retry_after", None))


def away(_error: Exception) -> Response:
    """Say in the same shape that the database does not answer."""
    return refused(Unavailable())


for kind in wiring.DATABASE_AWAY:
    bp.register_error_handler(kind, away)


@bp.errorhandler(HTTPException)
def impossible(error: HTTPException) -> Response:
    """Answer what is wrong with the request itself in the same shape."""
    return _error(error.code or 500, (error.name or "error").lower().replace(" ", "_"))


@bp.after_request
def never_kept(response: Response) -> Response:
    """Keep secrets out of every cache on the way."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _given() -> Mapping[str, Any]:
    """Return what was sent: a form or a JSON object, or the query where that is allowed."""
    request.max_content_length = SMALL
    if request.method != "POST":
        if request.method != "GET" or not wiring.current().settings.legacy_device_get:
            raise MethodNotAllowed
        return request.args
    if request.is_json:
        sent = request.get_json(silent=True)
        return sent if isinstance(sent, dict) else {}
    return request.form


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    return value if isinstance(value, str) and value.isascii() and value.isprintable() else ""


def _error(status: int, code: str, retry_after: int | None = None) -> Response:
    response = jsonify(status="ERROR", error=code)
    response.status_code = status
    if status == 405:
        response.headers["Allow"] = "POST"
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response
