"""docs/devices.md: every program in it is run against a whole running Gatehouse."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from edge import commands
from tests.stack import Stack, stack, until

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/devices.md").read_text()
BLOCKS = {
    name: (language, text)
    for name, language, text in re.findall(r"<!-- runs: (\w+) -->\n```(\w+)\n(.*?)```", PAGE, re.S)
}
EMAIL, PASSWORD, CLAIM = "owner@example.org", "nine lanterns over the quay", "claim-secret-of-tests"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A running installation with one owner."""
    with stack(tmp_path_factory.mktemp("devices"), CLAIM_SECRET=CLAIM) as running:
        added = running.flask("users", "add", EMAIL, "--password-stdin", stdin=PASSWORD + "\n")
        assert added.returncode == 0, added.stderr
        yield running


@pytest.fixture
def device(house):
    """Return how to add a device; the answer is the environment of its programs."""

    def add(name: str, kind: str) -> dict[str, str]:
        made = asked(house, "devices", {"name": name, "kind": kind})
        return environment(house) | {
            "DEVICE_ID": made["id"],
            "CONTROLLER_ID": made["controller_id"],
            "USERNAME": made["mqtt"]["username"],
            "PASSWORD": made["mqtt"]["password"],
            "COMMAND_KEY": made["command_key"],
            "TOKEN": made["token"],
        }

    return add


@pytest.fixture
def run(tmp_path):
    """Return how to start one of the page's programs; it is ended after the test."""
    started = []

    def start(name: str, env: dict[str, str]) -> subprocess.Popen:
        language, text = BLOCKS[name]
        program = [sys.executable, "-c", text] if language == "python" else ["bash", "-ec", text]
        started.append(
            subprocess.Popen(
                program, env={**os.environ, **env}, stdout=subprocess.PIPE, text=True, cwd=tmp_path
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def environment(house: Stack) -> dict[str, str]:
    return {"GATEHOUSE": house.url, "HOST": "127.0.0.1", "PORT": str(house.mqtt_port)}


def asked(house: Stack, path: str, body: dict) -> dict:
    """Ask the REST interface as the owner."""
    headers = {"Content-Type": "application/json"}
    if path != "auth/token":
        login = {"email": EMAIL, "password": PASSWORD}
        token = asked(house, "auth/token", login)["access_token"]
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(
        f"{house.url}/api/v1/{path}", json.dumps(body).encode(), headers, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def rows(file: Path, sql: str, *values: str) -> list[tuple]:
    with closing(sqlite3.connect(file)) as db:
        return db.execute(sql, values).fetchall()


def told(house: Stack, controller_id: str, sql: str) -> list[tuple]:
    """Ask what was stored of a device, whose id takes the place of the question mark."""
    app, telemetry = house.instance / "app.sqlite", house.instance / "telemetry.sqlite"
    found = rows(app, "SELECT id FROM device WHERE controller_id = ?", controller_id)
    return rows(telemetry, sql, str(found[0][0]))


def newest(house: Stack, controller_id: str) -> dict[str, float]:
    """Sensor -> newest value of a device, as it was stored."""
    sql = "SELECT name, value FROM series JOIN latest ON series_id = id WHERE device_id = ?"
    return dict(told(house, controller_id, sql))


def presence(house: Stack, controller_id: str) -> str:
    """What a device said of itself last."""
    return str(told(house, controller_id, "SELECT said FROM presence WHERE device_id = ?")[:1])


def state(house: Stack, command_id: str) -> str:
    return rows(
        house.instance / "app.sqlite", "SELECT state FROM command WHERE public_id = ?", command_id
    )[0][0]


def test_every_program_of_the_page_is_run_here():
    source = Path(__file__).read_text()

    assert all(re.search(rf'run\(\s*"{name}"', source) for name in BLOCKS)
    assert len(BLOCKS) == len(re.findall(r"```(?:sh|python)\n", PAGE)) - 2  # two only set names


def test_a_lock_gets_a_command_that_it_can_check(house, device, run):
    env = device("Front door", "lock")
    lock = run("lock", env)
    broker_log = house.instance / "broker/log"
    until(lambda: len(re.findall(rf"as {env['USERNAME']} ", broker_log.read_text())) == 2)
    until(lambda: asked(house, f"devices/{env['DEVICE_ID']}/commands", {"name": "unlock"}))

    said, _ = lock.communicate(timeout=20)
    now_ms = json.loads(said)["issued"]
    read = commands.read(said.encode(), key=env["COMMAND_KEY"], now_ms=now_ms)
    assert read.name == "unlock"
    until(lambda: state(house, read.id) == "no_answer")


def test_a_teaching_board_shows_its_lights_and_its_temperature(house, device, run):
    env = device("Class board", "led")
    run("class", env)

    until(lambda: {"led.kitchen", "led.garage"} <= {*newest(house, env["CONTROLLER_ID"])}, 20)
    assert newest(house, env["CONTROLLER_ID"])["temperature"] == 21.5


def test_a_gate_registers_is_claimed_and_answers(house, run):
    env = environment(house) | {"CLAIM_SECRET": CLAIM}
    registered = run("register", env)
    said, _ = registered.communicate(timeout=20)
    answer = json.loads(said)
    asked(house, "devices/claim", {"code": answer["claim"]["code"]})
    mqtt = answer["mqtt"]
    run(
        "gate",
        env
        | {"CONTROLLER_ID": "gate-7", "USERNAME": mqtt["username"], "PASSWORD": mqtt["password"]},
    )
    until(lambda: "online" in presence(house, "gate-7"), 20)
    sent = asked(house, f"devices/{answer['id']}/commands", {"name": "open"})

    until(lambda: state(house, sent["id"]) == "done")


def test_a_meter_sends_its_readings_over_http(house, device, run):
    env = device("Meter", "other")
    said, _ = run("meter", env).communicate(timeout=20)

    assert re.findall(r'"accepted":\s*(\d+)', said) == ["3", "2"]
    wanted = {"power.l1": 120.5, "power.l2": 64.0, "energy": 7281.4}
    until(lambda: newest(house, env["CONTROLLER_ID"]) == wanted)


def test_a_tasmota_plug_is_heard(house, device):
    """Published as the plug's firmware does with the settings of the page."""
    env = device("Plug", "other")
    settings = dict(
        part.strip().split(" ", 1) for part in re.search("Backlog (.*)", PAGE)[1].split(";")
    )
    base = settings["FullTopic"].replace("%topic%", env["CONTROLLER_ID"])
    topic = base.replace("%prefix%", settings["Prefix3"]) + "SENSOR"
    reading = {
        "Time": "2026-01-31T12:00:00",
        "ENERGY": {"TotalStartTime": "2026-01-01T00:00:00", "Total": 4.2, "Power": 12},
    }
    login = ["-h", env["HOST"], "-p", env["PORT"], "-u", env["USERNAME"], "-P", env["PASSWORD"]]
    said = ["-t", topic, "-q", "1", "-m", json.dumps(reading)]
    sent = subprocess.run(["mosquitto_pub", *login, *said])

    assert sent.returncode == 0
    until(lambda: newest(house, env["CONTROLLER_ID"]).get("SENSOR.ENERGY.Power") == 12)
