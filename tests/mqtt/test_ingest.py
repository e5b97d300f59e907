"""The way of a reading: a real broker, a real listener, a real database."""

import json
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest

import db.base
from clock import now_ms, utcnow
from db.models import Command, Device
from db.telemetry.records import Refusal
from db.telemetry.store import TelemetryStore
from devices.ports import LiveEvent
from mqtt.bus import MemoryBus
from mqtt.ingest import Ingest
from mqtt.mosquitto import server_login
from tests.db.limits import limit
from tests.stack import ROOT, until

ALWAYS = (0, 2**62)


def added(name="door", **more):
    """A device that the server knows."""
    with db.base.transaction() as session:
        device = Device(
            name=name,
            controller_id=name,
            mqtt_hash="",
            mqtt_seed="",
            command_seed="",
            created_at=utcnow(),
            **more,
        )
        session.add(device)
    db.base.db.session.refresh(device)
    return device


@pytest.fixture
def store(context):
    made = TelemetryStore(db.base.telemetry_engine())
    yield made
    made.close()


@pytest.fixture
def door(context):
    return added()


class Heard(list):
    """Live events as they come."""

    def of(self, kind):
        return [event.data for event in self if event.kind == kind]


@pytest.fixture
def bus():
    return MemoryBus()


@pytest.fixture
def events(bus):
    heard = Heard()
    bus.subscribe(heard.extend)
    return heard


@pytest.fixture
def settings(settings, request):
    """With the settings that a test names."""
    return settings.model_copy(update=getattr(request, "param", {}))


@pytest.fixture
def ingest(server, settings, store, bus, mosquitto, door):
    """Listener and writer, connected."""
    made = Ingest(server, settings, store, bus)
    made.start()
    until(lambda: made.health()["connected"], what="the listener is connected")
    yield made
    made.stop()


@pytest.fixture
def publish(settings, speak, mosquitto):
    """Publishes as a device would; returns when the broker has it."""
    speaker = speak(*server_login(settings, "publisher"))

    def to(rest, payload, *, device="door", retain=False):
        speaker.publish(f"gatehouse/{device}/{rest}", payload, retain=retain)

    return to


def values(store, device, sensor="value"):
    """All values of a sensor, in order of time."""
    for series in store.series([device.id])[device.id]:
        if series.name == sensor:
            return store.window(series.id, *ALWAYS)[1].tolist()
    return []


def refused(store, device):
    return {one.reason: one.count for one in store.refusals(device.id if device else 0)}


def test_a_house_in_which_nothing_happens_is_heard_all_the_same(
    server, settings, store, bus, mosquitto, monkeypatch
):
    """The broker's answers to pings count, or an idle server would call itself unready."""
    monkeypatch.setattr("mqtt.client.KEEPALIVE_S", 1)
    quiet = Ingest(server, settings, store, bus)
    quiet.start()
    try:
        until(lambda: quiet.health()["connected"])
        until(lambda: quiet.health()["up_s"] > 4)
        assert quiet.health()["last_traffic_age_s"] < 3
        assert quiet.health()["messages"] == 0
    finally:
        quiet.stop()


def test_a_reading_is_stored_and_told_at_once(ingest, publish, store, door, events):
    publish("telemetry/temperature", "21.5")

    until(lambda: events.of("reading"))
    (reading,) = events.of("reading")
    assert (reading["s"], reading["v"], reading["k"]) == ("temperature", 21.5, "number")
    (series,) = store.series([door.id])[door.id]
    assert store.newest([series.id])[series.id].ts_ms == reading["t"]
    assert values(store, door, "temperature") == [21.5]
    assert events.of("presence") == [{"state": "online", "seen": reading["t"]}]


def test_what_is_stored_is_acknowledged(ingest, publish, store, door, settings, mosquitto):
    for number in range(30):
        publish("telemetry", str(number))
    until(lambda: len(values(store, door)) == 30)
    ingest.stop()
    mosquitto.stop()  # writes down what it still has for the listener
    mosquitto.start()
    again = Ingest(ingest._server, settings, store, MemoryBus())
    again.start()
    until(lambda: again.health()["connected"])
    publish_after = again.health()["messages"]
    again.stop()

    assert publish_after == 0


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"not json", "bad_json"),
        (b"NaN", "not_finite"),
        (b"1e999", "not_finite"),
        (b"\xff\xfe", "not_utf8"),
        (b"", "bad_json"),
        (b"[" * 100_000, "too_large"),
        (b"[" * 60_000, "too_deep"),
        (b"x" * 1_000_000, "too_large"),
        (b'{"ts": "2099-01-01T00:00:00Z", "values": {"value": 1}}', "future"),
    ],
)
def test_what_cannot_be_used_is_counted_and_the_next_good_value_is_stored(
    ingest, publish, store, door, events, payload, reason
):
    publish("telemetry", payload)
    publish("telemetry", "21.5")

    until(lambda: values(store, door) == [21.5], what="the good value is stored")
    until(lambda: [event["reason"] for event in events.of("refused")] == [reason])
    assert refused(store, door) == {reason: 1}
    assert ingest.health()["refused"] == {reason: 1}


def test_a_message_of_nobody_known_is_counted_under_nobody(ingest, publish, store):
    publish("telemetry", "1", device="stranger")

    until(lambda: refused(store, None) == {"unknown_device": 1})
    (refusal,) = store.refusals(0)
    assert isinstance(refusal, Refusal)
    assert refusal.topic == "gatehouse/stranger/telemetry"


def test_a_device_that_is_added_later_is_heard_within_seconds(ingest, publish, store, bus):
    publish("telemetry", "1", device="later")
    until(lambda: refused(store, None))
    later = added("later")
    bus.publish([LiveEvent(later.public_id, "device", {"change": "created"})])

    publish("telemetry", "2", device="later")

    until(lambda: values(store, later) == [2.0])


@pytest.mark.parametrize("settings", [{"device_max_rate": 4.0}], indirect=True)
def test_a_flood_is_held_and_hurts_no_other_device(ingest, publish, store, door):
    other = added("other")
    for number in range(60):
        publish("telemetry", str(number))
    publish("telemetry", "1", device="other")

    until(lambda: values(store, other) == [1.0])
    stored = len(values(store, door))
    assert 20 <= stored < 40
    assert refused(store, door) == {"flood": 60 - stored}


@pytest.mark.parametrize("settings", [{"max_sensors_per_device": 3}], indirect=True)
def test_a_device_has_so_many_sensors_and_no_more(ingest, publish, store, door):
    publish("telemetry", '{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}')

    until(lambda: refused(store, door) == {"too_many_sensors": 2})
    assert [series.name for series in store.series([door.id])[door.id]] == ["a", "b", "c"]


def test_a_sensor_keeps_its_kind(ingest, publish, store, door):
    for payload in ("1.5", "true", '"text"'):
        publish("telemetry/a", payload)
    for payload in ("true", "0", "7"):
        publish("telemetry/b", payload)
    publish("telemetry/c", '"eco"')
    publish("telemetry/c", "7")

    until(lambda: refused(store, door) == {"wrong_kind": 3})
    until(lambda: store.newest([3]).get(3))
    assert values(store, door, "a") == [1.5]
    assert values(store, door, "b") == [1.0, 0.0]


def test_the_last_will_makes_a_device_offline_and_a_word_brings_it_back(
    ingest, publish, store, door, events
):
    publish("status", '{"firmware": "1.2"}')
    publish("status", "offline")
    publish("telemetry", "1")

    until(lambda: len(events.of("presence")) == 3)
    states = [event["state"] for event in events.of("presence")]
    assert states == ["online", "offline", "online"]
    row = store.presence([door.id])[door.id]
    assert (row.said, row.attributes) == ("online", {"firmware": "1.2"})


def test_a_kept_status_is_no_sign_of_life_and_a_kept_reading_is_not_taken_for_new(
    mosquitto, publish, server, settings, store, bus, door
):
    publish("status", "online", retain=True)
    publish("telemetry", "1", retain=True)
    publish("telemetry/a", '{"ts": 1790000000, "value": 2}', retain=True)
    ingest = Ingest(server, settings, store, bus)
    ingest.start()
    until(lambda: values(store, door, "a") == [2.0])
    until(lambda: door.id in store.presence([door.id]))
    ingest.stop()

    assert store.presence([door.id])[door.id].last_seen == 0
    assert values(store, door) == []


@pytest.fixture
def command(door):
    """An unlock that has reached the door."""
    with db.base.transaction() as session:
        made = Command(
            public_id="0b0e6c1e-1111-4222-8333-444455556666",
            device_id=door.id,
            actor="alice@example.org",
            via="page",
            idempotency_key="k",
            name="unlock",
            state="delivered",
            asked_at=utcnow(),
            expires_at=utcnow() + timedelta(seconds=4),
        )
        session.add(made)
    db.base.db.session.refresh(made)
    return made


def test_a_message_that_breaks_the_intake_does_not_take_others_with_it(
    ingest, publish, store, door, monkeypatch
):
    publish("telemetry", "0")
    until(lambda: values(store, door) == [0.0])
    take = ingest._writer._parts.intake.take

    def fragile(device, arrival, out):
        if arrival.payload == b"13":
            raise TypeError("unforeseen")
        take(device, arrival, out)

    monkeypatch.setattr(ingest._writer._parts.intake, "take", fragile)
    for value in ("12", "13", "14"):
        publish("telemetry", value)

    until(lambda: values(store, door) == [0.0, 12.0, 14.0])
    until(lambda: refused(store, door) == {"bad_value": 1})
    assert ingest.health()["failed"] == 1


def test_an_answer_reaches_its_command(ingest, publish, command, events):
    publish("commands/ack", f'{{"id": "{command.public_id}", "status": "done", "detail": "open"}}')

    until(lambda: events.of("command"))
    (event,) = events.of("command")
    assert (event["id"], event["state"]) == (command.public_id, "done")


def test_the_log_of_a_device_is_kept(ingest, publish, store, door):
    publish("log", "started\nready")

    until(lambda: [line.text for line in store.logs(door.id)] == ["started\nready"])


def test_the_broker_may_go_and_come_back(ingest, publish, mosquitto, store, door, speak, settings):
    publish("telemetry", "1")
    until(lambda: values(store, door) == [1.0])
    mosquitto.stop()
    until(lambda: not ingest.health()["connected"], what="the listener notices")
    mosquitto.start()

    speaker = speak(*server_login(settings, "publisher"))
    speaker.publish("gatehouse/door/telemetry", "2")

    until(lambda: values(store, door) == [1.0, 2.0], what="the listener is back")
    until(lambda: ingest.health()["connected"])


def test_while_the_database_is_away_nothing_is_acknowledged_and_then_all_is_stored(
    ingest, publish, store, door
):
    publish("telemetry", "0")
    until(lambda: values(store, door) == [0.0])
    engine = db.base.telemetry_engine()
    with engine.connect().execution_options(immediate=True) as connection, connection.begin():
        connection.exec_driver_sql("ALTER TABLE latest RENAME TO elsewhere")
    for number in range(1, 50):
        publish("telemetry", str(number))
    until(lambda: ingest.health()["database_away_s"] > 0.5)
    assert len(values(store, door)) == 1
    with engine.connect().execution_options(immediate=True) as connection, connection.begin():
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO latest")

    until(lambda: len(values(store, door)) == 50, what="everything is stored")
    assert sorted(values(store, door)) == [float(number) for number in range(50)]
    until(lambda: ingest.health()["database_away_s"] == 0)


EVERYTHING = [float(number) for number in range(2001)]  # more than fits into what is left


def fill(publish) -> None:
    """Publish all values but the first, in messages of 20 with times of their own."""
    begin = now_ms()
    for first in range(1, 2001, 20):
        batch = [{"ts": begin + n, "values": {"value": n}} for n in range(first, first + 20)]
        publish("telemetry", json.dumps(batch))


def test_while_the_disk_is_full_readings_wait_in_the_broker(ingest, publish, store, door):
    publish("telemetry", "0")
    until(lambda: values(store, door) == [0.0])
    limit(store, pages=1)  # not below what it has: it must not grow
    fill(publish)
    until(lambda: store.trouble == "disk_full" and ingest.health()["database_away_s"] > 0.3)
    assert len(values(store, door)) < len(EVERYTHING)

    limit(store, pages=2**31)

    until(lambda: values(store, door) == EVERYTHING)
    assert store.trouble == ""


def test_while_the_disk_is_full_answers_to_commands_come_through(
    ingest, publish, store, door, command, events
):
    publish("telemetry", "0")
    until(lambda: values(store, door) == [0.0])
    limit(store, pages=1)  # not below what it has: it must not grow
    fill(publish)
    until(lambda: ingest.health()["database_away_s"] > 0.3)

    publish("commands/ack", f'{{"id": "{command.public_id}", "status": "done"}}')

    until(lambda: [one["state"] for one in events.of("command")] == ["done"])
    assert ingest.health()["database_away_s"] > 0
    limit(store, pages=2**31)
    until(lambda: values(store, door) == EVERYTHING)
    assert [one["state"] for one in events.of("command")] == ["done"]


def test_a_listener_stopped_while_the_database_is_away_loses_nothing(
    ingest, publish, store, door, server, settings
):
    publish("telemetry", "0")
    until(lambda: values(store, door) == [0.0])
    engine = db.base.telemetry_engine()
    with engine.connect().execution_options(immediate=True) as connection, connection.begin():
        connection.exec_driver_sql("ALTER TABLE latest RENAME TO elsewhere")
    publish("telemetry", "1")
    until(lambda: ingest.health()["database_away_s"] > 0.1)
    ingest.stop()
    with engine.connect().execution_options(immediate=True) as connection, connection.begin():
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO latest")

    again = Ingest(server, settings, store, MemoryBus())
    again.start()
    until(lambda: values(store, door) == [0.0, 1.0])
    again.stop()


def test_a_failing_page_does_not_stop_the_readings(ingest, publish, store, door, bus):
    bus.subscribe(lambda events: 1 / 0)

    publish("telemetry", "1")
    publish("telemetry", "2")

    until(lambda: values(store, door) == [1.0, 2.0])


@pytest.fixture
def listening(settings, mosquitto, door):
    """Starts listening processes."""
    made = []

    def start(when="never"):
        command = [sys.executable, "-m", "tests.mqtt.listening"]
        command += [str(settings.instance_dir), str(settings.mqtt_port), when]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        made.append(process)
        assert process.stdout.readline() == b"connected\n"
        return process

    yield start
    for process in made:
        process.kill()
        process.communicate()


def test_a_killed_listener_loses_nothing_and_stores_nothing_twice(listening, publish, store, door):
    sent = []
    stop = threading.Event()

    def load():
        number = 0
        while not stop.is_set():
            publish("telemetry/a", str(number))  # without a time of its own
            publish("telemetry/b", f'{{"ts": {1_790_000_000_000 + number}, "value": {number}}}')
            sent.append(float(number))
            number += 1

    thread = threading.Thread(target=load, daemon=True)
    process = listening()
    thread.start()
    try:
        for _ in range(2):
            enough = len(values(store, door, "b")) + 50
            until(lambda enough=enough: len(values(store, door, "b")) > enough, 20)
            process.send_signal(signal.SIGKILL)
            process.wait()
            process = listening()
    finally:
        stop.set()
        thread.join()

    until(lambda: len(values(store, door, "a")) >= len(sent), 20, "everything is stored")
    until(lambda: len(values(store, door, "b")) >= len(sent), 20)
    assert sorted(values(store, door, "a")) == sent
    assert values(store, door, "b") == sent


def test_readings_stored_just_before_a_crash_are_recognised_when_they_come_again(
    listening, publish, store, door
):
    process = listening("stored")
    publish("telemetry", "7")
    assert process.wait(10) == 9
    assert values(store, door) == [7.0]

    listening("never")
    publish("telemetry", "8")

    until(lambda: 8.0 in values(store, door))
    assert values(store, door) == [7.0, 8.0]
