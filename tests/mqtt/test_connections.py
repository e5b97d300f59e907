"""Who is connected, as the broker's log tells: the one thing that makes a command delivered."""

import contextlib
import socket

import pytest

from mqtt.brokerlog import MosquittoLog
from mqtt.mosquitto import folder_of, server_login
from mqtt.publisher import MqttPublisher
from tests.stack import until

USER = "server-listener"  # an account that every broker of ours has


@pytest.fixture
def log(settings) -> MosquittoLog:
    return MosquittoLog(settings)


@pytest.fixture
def come(settings, speak):
    """Connects the user, as one whose session stays."""
    return lambda: speak(*server_login(settings, "listener"), clean_session=False)


def test_who_comes_and_goes_is_known_at_once(mosquitto, log, come):
    assert log.is_connected(USER) is False
    for _ in range(5):
        speaker = come()
        assert log.is_connected(USER) is True
        speaker.close()
        until(lambda: log.is_connected(USER) is False)


def test_who_is_replaced_by_another_connection_is_there(mosquitto, log, come):
    first = come()
    come()
    until(first.ended.is_set)
    assert log.is_connected(USER) is True


def test_who_vanishes_without_a_word_is_gone(mosquitto, log, come):
    wire = come()._client.socket()
    assert log.is_connected(USER) is True
    wire.shutdown(socket.SHUT_RDWR)
    until(lambda: log.is_connected(USER) is False)


def test_a_wrong_password_for_who_is_there_changes_nothing(mosquitto, log, come, speak):
    speaker = come()
    assert not speak(USER, "wrong").is_in
    assert speaker.is_in
    assert log.is_connected(USER) is True


@pytest.mark.parametrize("killed", [True, False])
def test_with_the_broker_all_are_gone_until_they_come_back(mosquitto, log, come, killed):
    come()
    assert log.is_connected(USER) is True
    if killed:
        mosquitto._process.kill()
        mosquitto._process.wait(10)
    else:
        mosquitto.stop()
    mosquitto.start()
    assert log.is_connected(USER) is False
    come()
    assert log.is_connected(USER) is True


def test_a_log_that_is_moved_aside_is_followed(settings, mosquitto, log, come):
    path = folder_of(settings) / "log"
    speaker = come()
    assert log.is_connected(USER) is True
    path.replace(path.with_name("log.1"))
    speaker.close()  # the broker goes on writing where it was
    assert mosquitto.reload()
    until(path.exists)
    assert log.is_connected(USER) is False
    come()
    assert log.is_connected(USER) is True
    assert MosquittoLog(settings).is_connected(USER) is True  # another process looks at both


def test_what_the_log_does_not_hold_any_more_is_not_known(settings, mosquitto, log, come):
    path = folder_of(settings) / "log"
    come()
    assert log.is_connected(USER) is True
    for _ in range(2):
        path.replace(path.with_name("log.1"))
        assert mosquitto.reload()
        until(path.exists)
    path.with_name("log.1").unlink()
    assert log.is_connected(USER) is None
    assert MosquittoLog(settings).is_connected("somebody") is None
    come()
    assert log.is_connected(USER) is True


def test_a_line_that_is_half_written_is_read_when_it_is_whole(settings, mosquitto, log):
    path = folder_of(settings) / "log"
    assert log.is_connected("d1") is False
    whole = "1: New client connected from 192.0.2.1:1 as d1 (p2, c0, k30, u'd1').\n"
    for part in (whole[:30], whole[30:]):
        assert log.is_connected("d1") is False
        with path.open("a") as file:
            file.write(part)
    assert log.is_connected("d1") is True


def test_of_a_foreign_broker_nobody_knows(settings):
    made = MqttPublisher(settings.model_copy(update={"mqtt_host": "broker.example.org"}))
    assert made.is_connected(USER) is None


def test_what_a_dead_network_holds_back_is_dropped_soon(settings, mosquitto):
    made = MqttPublisher(settings)
    made.start()
    until(lambda: made.connected)
    with contextlib.closing(made._client.socket().dup()) as wire:
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 2000
    made.stop()
