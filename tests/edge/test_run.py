"""A configured device at work, and the check of its configuration."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.edge.conftest import KEY, command
from tests.stack import until

ROOT = Path(__file__).resolve().parents[2]
NAME = "device-0"


@pytest.fixture
def config(broker, tmp_path):
    """Return how to write a configuration file."""
    (tmp_path / "28-1").mkdir()
    slave = tmp_path / "28-1/w1_slave"
    slave.write_text("crc=57 YES\nt=21500\n")

    def write(**changes: str) -> Path:
        text = f"""
            [login]
            controller_id = "{NAME}"
            username = "{NAME}"
            password = "{changes.get("password", "secret")}"
            command_key = "{KEY}"
            port = {changes.get("port", broker.port)}
            [client]
            state_dir = "{changes.get("state_dir", tmp_path / "state")}"
            firmware = "test 1"
            [[sensor]]
            name = "water"
            driver = "ds18b20"
            folder = "{tmp_path}"
            every_s = 0.2
            [[output]]
            name = "led.garage"
            driver = "simulated"
            [[output]]
            name = "door"
            driver = "simulated"
            pulse_s = 0.2
        """
        file = tmp_path / "edge.toml"
        file.write_text(text)
        return file

    write.slave = slave
    return write


@pytest.fixture
def edge():
    """Return how to start `python -m edge`; it is ended after the test."""
    started = []

    def start(*arguments: object) -> subprocess.Popen:
        started.append(
            subprocess.Popen([sys.executable, "-m", "edge", *map(str, arguments)], cwd=ROOT)
        )
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.wait()


def checked(file: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "edge", "check", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def waiting(buffer: Path) -> int:
    """How many rows wait in the file of a running device."""
    with closing(sqlite3.connect(buffer)) as db:
        return db.execute("SELECT count(*) FROM outbox").fetchone()[0]


def test_a_device_reads_switches_opens_and_ends_politely(server, config, edge):
    process = edge("run", config())
    until(lambda: server.readings(NAME))
    assert server.readings(NAME)[0]["values"] == {"water": 21.5}
    assert json.loads(server.on(NAME, "status")[1]) == {"online": True, "firmware": "test 1"}

    asked = [
        command("on", params={"target": "led.garage"}),
        command("set", number=2, params={"target": "led.garage", "value": False}),
        command("unlock", number=3),
        command("open", number=4, params={"target": "door"}),
        command("unlock", number=5, params={"target": "led.garage"}),
        command("on", number=6, params={"target": "door"}),
        command("set", number=7, params={"target": "led.garage", "value": "maybe"}),
        command("dance", number=8),
    ]
    for message in asked:
        server.say(NAME, message)
    until(lambda: len(server.acks(NAME)) == len(asked))
    outcomes = {ack["id"][-1]: ack["status"] for ack in server.acks(NAME)}
    assert outcomes == dict.fromkeys("1234", "done") | dict.fromkeys("5678", "refused")
    lights = [
        r["values"]["led.garage"] for r in server.readings(NAME) if "led.garage" in r["values"]
    ]
    assert lights == [True, False]

    process.send_signal(signal.SIGTERM)
    assert process.wait(5) == 0
    until(lambda: server.on(NAME, "status")[-1] == "offline")


def test_a_sensor_that_fails_is_named_and_comes_back(server, config, edge):
    edge("run", config())
    until(lambda: server.readings(NAME))
    config.slave.write_text("crc=57 NO\n")
    until(lambda: "check sum" in server.on(NAME, "status")[-1])
    config.slave.write_text("crc=57 YES\nt=30000\n")

    until(lambda: server.readings(NAME)[-1]["values"] == {"water": 30.0})
    until(lambda: json.loads(server.on(NAME, "status")[-1])["failing"] == "")


def test_a_restart_is_answered_and_ends_the_program_for_systemd_to_start_again(
    server, config, edge
):
    process = edge("run", config())
    until(lambda: "online" in server.on(NAME, "status"))
    server.say(NAME, command("restart"))

    assert process.wait(10) == 0
    until(lambda: [ack["status"] for ack in server.acks(NAME)] == ["done"])


def test_readings_taken_before_a_kill_reach_the_server_after_the_next_start(
    broker, server, config, edge, tmp_path
):
    broker.stop()
    process = edge("run", config())
    until(lambda: (tmp_path / "state/journal.sqlite").exists())  # made after the buffer
    until(lambda: waiting(tmp_path / "state/buffer.sqlite") > 5)
    process.kill()
    process.wait()
    broker.start()
    server.wait_until_ready()
    edge("run", config())

    until(lambda: server.on(NAME, "telemetry"))
    times = [reading["ts"] for reading in server.readings(NAME)]
    assert times == sorted(set(times))
    assert len(json.loads(server.on(NAME, "telemetry")[0])) > 5


def test_a_right_configuration_is_well(config):
    ended = checked(config())

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "all is well\n", "")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"password": "wrong"}, "broker: the broker refuses this device"),
        ({"port": "9"}, "broker: 127.0.0.1:9: "),
        ({"state_dir": "/proc/nowhere"}, "state_dir /proc/nowhere: cannot be written"),
    ],
)
def test_a_check_names_what_is_wrong(config, changes, line):
    ended = checked(config(**changes))

    assert ended.returncode == 1
    assert line in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_check_names_a_sensor_that_is_not_there(config):
    config.slave.unlink()
    ended = checked(config())

    assert ended.returncode == 1
    assert ended.stderr.startswith("water: no thermometer")


def test_the_device_side_needs_nothing_of_the_server(tmp_path):
    """Only `edge`, `mqtt.topics` and `mqtt.sealing`, as deploy/edge installs them."""
    for part in ("edge", "mqtt"):
        (tmp_path / part).mkdir()
    for file in (ROOT / "edge").rglob("*.py"):
        copy = tmp_path / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(file.read_text())
    for name in ("__init__", "topics", "sealing"):
        (tmp_path / f"mqtt/{name}.py").write_text((ROOT / f"mqtt/{name}.py").read_text())
    program = (
        "import sys, edge.__main__\n"
        "ours = {'app', 'auth', 'config', 'db', 'devices', 'errors', 'wiring', 'flask', 'dash'}\n"
        "print(sorted(ours & {*sys.modules}))\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )

    assert (ended.stdout, ended.stderr) == ("[]\n", "")


def test_a_configuration_from_the_server_is_followed_whole_or_not_at_all(server, config, edge):
    edge("run", config())
    until(lambda: server.on(NAME, "status"))
    wrong = {"every_s": {"water": 3600, "fire": 1}, "colour": "red", "version": 1}
    server.say(NAME, wrong, rest="config", retain=True)
    told = until(lambda: said_of_settings(server))
    assert told == (1, "colour: unknown; every_s fire: no such sensor")
    before = len(server.readings(NAME))
    until(lambda: len(server.readings(NAME)) > before + 2)  # as often as before

    right = {"every_s": {"water": 3600}, "version": 2}
    server.say(NAME, right, rest="config", retain=True)
    until(lambda: said_of_settings(server) == (2, "applied"))
    before = len(server.readings(NAME))
    server.say(NAME, b"", rest="config", retain=True)
    server.say(NAME, command("on", params={"target": "led.garage"}))
    until(lambda: server.acks(NAME))  # it is still there
    assert said_of_settings(server) == (2, "applied")
    # one turn may have been under way, and one reading is of the light
    assert len(server.readings(NAME)) <= before + 2


def said_of_settings(server) -> tuple[int, str] | None:
    for text in reversed(server.on(NAME, "status")):
        said = json.loads(text) if text.startswith("{") else {}
        if "config_version" in said:
            return said["config_version"], said["config_result"]
    return None
