"""A device that seals everything, against a real broker and a real server."""

import hashlib
import json

import pytest
from sqlalchemy import select

from db.base import db
from db.models import AuditEvent, Device
from edge.client import DeviceClient
from edge.login import Login
from mqtt.sealing import Seal, stream
from tests.api.test_devices import add
from tests.api.test_files import BYTES, transfer, wanted
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
        asked = alice(
            "POST", path, json={"name": "set", "params": {"target": "heat", "value": number}}
        )
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


@pytest.fixture
def deaf(running, program, settings):
    """Alice, her device that has to seal, and all that is sent to it; it opens nothing itself."""
    alice = program()
    made = add(alice)
    alice("PATCH", f"/devices/{made['id']}", json={"sealed": True})
    speaker = Speaker(settings.mqtt_port, made["mqtt"]["username"], made["mqtt"]["password"])
    for rest in ("commands", "commands/sealed", "config", "files"):
        speaker.subscribe(f"gatehouse/{made['controller_id']}/{rest}")
    yield alice, made, speaker
    speaker.close()


def opened(made, heard: tuple[str, bytes]):
    """What is in an envelope on a topic."""
    topic, payload = heard
    return Seal(made["command_key"], topic).open_(payload, above=0)


def test_a_configuration_travels_sealed_and_stays_so(deaf, settings):
    alice, made, speaker = deaf
    alice("PUT", f"/devices/{made['id']}/config", json={"config": {"wifi": "secret"}})
    heard = until(lambda: speaker.got)[0]
    assert heard[0] == made["mqtt"]["topics"]["config"]
    assert b"secret" not in heard[1]
    inside = opened(made, heard)
    assert (inside.topic, json.loads(inside.payload)) == (
        "config",
        {"wifi": "secret", "version": 1},
    )
    speaker.close()

    later = Speaker(settings.mqtt_port, made["mqtt"]["username"], made["mqtt"]["password"])
    later.subscribe(made["mqtt"]["topics"]["config"])
    assert until(lambda: later.got)[0] == heard  # retained, with the same counter
    later.close()


def test_a_configuration_is_laid_anew_when_the_device_has_to_seal(running, program, settings):
    alice = program()
    made = add(alice)
    alice("PUT", f"/devices/{made['id']}/config", json={"config": {"wifi": "secret"}})
    speaker = Speaker(settings.mqtt_port, made["mqtt"]["username"], made["mqtt"]["password"])
    try:
        speaker.subscribe(made["mqtt"]["topics"]["config"])
        assert b"secret" in until(lambda: speaker.got)[0][1]
        alice("PATCH", f"/devices/{made['id']}", json={"sealed": True})
        until(lambda: len(speaker.got) == 2, what="the sealed one takes its place")
        assert b"secret" not in speaker.got[1][1]
        assert json.loads(opened(made, speaker.got[1]).payload)["wifi"] == "secret"
    finally:
        speaker.close()


def test_a_file_and_its_announcement_travel_sealed(deaf):
    alice, made, speaker = deaf
    content = b"the code of the safe is 4711\n" * 3_000
    announced = alice(
        "POST", f"/devices/{made['id']}/files", json=wanted(content, "download", "plan.txt")
    )
    alice("PUT", transfer(announced.json["url"]), data=content, headers=BYTES)
    heard = until(lambda: speaker.got)[0]
    assert heard[0] == made["mqtt"]["topics"]["commands"] + "/sealed"
    assert b"plan.txt" not in heard[1]
    inside = opened(made, heard)
    told = json.loads(inside.payload)
    assert (inside.topic, told["name"]) == ("files", "plan.txt")

    path, token = transfer(told["url"]), told["url"].rpartition("/")[2]
    start = alice("GET", path, headers={"Range": "bytes=0-40006"}).data
    rest = alice("GET", path, headers={"Range": "bytes=40007-"}).data
    assert content[:29] not in start + rest
    key = made["command_key"]
    plain = stream(key, token, start=0).update(start) + stream(key, token, start=40_007).update(
        rest
    )
    assert hashlib.sha256(plain).hexdigest() == told["sha256"]


def test_a_device_that_has_to_seal_announces_no_file_in_the_clear(deaf):
    alice, made, _ = deaf
    refused = alice(
        "POST",
        f"/devices/{made['id']}/files",
        json=wanted(b"log", "upload"),
        headers={"Authorization": f"Bearer {made['token']}"},
    )
    assert (refused.status_code, refused.json["error"]["code"]) == (403, "not_sealed")
