"""Configurations reach their devices whatever was away, and lie nowhere else; real Mosquitto."""

import json
import math
from contextlib import contextmanager

import pytest

import wiring
from db.base import db
from db.models import Device, DeviceConfig, RetainedConfig, User
from devices import configs
from mqtt.mosquitto import Mosquitto
from tests.api.conftest import close, installation
from tests.api.test_devices import add
from tests.api.test_errors import problem
from tests.mqtt.conftest import Speaker
from tests.portal import at_work
from tests.stack import until


@pytest.fixture(scope="module")
def moody_house(tmp_path_factory):
    """A server whose broker is started and stopped by the tests."""
    server = installation(tmp_path_factory.mktemp("moody"))
    with at_work(server) as broker:
        yield server, broker
    close(server)


@pytest.fixture
def server(moody_house):
    with moody_house[0].app_context():
        yield moody_house[0]
        db.session.remove()


@pytest.fixture
def broker(moody_house):
    return moody_house[1]


@contextmanager
def away(broker: Mosquitto):
    """The broker is not there until the block ends."""
    broker.stop()
    publisher = wiring.current().publisher
    until(lambda: not publisher.connected, what="the server notices")
    yield
    broker.start()
    until(lambda: publisher.connected, what="the server is back")


@contextmanager
def device(settings, made: dict, controller_id: str = ""):
    """The device, connected and listening for its configuration; what it got."""
    speaker = Speaker(settings.mqtt_port, made["mqtt"]["username"], made["mqtt"]["password"])
    speaker.subscribe(f"gatehouse/{controller_id or made['controller_id']}/config")
    yield speaker
    speaker.close()


def push(alice, made: dict, **config) -> dict:
    answer = alice("PUT", f"/devices/{made['id']}/config", json={"config": config})
    assert answer.status_code == 200, answer.text
    return answer.json


def got(speaker: Speaker) -> dict:
    return json.loads(until(lambda: speaker.got, what="a configuration")[-1][1])


def versions(alice, made: dict) -> list[tuple[int, str, str]]:
    db.session.rollback()
    by = db.session.query(User).filter_by(email=alice.email).one()
    own = db.session.query(Device).filter_by(public_id=made["id"]).one()
    found = configs.history(own, by=by, store=wiring.current().store)
    return [(one.config.version, str(one.state), one.words) for one in found]


def test_what_was_pushed_while_the_broker_was_away_is_delivered_later(
    program, server, broker, settings
):
    alice = program()
    made = add(alice)
    with away(broker):
        assert push(alice, made, interval=3)["sent"] is False
        assert push(alice, made, interval=4)["version"] == 2
        assert [state for _, state, _ in versions(alice, made)] == ["waiting", "replaced"]

    until(lambda: versions(alice, made)[0][1] == "sent", what="the broker has it")
    with device(settings, made) as speaker:
        assert got(speaker) == {"interval": 4, "version": 2}


def test_a_broker_that_lost_everything_is_given_it_again(program, server, broker, settings):
    alice = program()
    made = add(alice)
    push(alice, made, interval=5)
    until(lambda: versions(alice, made)[0][1] == "sent")
    with away(broker):
        [kept] = settings.instance_dir.rglob("messages.db")
        kept.unlink()

    with device(settings, made) as speaker:
        assert got(speaker) == {"interval": 5, "version": 1}


def test_a_deleted_device_leaves_no_configuration(program, server, broker, settings):
    alice = program()
    made = add(alice)
    push(alice, made, secret="of the first owner")
    until(lambda: versions(alice, made)[0][1] == "sent")
    with away(broker):
        assert alice("DELETE", f"/devices/{made['id']}").status_code == 204
    until(lambda: not rows(made["controller_id"]), what="the topic is cleared")

    next_one = add(alice, "Next", controller_id=made["controller_id"])
    push(alice, next_one, interval=6)
    with device(settings, next_one) as speaker:
        assert got(speaker) == {"interval": 6, "version": 1}
        assert len(speaker.got) == 1


def test_a_device_that_moves_finds_it_at_its_new_topic_only(program, server, broker, settings):
    alice = program()
    made = add(alice)
    push(alice, made, interval=7)
    until(lambda: versions(alice, made)[0][1] == "sent")
    moved = f"{made['controller_id']}-moved"
    changed = alice("PATCH", f"/devices/{made['id']}", json={"controller_id": moved})
    assert changed.status_code == 200, changed.text

    with device(settings, made, moved) as speaker:
        assert got(speaker) == {"interval": 7, "version": 1}
    until(lambda: not rows(made["controller_id"]), what="the old topic is cleared")
    heir = add(alice, "Heir", controller_id=made["controller_id"])
    with device(settings, heir) as speaker:
        push(alice, heir, interval=8)
        assert got(speaker) == {"interval": 8, "version": 1}
        assert len(speaker.got) == 1


def test_the_words_of_the_device_stay_with_the_version(program, server, broker, settings):
    alice = program()
    made = add(alice)
    with device(settings, made) as speaker:
        for version, result in ((1, "pin 99 does not exist"), (2, "Applied"), (3, "")):
            push(alice, made, pin=version)
            say(speaker, made, version, result)
            until(lambda v=version: stored(made, v).reported_at is not None, what="it is kept")
        push(alice, made, pin=4)
        push(alice, made, pin=5)
        say(speaker, made, 5, "out of memory")
        until(lambda: stored(made, 5).reported_at is not None, what="it is kept")

    assert versions(alice, made) == [
        (5, "failed", "out of memory"),
        (4, "replaced", ""),
        (3, "received", ""),
        (2, "applied", "Applied"),
        (1, "failed", "pin 99 does not exist"),
    ]


def test_an_old_version_is_pushed_again_as_a_new_one(program, server, broker, settings):
    alice = program()
    made = add(alice)
    push(alice, made, pin=1)
    push(alice, made, pin=2)
    answer = alice("POST", f"/devices/{made['id']}/config/1/push")
    assert (answer.status_code, answer.json["version"]) == (200, 3), answer.text
    with device(settings, made) as speaker:
        assert got(speaker) == {"pin": 1, "version": 3}
    missing = alice("POST", f"/devices/{made['id']}/config/9/push")
    assert problem(missing, 404)["code"] == "config_not_found"
    [newest, *older] = alice("GET", f"/devices/{made['id']}/config/versions").json["items"]
    assert (newest["version"], newest["config"]) == (3, {"pin": 1})
    assert [one["version"] for one in older] == [2, 1]


def test_only_the_last_versions_are_kept(program, server, broker, monkeypatch):
    monkeypatch.setattr(configs, "KEPT", 3)
    alice = program()
    made = add(alice)
    for pin in range(5):
        push(alice, made, pin=pin)
    assert [version for version, _, _ in versions(alice, made)] == [5, 4, 3]


@pytest.mark.parametrize("body", [{"a": math.nan}, {"a": "\ud800"}], ids=["nan", "half"])
def test_what_cannot_be_sent_is_refused(program, server, body):
    alice = program()
    answer = alice("PUT", f"/devices/{add(alice)['id']}/config", json={"config": body})
    assert answer.status_code in {400, 422}, answer.text


def rows(controller_id: str) -> list[RetainedConfig]:
    db.session.rollback()
    return db.session.query(RetainedConfig).filter_by(controller_id=controller_id).all()


def stored(made: dict, version: int) -> DeviceConfig:
    db.session.rollback()
    return (
        db.session.query(DeviceConfig)
        .join(Device)
        .filter(Device.public_id == made["id"], DeviceConfig.version == version)
        .one()
    )


def say(speaker: Speaker, made: dict, version: int, result: str) -> None:
    said = {"online": True, "config_version": version, "config_result": result}
    speaker.publish(f"gatehouse/{made['controller_id']}/status", json.dumps(said))
