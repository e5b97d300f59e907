"""POST /mqtt/auth and /mqtt/acl: a broker asks who may come in and who may do what.

For EMQX (HTTP authenticator and authorizer, JSON) and VerneMQ (webhooks, told by the header
`vernemq-hook`).  Only a broker that shows BROKER_AUTH_TOKEN is answered, as a bearer token or as
the password of HTTP Basic.
"""

import secrets
from typing import Any

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

import wiring
from devices import broker_access
from devices.ports import BrokerIdentity
from mqtt.decide import READ, WRITE, Action, decide, of_device

bp = Blueprint("broker_auth", __name__, url_prefix="/mqtt")
HOOK = "vernemq-hook"
REFUSED = 128  # as the QoS of a subscription
VERBS = {READ: "subscribe", WRITE: "publish"}

DENY_THE_REST = {"permission": "deny", "action": "all", "topic": "#"}

Question = dict[str, Any]


@bp.before_request
def only_the_broker() -> tuple[Response, int] | None:
    """Answer nobody else; without a token in the settings, nobody at all."""
    wanted = wiring.current().settings.broker_auth_token.get_secret_value()
    shown = ""
    if given := request.authorization:
        shown = given.token or given.password or ""
    if wanted and secrets.compare_digest(shown.encode(), wanted.encode()):
        return None
    return jsonify({"result": "deny"}), 401


@bp.post("/auth")
def auth() -> Response:
    """Answer whether a client may come in; EMQX is told its rights in the same answer."""
    asked = _asked()
    username, password = _text(asked, "username"), _text(asked, "password")
    client_id = _text(asked, "client_id") or _text(asked, "clientid")
    if _is_server(username):
        right = secrets.compare_digest(password.encode(), _server_password().encode())
        return _verdict(right, is_superuser=right)
    identity = broker_access.login(username, password)
    if identity is None or client_id != username:  # nobody takes over a session by its id
        return _verdict(False)
    namespace = wiring.current().settings.mqtt_namespace
    rules = [
        {"permission": "allow", "action": VERBS[grant.action], "topic": grant.filter}
        for grant in of_device(identity, namespace)
    ]
    return _verdict(True, is_superuser=False, acl=[*rules, DENY_THE_REST])


@bp.post("/acl")
def acl() -> Response:
    """Answer whether a client may publish or subscribe."""
    asked = _asked()
    username = _text(asked, "username")
    server = _is_server(username)
    identity = None if server else broker_access.known(username)
    if request.headers.get(HOOK, "").startswith("auth_on_subscribe"):
        return _subscriptions(asked, server, identity)
    publishes = HOOK in request.headers or _text(asked, "action") == "publish"
    action = WRITE if publishes else READ
    return _verdict(server or _may(identity, action, _text(asked, "topic")))


def _subscriptions(asked: Question, server: bool, identity: BrokerIdentity | None) -> Response:
    """Answer VerneMQ filter by filter."""
    wanted = asked.get("topics")
    answered = [
        {
            "topic": topic,
            "qos": one.get("qos", 0) if server or _may(identity, READ, topic) else REFUSED,
        }
        for one in (wanted if isinstance(wanted, list) else [])
        if isinstance(one, dict) and (topic := _text(one, "topic"))
    ]
    if all(one["qos"] == REFUSED for one in answered):
        return _verdict(False)
    return jsonify({"result": "ok", "topics": answered})


def _may(identity: BrokerIdentity | None, action: Action, topic: str) -> bool:
    if identity is None:
        return False
    return decide(identity, action, topic, namespace=wiring.current().settings.mqtt_namespace)


def _asked() -> Question:
    asked = request.get_json(silent=True)
    return asked if isinstance(asked, dict) else request.form.to_dict()


def _text(asked: Question, name: str) -> str:
    value = asked.get(name)
    return value if isinstance(value, str) and "\0" not in value else ""


def _is_server(username: str) -> bool:
    return bool(username) and username == wiring.current().settings.mqtt_username


def _server_password() -> str:
    return wiring.current().settings.mqtt_password.get_secret_value()


def _verdict(allowed: bool, **more: Any) -> Response:
    if HOOK in request.headers:
        return jsonify({"result": "ok" if allowed else {"error": "not_allowed"}})
    return jsonify({"result": "allow" if allowed else "deny", **(more if allowed else {})})
