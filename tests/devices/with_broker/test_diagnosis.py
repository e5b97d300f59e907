"""Each mistake that people make with a new device is named within three seconds."""

from datetime import timedelta

import pytest

from clock import now_ms, utcnow
from db.base import db
from db.telemetry.store import TelemetryStore
from devices import diagnosis
from devices.ports import NoBrokerLog
from mqtt.broker_config import configuration
from mqtt.brokerlog import MosquittoLog
from mqtt.ingest import Ingest
from mqtt.mosquitto import folder_of
from tests.stack import until


@pytest.fixture
def store():
    return TelemetryStore(db.engines["telemetry"])


@pytest.fixture
def ingest(server, house, store):
    """The way in, running."""
    made = Ingest(server, house.settings, store, house.bus)
    made.start()
    until(lambda: made.health()["connected"])
    yield made
    made.stop()


@pytest.fixture
def log(house):
    made = MosquittoLog(house.settings, linger_s=1.0)
    yield made
    until(lambda: made._watcher is None)


@pytest.fixture
def asked(house, owner, store, log):
    """Asks as the waiting page does; the page has been open for a moment."""
    made = house.device(owner, "Greenhouse", "sensor")
    since = utcnow()

    def ask(now=None):
        return diagnosis.problems(
            made.device, since=since, now=now or utcnow(), store=store, brokerlog=log
        )

    ask()
    until(lambda: "log_type debug" in (folder_of(house.settings) / "mosquitto.conf").read_text())
    assert house.mosquitto.reload()
    return made, ask


def named(ask, code: str) -> diagnosis.Problem:
    """The problem of this code, which must be there within three seconds."""
    return until(lambda: next((one for one in ask() if one.code == code), None), what=code)


def test_a_wrong_password_is_named(house, asked):
    made, ask = asked
    house.connect(made.device.mqtt_username, "wrong")
    found = named(ask, "wrong_password")
    assert found.sample == "127.0.0.1"
    assert "password" in found.text


def test_a_wrong_user_name_is_named(house, asked):
    made, ask = asked
    house.connect("greenhouse", made.mqtt_password)
    assert "user name" in named(ask, "wrong_password").text


def test_a_login_that_works_ends_the_complaint_about_the_password(house, asked):
    made, ask = asked
    house.connect(made.device.mqtt_username, "wrong")
    named(ask, "wrong_password")
    house.connect(made.device.mqtt_username, made.mqtt_password)
    until(lambda: ask() == [])


@pytest.mark.parametrize(
    "topic", ["gatehouse/someone-else/telemetry", "temperature", "Gatehouse/x/telemetry", "it's/it"]
)
def test_a_topic_that_is_not_its_own_is_named(house, asked, topic):
    made, ask = asked
    house.connect(made.device.mqtt_username, made.mqtt_password).publish(topic, "21.5")
    assert named(ask, "wrong_topic").sample == topic


def test_a_misspelt_topic_below_its_own_is_named(house, asked):
    made, ask = asked
    topic = f"{made.topics}/telemetri"
    house.connect(made.device.mqtt_username, made.mqtt_password).publish(topic, "21.5")
    assert named(ask, "wrong_topic").sample == topic


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b'{"temperature": 21.5', "bad_json"),
        (b"\xff\xfe21.5", "not_utf8"),
        (b'{"ts": 4102444800, "values": {"t": 1}}', "clock_off"),
        (b'"' + b"x" * 70_000 + b'"', "too_large"),
        (b'"' + b"x" * 1_048_576 + b'"', "too_large"),
    ],
)
def test_what_is_wrong_with_a_payload_is_named(house, asked, ingest, payload, code):
    made, ask = asked
    speaker = house.connect(made.device.mqtt_username, made.mqtt_password)
    speaker.publish(f"{made.topics}/telemetry", payload)
    assert named(ask, code).sample


def test_more_than_the_broker_carries_is_named(house, asked):
    made, ask = asked
    speaker = house.connect(made.device.mqtt_username, made.mqtt_password)
    speaker.publish(f"{made.topics}/telemetry", b"x" * 2_000_000)
    assert named(ask, "too_large").sample == "2000000"


def test_without_a_close_look_a_refused_topic_is_known_but_not_which(house, owner, log):
    made = house.device(owner)
    since = now_ms() // 1000 * 1000
    house.connect(made.device.mqtt_username, made.mqtt_password).publish("elsewhere", "1")
    until(
        lambda: (
            ("topic_refused", "")
            in [(one.what, one.sample) for one in log.notes(made.device.mqtt_username, since)]
        ),
        3,
    )


def test_mistakes_of_other_devices_are_not_shown(house, owner, asked):
    _, ask = asked
    other = house.device(owner, "Other")
    house.connect(other.device.mqtt_username, other.mqtt_password).publish("elsewhere", "1")
    mine = house.connect(*[asked[0].device.mqtt_username, asked[0].mqtt_password])
    mine.publish("mine", "1")
    assert named(ask, "wrong_topic").sample == "mine"
    assert len(ask()) == 1


def test_silence_is_told_after_a_while(house, asked):
    made, ask = asked
    assert ask() == []
    later = utcnow() + timedelta(seconds=31)
    assert [one.code for one in ask(later)] == ["nothing_yet"]
    house.connect(made.device.mqtt_username, made.mqtt_password)
    until(lambda: "connected" in ask(later)[0].text)


def test_everything_is_logged_only_while_somebody_waits(house, log):
    conf = folder_of(house.settings) / "mosquitto.conf"
    assert conf.read_text() == configuration(house.settings, folder_of(house.settings))
    log.watch()
    until(
        lambda: (
            conf.read_text() == configuration(house.settings, folder_of(house.settings), debug=True)
        ),
        3,
    )
    until(lambda: conf.read_text() == configuration(house.settings, folder_of(house.settings)))


def test_much_traffic_ends_the_close_look(house, log, monkeypatch):
    monkeypatch.setattr("mqtt.brokerlog.MOST_LOGGED", 1000)
    conf = folder_of(house.settings) / "mosquitto.conf"
    log._linger_s = 30
    log.watch()
    until(lambda: "log_type debug" in conf.read_text())

    def publish_and_look() -> bool:
        house.publisher.publish("gatehouse/c/commands", b"x")
        return "log_type debug" not in conf.read_text()

    until(publish_and_look)
    log.watch()
    assert log._watcher is None


def test_a_long_wait_does_not_keep_the_close_look(house, owner, store, log):
    device = house.device(owner).device
    long_ago = utcnow() - timedelta(hours=1)
    diagnosis.problems(device, since=long_ago, now=utcnow(), store=store, brokerlog=log)
    assert log._watcher is None


def test_a_log_that_was_moved_aside_is_read_from_its_start(house, owner, log):
    device = house.device(owner).device
    since = now_ms() // 1000 * 1000
    log.notes(device.mqtt_username, since)
    house.connect(device.mqtt_username, "wrong")
    until(lambda: log.notes(device.mqtt_username, since))
    path = folder_of(house.settings) / "log"
    path.replace(path.with_name("log.1"))
    assert house.mosquitto.reload()
    house.connect("nobody", "wrong")
    until(lambda: len(log.notes(device.mqtt_username, since)) >= 2)


def test_of_a_foreign_broker_only_refused_payloads_are_known(house, owner, store, ingest):
    made = house.device(owner)
    since = utcnow()
    speaker = house.connect(made.device.mqtt_username, made.mqtt_password)
    speaker.publish(f"{made.topics}/telemetry", "{")

    def ask():
        return diagnosis.problems(
            made.device, since=since, now=utcnow(), store=store, brokerlog=NoBrokerLog()
        )

    assert until(ask)[0].code == "bad_json"
