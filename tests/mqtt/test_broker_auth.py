"""What EMQX and VerneMQ ask, in the form that their documentation gives."""

import pytest
from flask import Flask
from pydantic import SecretStr

import wiring
from api import broker_auth
from auth import keys
from clock import utcnow
from db.base import db
from db.models import User
from devices import registry
from mqtt.broker_http import HttpBroker
from mqtt.bus import MemoryBus
from tests.stack import free_port

TOKEN = {"Authorization": "Bearer broker-token"}


@pytest.fixture
def settings(settings):
    return settings.model_copy(
        update={
            "broker_auth_token": SecretStr("broker-token"),
            "mqtt_host": "127.0.0.1",
            "mqtt_port": free_port(),  # nobody is there: what is asked is answered all the same
            "mqtt_username": "gate",
            "mqtt_password": SecretStr("server-secret"),
            "mqtt_admin": "http",
        }
    )


@pytest.fixture
def made(context: Flask, settings):
    """A device, in a server that has the endpoint."""
    parts = wiring.Wiring(
        settings, keys.load(settings), None, MemoryBus(), None, HttpBroker(settings)
    )
    wiring.attach(context, parts)
    context.register_blueprint(broker_auth.bp)
    owner = User(email="o@example.org", email_typed="o@example.org", created_at=utcnow())
    db.session.add(owner)
    db.session.commit()
    return registry.create(
        "Door",
        "lock",
        by=owner,
        now=utcnow(),
        broker=parts.broker,
        keys=parts.keys,
        namespace="gatehouse",
    )


@pytest.fixture
def ask(made, context):
    """Asks as a broker does; answers status and JSON."""

    def post(path: str, body: dict, hook: str = "", headers=TOKEN):
        more = {"vernemq-hook": hook} if hook else {}
        answer = context.test_client().post(path, json=body, headers=headers | more)
        return answer.status_code, answer.get_json()

    return post


def login(made, **changes) -> dict:
    name = made.device.mqtt_username
    return {"username": name, "password": made.mqtt_password, "clientid": name} | changes


def test_emqx_lets_a_device_in_with_its_own_topics_and_nothing_else(ask, made):
    status, said = ask("/mqtt/auth", login(made))
    assert (status, said["result"], said["is_superuser"]) == (200, "allow", False)
    assert {
        "permission": "allow",
        "action": "subscribe",
        "topic": f"{made.topics}/commands",
    } in said["acl"]
    assert said["acl"][-1] == {"permission": "deny", "action": "all", "topic": "#"}


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "wrong"},
        {"password": ""},
        {"password": None},
        {"username": "nobody"},
        {"username": ["x"]},
        {"username": "a\0b"},
        {"clientid": "another"},
        {"clientid": None},
    ],
)
def test_emqx_is_told_to_deny_everybody_else(ask, made, changes):
    assert ask("/mqtt/auth", login(made, **changes)) == (200, {"result": "deny"})


@pytest.mark.parametrize(
    ("action", "rest", "result"),
    [
        ("publish", "telemetry", "allow"),
        ("publish", "commands", "deny"),
        ("subscribe", "commands", "allow"),
        ("subscribe", "#", "deny"),
        ("subscribe", "telemetry", "deny"),
    ],
)
def test_emqx_asks_about_each_topic(ask, made, action, rest, result):
    asked = {
        "username": made.device.mqtt_username,
        "topic": f"{made.topics}/{rest}",
        "action": action,
    }
    assert ask("/mqtt/acl", asked) == (200, {"result": result})


@pytest.mark.parametrize("version", ["", "_m5"])
def test_vernemq_registers_a_device(ask, made, version):
    name = made.device.mqtt_username
    asked = {
        "peer_addr": "192.0.2.1",
        "peer_port": 50000,
        "username": name,
        "password": made.mqtt_password,
        "mountpoint": "",
        "client_id": name,
    }
    hook = "auth_on_register" + version
    assert ask("/mqtt/auth", asked, hook) == (200, {"result": "ok"})
    refused = {"result": {"error": "not_allowed"}}
    assert ask("/mqtt/auth", asked | {"password": "wrong"}, hook) == (200, refused)
    assert ask("/mqtt/auth", asked | {"client_id": "x"}, hook) == (200, refused)


def test_vernemq_asks_before_a_publish(ask, made):
    asked = {
        "username": made.device.mqtt_username,
        "client_id": made.device.mqtt_username,
        "mountpoint": "",
        "qos": 1,
        "topic": f"{made.topics}/telemetry",
        "payload": "MjEuNQ==",
        "retain": False,
    }
    assert ask("/mqtt/acl", asked, "auth_on_publish") == (200, {"result": "ok"})
    asked["topic"] = "gatehouse/other/telemetry"
    answer = ask("/mqtt/acl", asked, "auth_on_publish")
    assert answer == (200, {"result": {"error": "not_allowed"}})


def test_vernemq_is_answered_filter_by_filter(ask, made):
    own, foreign = f"{made.topics}/commands", "gatehouse/#"
    asked = {
        "username": made.device.mqtt_username,
        "client_id": made.device.mqtt_username,
        "mountpoint": "",
        "topics": [{"topic": own, "qos": 1}, {"topic": foreign, "qos": 1}],
    }
    assert ask("/mqtt/acl", asked, "auth_on_subscribe") == (
        200,
        {"result": "ok", "topics": [{"topic": own, "qos": 1}, {"topic": foreign, "qos": 128}]},
    )
    asked["topics"] = [{"topic": foreign, "qos": 1}]
    assert ask("/mqtt/acl", asked, "auth_on_subscribe")[1] == {"result": {"error": "not_allowed"}}


def test_a_revoked_device_is_refused_from_then_on(ask, made):
    owner = db.session.query(User).one()
    registry.revoke(made.device, by=owner, now=utcnow(), broker=wiring.current().broker)
    assert ask("/mqtt/auth", login(made))[1] == {"result": "deny"}
    topic = {"username": made.device.mqtt_username, "topic": f"{made.topics}/telemetry"}
    assert ask("/mqtt/acl", topic | {"action": "publish"})[1] == {"result": "deny"}


def test_the_server_itself_may_do_everything(ask):
    server = {"username": "gate", "password": "server-secret", "clientid": "gate-listener"}
    assert ask("/mqtt/auth", server)[1] == {"result": "allow", "is_superuser": True}
    assert ask("/mqtt/auth", server | {"password": "x"})[1] == {"result": "deny"}
    asked = {"username": "gate", "topic": "gatehouse/c/commands", "action": "publish"}
    assert ask("/mqtt/acl", asked)[1] == {"result": "allow"}


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic Z2F0ZTp4"}]
)
def test_nobody_but_the_broker_is_answered(ask, made, headers):
    assert ask("/mqtt/auth", login(made), headers=headers) == (401, {"result": "deny"})


def test_a_broker_may_show_the_token_as_a_password(ask, made, context):
    answer = context.test_client().post(
        "/mqtt/auth", json=login(made), auth=("vernemq", "broker-token")
    )
    assert answer.get_json()["result"] == "allow"


def test_without_a_token_in_the_settings_nobody_is_answered(ask, made, context, settings):
    wiring.current().settings = settings.model_copy(update={"broker_auth_token": SecretStr("")})
    assert ask("/mqtt/auth", login(made), headers={"Authorization": "Bearer "})[0] == 401
