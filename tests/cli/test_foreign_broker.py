"""A server that is pointed at a Mosquitto it did not start."""

import json
import subprocess
import urllib.request

import pytest

from tests.mqtt.conftest import Speaker
from tests.stack import Stack, free_port, stack, until

PASSWORD = "violet-harbour-stands-41"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory):
    """Somebody's Mosquitto, which lets everybody in."""
    folder, port = tmp_path_factory.mktemp("theirs"), free_port()
    conf = folder / "mosquitto.conf"
    conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", str(conf)])
    yield port
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="module")
def pointed(broker: int, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("pointed")
    with stack(folder, MQTT_HOST="127.0.0.1", MQTT_PORT=str(broker)) as running:
        yield running


def call(running: Stack, method: str, path: str, token: str = "", body: dict | None = None):
    headers = {"Content-Type": "application/json"} | (
        {"Authorization": f"Bearer {token}"} if token else {}
    )
    request = urllib.request.Request(
        running.url + "/api/v1" + path,
        json.dumps(body).encode() if body else None,
        headers,
        method=method,
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def publish(port: int, topic: str, payload: str) -> None:
    subprocess.run(
        [
            "mosquitto_pub",
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-q",
            "1",
            "-t",
            topic,
            "-m",
            payload,
        ],
        check=True,
        timeout=30,
    )


def test_readings_and_commands_go_through_it(pointed: Stack, broker: int):
    added = pointed.flask("users", "add", "ana@example.org", "--password-stdin", stdin=PASSWORD)
    assert added.returncode == 0, added.stderr
    token = call(
        pointed, "POST", "/auth/token", body={"email": "ana@example.org", "password": PASSWORD}
    )["access_token"]
    made = call(pointed, "POST", "/devices", token, {"name": "Door", "kind": "lock"})
    assert (made["mqtt"]["host"], made["mqtt"]["port"]) == ("127.0.0.1", broker)

    publish(broker, made["mqtt"]["topics"]["telemetry"], '{"battery": 80.5}')
    found = until(
        lambda: call(pointed, "GET", f"/devices/{made['id']}/sensors", token)["items"], 10
    )
    assert found[0]["name"] == "battery"

    device = Speaker(broker, made["mqtt"]["username"], made["mqtt"]["password"])
    try:
        device.subscribe(made["mqtt"]["topics"]["commands"])
        sent = call(pointed, "POST", f"/devices/{made['id']}/commands", token, {"name": "unlock"})
        until(lambda: device.got)
        assert json.loads(device.got[0][1])["id"] == sent["id"]
    finally:
        device.close()


def test_its_broker_is_not_started_or_stopped_by_us(pointed: Stack):
    assert not (pointed.instance / "broker/pid").exists()
