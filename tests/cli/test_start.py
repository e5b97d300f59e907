"""What a start puts right by itself."""

import json
import signal
import urllib.request
from pathlib import Path

from tests.mqtt.conftest import Speaker
from tests.stack import Stack, stack, until


def asked(made: Stack, path: str, token: str = "", **body: str) -> dict:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(
        f"{made.url}/api/v1{path}", json.dumps(body).encode(), headers, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def lets_in(made: Stack, mqtt: dict[str, str]) -> bool:
    speaker = Speaker(made.mqtt_port, mqtt["username"], mqtt["password"])
    try:
        return speaker.is_in
    finally:
        speaker.close()


def test_a_broker_that_lost_its_files_knows_the_devices_after_the_start(tmp_path: Path):
    with stack(tmp_path) as made:
        person = {"email": "alice@example.org", "password": "long copper kettle"}
        made.flask("users", "add", person["email"], "--password-stdin", stdin=person["password"])
        token = asked(made, "/auth/token", **person)["access_token"]
        mqtt = asked(made, "/devices", token, name="Shed", kind="sensor")["mqtt"]
        assert lets_in(made, mqtt)
        made.stop(signal.SIGTERM)
        for name in ("passwords", "acl"):
            (made.instance / "broker" / name).unlink()

        made.start()

        until(lambda: lets_in(made, mqtt), what="the device is let in")
        assert not lets_in(made, mqtt | {"password": "another"})
