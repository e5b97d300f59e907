"""Commands over REST, with a device behind a real broker."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import select

from auth import repeats
from db.base import db
from db.models import Command
from tests.api.test_devices import add
from tests.api.test_errors import problem
from tests.mqtt.conftest import Speaker
from tests.stack import until


@pytest.fixture
def lock(running, program, settings):
    """Alice's lock, connected: what she adds, and its MQTT client."""
    alice = program()
    made = add(alice)
    device = Speaker(settings.mqtt_port, made["mqtt"]["username"], made["mqtt"]["password"])
    device.subscribe(made["mqtt"]["topics"]["commands"])
    yield alice, made, device
    device.close()


def test_a_command_reaches_the_device_and_its_answer_comes_back(lock):
    alice, made, device = lock
    path = f"/devices/{made['id']}/commands"

    sent = alice("POST", path, json={"name": "unlock"})

    assert sent.status_code == 202
    assert sent.json["state"] in {"queued", "sent", "delivered"}
    until(lambda: device.got)
    message = json.loads(device.got[0][1])
    assert (message["id"], message["name"]) == (sent.json["id"], "unlock")
    device.publish(
        made["mqtt"]["topics"]["ack"], json.dumps({"id": message["id"], "status": "done"})
    )
    shown = until(
        lambda: (
            found
            if (found := alice("GET", f"{path}/{sent.json['id']}").json)["state"] == "done"
            else None
        )
    )
    assert (shown["by"], shown["via"], shown["channel"]) == (alice.email, "owner", "api")
    log = alice("GET", f"/devices/{made['id']}/access-log").json
    assert [one["id"] for one in log["items"]] == [sent.json["id"]]


def test_the_same_key_asks_once(lock):
    alice, made, device = lock
    path = f"/devices/{made['id']}/commands"
    key = {"Idempotency-Key": "one-press"}

    first = alice("POST", path, json={"name": "unlock"}, headers=key)
    again = alice("POST", path, json={"name": "unlock"}, headers=key)
    alice("POST", path, json={"name": "lock"})

    assert first.json["id"] == again.json["id"]
    until(lambda: len(device.got) == 2)
    assert [json.loads(payload)["name"] for _, payload in device.got] == ["unlock", "lock"]


@pytest.mark.parametrize("lost", ["finish", "forget"])
def test_a_press_whose_answer_was_lost_is_not_carried_out_again(lock, monkeypatch, lost):
    """The server fails after the command went out, or ends before it can say so."""
    alice, made, device = lock
    path, key = f"/devices/{made['id']}/commands", {"Idempotency-Key": "one-press"}

    def fail(*_given, **_more):
        raise RuntimeError("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr(repeats, "finish", fail)
        if lost == "forget":
            broken.setattr(repeats, "forget", fail)
        assert alice("POST", path, json={"name": "unlock"}, headers=key).status_code == 500
        until(lambda: device.got)
    monkeypatch.setattr(repeats, "ABANDONED", timedelta(0))
    again = alice("POST", path, json={"name": "unlock"}, headers=key)
    alice("POST", path, json={"name": "lock"})

    assert again.json["id"] == json.loads(device.got[0][1])["id"]
    until(lambda: len(device.got) >= 2)
    assert [json.loads(payload)["name"] for _, payload in device.got] == ["unlock", "lock"]


def test_the_same_key_of_somebody_else_is_another_wish(lock, program):
    alice, made, device = lock
    bob = program()
    grant = {"email": bob("GET", "/me").json["email"], "level": "operator"}
    assert alice("POST", f"/devices/{made['id']}/grants", json=grant).status_code < 300
    path, key = f"/devices/{made['id']}/commands", {"Idempotency-Key": "1"}

    first = alice("POST", path, json={"name": "unlock"}, headers=key)
    second = bob("POST", path, json={"name": "lock"}, headers=key)

    assert first.json["id"] != second.json["id"]
    until(lambda: len(device.got) == 2)


def test_nobody_there_is_no_answer_at_once(running, program):
    alice = program()
    device = add(alice)["id"]

    sent = alice("POST", f"/devices/{device}/commands", json={"name": "unlock"})

    until(
        lambda: (
            alice("GET", f"/devices/{device}/commands/{sent.json['id']}").json["state"]
            == "no_answer"
        )
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "a b"},
        {"name": "unlock", "params": []},
        {"name": "unlock", "expires_in": 0},
        {"name": "unlock", "expires_in": 3600},
        {"name": "unlock", "params": {"x": "y" * 5000}},
    ],
    ids=["nothing", "empty", "space", "list", "at once", "hour", "large"],
)
def test_what_is_no_command_is_422_and_asks_nothing(server, program, body):
    alice = program()
    device = add(alice)["id"]

    problem(alice("POST", f"/devices/{device}/commands", json=body), 422)

    assert db.session.scalars(select(Command)).all() == []


def test_the_access_log_comes_in_pages(server, program):
    alice = program()
    device = add(alice)["id"]
    asked = [
        alice("POST", f"/devices/{device}/commands", json={"name": "unlock"}).json["id"]
        for _ in range(5)
    ]

    got, cursor = [], ""
    while cursor is not None:
        page = alice("GET", f"/devices/{device}/access-log?limit=2&cursor={cursor}").json
        got += [one["id"] for one in page["items"]]
        cursor = page["next"]

    assert got == asked[::-1]
