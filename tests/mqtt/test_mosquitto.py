import os
import signal
import socket
import stat

import psutil
import pytest

from mqtt import mosquitto as module
from mqtt.broker_config import QUEUE_BYTES, configuration
from mqtt.mosquitto import BrokerError, Mosquitto, folder_of, server_login
from tests.mqtt.conftest import listens
from tests.stack import free_port, until


def pid(settings) -> int:
    return int((folder_of(settings) / "pid").read_text())


def test_the_broker_runs_until_it_is_stopped(settings):
    broker = Mosquitto(settings)
    broker.start()
    assert listens(settings.mqtt_port)

    broker.stop()

    assert not listens(settings.mqtt_port)
    assert not (folder_of(settings) / "pid").exists()


def test_only_this_user_reads_the_brokers_files(settings, mosquitto):
    folder = folder_of(settings)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("passwords", "acl", "mosquitto.conf", "log", "server-listener.password"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name


@pytest.mark.parametrize(
    "line",
    [
        "allow_anonymous false",
        "use_username_as_clientid true",
        "max_queued_messages 0",
        "max_inflight_messages 0",
        "persistence true",
        "autosave_on_changes true",
        "autosave_interval 1000",
        "set_tcp_nodelay true",
    ],
)
def test_the_configuration_says_what_keeps_readings_safe(settings, line):
    assert line in configuration(settings, folder_of(settings)).splitlines()


def test_the_configuration_bounds_queues_and_messages(settings):
    text = configuration(settings, folder_of(settings))
    assert f"max_queued_bytes {QUEUE_BYTES}" in text
    size = int(text.partition("message_size_limit ")[2].split()[0])
    assert size > 1_048_576  # a message of 1 MB reaches the server, which counts it


def test_strangers_and_wrong_passwords_are_refused(settings, mosquitto, speak):
    username, password = server_login(settings, "listener")
    assert speak(username, password).is_in
    assert speak(username, "wrong").reason != 0
    assert speak("nobody", password).reason != 0
    assert speak("", "").reason != 0


def test_a_broker_left_by_a_killed_server_is_adopted(settings, mosquitto, speak):
    before = pid(settings)
    client = speak(*server_login(settings, "listener"))

    Mosquitto(settings).start()

    assert pid(settings) == before
    assert client.is_in


def test_a_broker_left_with_other_settings_is_replaced(settings, mosquitto):
    before = pid(settings)
    other = settings.model_copy(update={"mqtt_port": free_port()})

    fresh = Mosquitto(other)
    fresh.start()

    assert pid(settings) != before
    assert listens(other.mqtt_port)
    assert not listens(settings.mqtt_port)
    fresh.stop()


def test_a_stale_pid_of_another_program_is_not_taken_for_the_broker(settings):
    (folder_of(settings) / "pid").write_text(str(os.getpid()))
    broker = Mosquitto(settings)
    broker.start()
    assert pid(settings) != os.getpid()
    broker.stop()


def test_a_port_in_use_is_one_clear_line(settings):
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.mqtt_port))
        other.listen()
        with pytest.raises(BrokerError) as caught:
            Mosquitto(settings).start()
    text = str(caught.value)
    assert f"MQTT_PORT {settings.mqtt_port}" in text
    assert "another program has this port" in text
    assert "\n" not in text


def test_a_missing_mosquitto_is_one_clear_line(settings, monkeypatch):
    monkeypatch.setattr(module.shutil, "which", lambda *_, **__: None)
    with pytest.raises(BrokerError, match="mosquitto is missing"):
        Mosquitto(settings).start()


def test_a_configuration_that_mosquitto_refuses_is_told_with_its_reason(settings):
    broker = Mosquitto(settings)
    broker.start()
    broker.stop()
    (folder_of(settings) / "acl").write_text("nonsense here\n")
    with pytest.raises(BrokerError, match=r"mosquitto does not start: .*Error"):
        broker.start()


def test_a_broker_that_died_is_started_again(settings, mosquitto):
    before = pid(settings)
    os.kill(before, signal.SIGKILL)
    until(lambda: not listens(settings.mqtt_port))

    until(lambda: mosquitto.ensure_running() or listens(settings.mqtt_port))

    assert pid(settings) != before


def test_ensuring_a_running_broker_is_cheap_and_changes_nothing(settings, mosquitto):
    before = pid(settings)
    for _ in range(20):
        mosquitto.ensure_running()
    assert pid(settings) == before


def test_ctrl_c_in_the_terminal_does_not_reach_the_broker(settings, mosquitto):
    assert os.getsid(pid(settings)) != os.getsid(0)


def test_the_log_is_moved_aside_when_it_is_large(settings, mosquitto, monkeypatch):
    monkeypatch.setattr(module, "LOG_LIMIT", 10)
    folder = folder_of(settings)
    assert mosquitto.reload()
    assert (folder / "log.1").exists()
    until(lambda: (folder / "log").exists())


def test_reloading_a_broker_that_is_away_says_so(settings):
    assert not Mosquitto(settings).reload()


def test_retained_messages_survive_a_restart(settings, mosquitto, speak):
    topic = f"{settings.mqtt_namespace}/c/config"
    speak(*server_login(settings, "publisher")).publish(topic, "kept", retain=True)

    mosquitto.stop()
    mosquitto.start()

    listener = speak(*server_login(settings, "listener"))
    listener.subscribe(topic)
    until(lambda: listener.got == [(topic, b"kept")])


def test_the_server_accounts_may_do_only_what_they_are_for(settings, mosquitto, speak):
    ns = settings.mqtt_namespace
    logins = {role: server_login(settings, role) for role in module.ROLES}
    speak(*logins["listener"]).publish(f"{ns}/c/commands", "no", retain=True)
    speak(*logins["bus"]).publish(f"{ns}/c/commands", "no", retain=True)
    listener, bus, publisher = (speak(*logins[role]) for role in ("listener", "bus", "publisher"))
    for one in (listener, bus, publisher):
        one.subscribe("#")

    bus.publish(f"{ns}/$live/d", "live")
    publisher.publish(f"{ns}/c/commands", "yes")

    until(lambda: len(listener.got) >= 2)
    assert listener.got == [(f"{ns}/$live/d", b"live"), (f"{ns}/c/commands", b"yes")]
    assert bus.got == [(f"{ns}/$live/d", b"live")]
    assert publisher.got == []


def test_a_foreign_broker_is_reached_with_the_settings_login(settings):
    foreign = settings.model_copy(
        update={"mqtt_host": "broker.example.org", "mqtt_username": "gate", "mqtt_port": 8883}
    )
    assert module.endpoint(foreign) == ("broker.example.org", 8883)
    assert server_login(foreign, "listener")[0] == "gate"
    assert module.client_id(foreign, "listener") != module.client_id(foreign, "publisher")


@pytest.mark.parametrize(("bind", "reached"), [("0.0.0.0", "127.0.0.1"), ("::", "::1")])
def test_a_broker_open_to_the_network_is_reached_over_loopback(settings, bind, reached):
    wide = settings.model_copy(update={"mqtt_bind": bind})
    assert module.endpoint(wide)[0] == reached


def test_no_process_is_left(settings):
    broker = Mosquitto(settings)
    broker.start()
    number = pid(settings)
    broker.stop()
    assert not psutil.pid_exists(number)
