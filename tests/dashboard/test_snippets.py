"""The programs that a new device is given, run as they are pasted."""

import json
import re
import shlex
import subprocess
import sys
import threading
import time

import paho.mqtt.client as mqtt
import pytest

from config import Settings
from dashboard import snippets
from db.models import Device, Kind
from tests.stack import free_port, until

PASSWORD = "pw'\"$1 \\x"  # worse than any that is made


@pytest.fixture
def broker(tmp_path):
    """A Mosquitto that lets anybody in; gives its port."""
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen(["mosquitto", "-c", config], stderr=subprocess.DEVNULL)
    yield port
    process.terminate()
    process.wait(10)


@pytest.fixture
def heard(broker):
    """What is published: topic -> payload, and a client to publish with."""
    messages = {}
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    ready = threading.Event()

    def connected(client, *_rest):
        client.subscribe("gatehouse/#", 1)

    client.on_connect = connected
    client.on_subscribe = lambda *_rest: ready.set()
    client.on_message = lambda _c, _u, message: messages.update({message.topic: message.payload})
    until(lambda: _connects(client, broker), what="the broker answers")
    client.loop_start()
    assert ready.wait(5)
    yield messages, client
    client.disconnect()
    client.loop_stop()


def _connects(client, port):
    try:
        return client.connect("127.0.0.1", port) == 0
    except OSError:
        return False


def login(port, kind=Kind.SENSOR, **settings):
    device = Device(name="x", kind=kind, controller_id="shed", mqtt_username="dabc")
    return snippets.login(Settings(mqtt_port=port, **settings), device, PASSWORD)


def test_the_command_line_publishes(broker, heard):
    messages, _client = heard
    subprocess.run(snippets.mosquitto(login(broker)), shell=True, check=True, timeout=20)

    topic = "gatehouse/shed/telemetry"
    assert until(lambda: messages.get(topic)) == b'{"temperature": 21.5}'


def test_the_python_program_publishes_and_answers(broker, heard):
    messages, client = heard
    program = subprocess.Popen(
        [sys.executable, "-c", snippets.python(login(broker, Kind.LOCK))],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert json.loads(until(lambda: messages.get("gatehouse/shed/telemetry"))) == {
            "temperature": 21.5
        }
        assert until(lambda: messages.get("gatehouse/shed/status")) == b"online"
        now = round(time.time() * 1000)
        for late, outcome in ((-1, "refused"), (60_000, "done")):
            command = {"id": str(late), "name": "unlock", "expires": now + late}
            client.publish("gatehouse/shed/commands", json.dumps(command), 1)
            answer = json.dumps({"id": str(late), "status": outcome}).encode()
            until(lambda answer=answer: messages.get("gatehouse/shed/commands/ack") == answer)
    finally:
        program.kill()
        program.communicate()
    assert until(lambda: messages["gatehouse/shed/status"] == b"offline"), "the last will"


def test_the_sketch_names_what_the_device_needs():
    sketch = snippets.arduino(login(1883, Kind.LOCK, mqtt_host="broker.example.org"))

    assert '#define BASE "gatehouse/shed"' in sketch
    assert 'mqtt.setServer("broker.example.org", 1883);' in sketch
    assert json.dumps(PASSWORD) in sketch
    assert sketch.count("{") == sketch.count("}")
    assert "onMessage" not in snippets.arduino(login(1883))


@pytest.mark.parametrize("tls", [False, True])
def test_tls_is_used_where_the_broker_has_it(tls):
    found = login(8883, mqtt_host="broker.example.org", mqtt_tls=tls)

    assert ("--tls-use-os-certs" in shlex.split(snippets.mosquitto(found))) == tls
    assert ("tls_set()" in snippets.python(found)) == tls
    assert ("WiFiClientSecure" in snippets.arduino(found)) == tls
    compile(snippets.python(found), "program", "exec")


def test_devices_are_sent_to_the_host_that_people_use():
    assert login(1883, app_url="https://home.example.org:8443").host == "home.example.org"
    assert login(1883, mqtt_host="10.0.0.7", app_url="https://x.example.org").host == "10.0.0.7"
    assert login(1883).host == "127.0.0.1"


def test_the_qr_code_is_a_picture_of_its_own():
    assert re.match(r"data:image/svg\+xml;charset=utf-8,%3Csvg", snippets.qr(login(1883)))
    assert snippets.qr(login(1883)) != snippets.qr(login(1884))
