"""A device that seals everything, against a real broker and a real server."""

import json

import pytest
from sqlalchemy import select

from db.base import db
from db.models import AuditEvent, Device
from edge.client import DeviceClient
from edge.login import Login
from mqtt.sealing import Seal
from tests.api.test_devices import add
from tests.mqtt.conftest import Speaker
from tests.stack import until


@pytest.fixture
def gate(running, program):
    """Alice, what adding her gate answered, and the gate: it seals and obeys."""
    alice = program()
    made = add(alice)
    assert alice("PATCH", f"/devices/{made['id']}", json={"sealed": True}).json["sealed"]
    mqtt, heard = made["mqtt"], []
    client = DeviceClient(
        Login(
            made["controller_id"],
            mqtt["username"],
            mqtt["password"],
            port=mqtt["port"],
            command_key=made["command_key"],
        ),
        on_command=heard.append,
        sealed=True,
    )
    client.start()
    until(lambda: client.connected)
    yield alice, made, client, heard
    client.stop()


def sensors(alice, made):
    found = alice("GET", f"/devices/{made['id']}/sensors").json["items"]
    return {one["name"]: one["last_value"] for one in found}


def test_sealed_readings_arrive(gate):
    alice, made, client, _ = gate
    client.publish({"temperature": 21.5})
    until(lambda: sensors(alice, made).get("temperature") == 21.5)


def test_sealed_commands_are_carried_out_and_answered(gate):
    alice, made, client, heard = gate
    path = f"/devices/{made['id']}/commands"
    for number in (1, 2):
        asked = alice("POST", path, json={"name": "set", "params": {"value": number}})
        until(lambda number=number: len(heard) == number)
        client.answer(heard[-1], "done")
        until(
            lambda asked=asked: alice("GET", f"{path}/{asked.json['id']}").json["state"] == "done"
        )
    assert client.counters.commands == {"accepted": 2}


def test_nothing_of_a_command_is_in_the_clear(running, program, settings):
    alice = program()
    made = add(alice)
    alice("PATCH", f"/devices/{made['id']}", json={"sealed": True})
    mqtt = made["mqtt"]
    speaker = Speaker(settings.mqtt_port, mqtt["username"], mqtt["password"])
    try:
        for rest in ("commands", "commands/sealed"):
            speaker.subscribe(f"{mqtt['topics']['commands'].rsplit('/', 1)[0]}/{rest}")
        for _ in range(2):
            alice("POST", f"/devices/{made['id']}/commands", json={"name": "unlock"})
        until(lambda: len(speaker.got) == 2)
    finally:
        speaker.close()
    assert {topic for topic, _ in speaker.got} == {mqtt["topics"]["commands"] + "/sealed"}
    assert not any(b"unlock" in payload for _, payload in speaker.got)
    first, second = (json.loads(payload)["n"] for _, payload in speaker.got)
    assert first < second


def test_what_was_overheard_cannot_be_sent_again_or_changed(running, program, settings):
    alice = program()
    made = add(alice)
    mqtt = made["mqtt"]
    seal = Seal(made["command_key"], mqtt["topics"]["sealed"])
    speaker = Speaker(settings.mqtt_port, mqtt["username"], mqtt["password"])
    try:
        overheard = seal.seal("telemetry", {"temperature": 21.5}, n=1)
        for payload in (overheard, overheard, overheard.replace(b'"n":1', b'"n":2')):
            speaker.publish(mqtt["topics"]["sealed"], payload)
        until(lambda: sensors(alice, made) == {"temperature": 21.5})
        store = running.extensions["gatehouse"].store
        key = db.session.scalar(select(Device.id).where(Device.public_id == made["id"]))
        until(
            lambda: (
                {one.reason: one.count for one in store.refusals(key)}
                == {"replayed": 1, "not_authentic": 1}
            )
        )
    finally:
        speaker.close()


def test_a_device_that_has_to_seal_is_refused_and_counted_in_the_clear(gate, running, settings):
    alice, made, client, _ = gate
    client.stop()
    speaker = Speaker(settings.mqtt_port, made["mqtt"]["username"], made["mqtt"]["password"])
    try:
        speaker.publish(made["mqtt"]["topics"]["telemetry"], '{"temperature": 99}')
    finally:
        speaker.close()
    answer = alice("POST", f"/devices/{made['id']}/readings", json={"temperature": 98})
    assert (answer.status_code, answer.json["error"]["code"]) == (403, "not_sealed")

    key = db.session.scalar(select(Device.id).where(Device.public_id == made["id"]))
    store = running.extensions["gatehouse"].store
    until(lambda: {one.reason: one.count for one in store.refusals(key)} == {"not_sealed": 2})
    assert "temperature" not in sensors(alice, made)


def test_the_switch_is_written_down(program):
    alice = program()
    made = add(alice)
    alice("PATCH", f"/devices/{made['id']}", json={"sealed": True})
    line = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "device.update")).one()
    assert (line.object_id, line.detail["fields"]) == (made["id"], ["sealed"])
