"""`python -m edge simulate` as a process of its own, on a real broker."""

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from threading import Thread

import psutil
import pytest

from edge.login import HouseDevice, read_house
from edge.schedule import Schedule
from edge.simulated.house import MODELS, House
from edge.simulated.lock import Mode
from tests.edge.conftest import DEVICES, KEY, command
from tests.stack import until

ROOT = Path(__file__).resolve().parents[2]
SIMULATE = [sys.executable, "-m", "edge", "simulate", "--credentials"]
KINDS = ["lock", "gate", "sensor", "led", "gauge", "other"]
LOCK, GATE, SENSOR, BOARD, GAUGE, METER = DEVICES[:6]


@pytest.fixture
def credentials(broker, tmp_path):
    """Return how to write the file of a house."""

    def write(count: int = len(KINDS)) -> Path:
        file = tmp_path / "house.json"
        entries = [
            {
                "controller_id": name,
                "kind": KINDS[number % len(KINDS)],
                "name": f"Device {number}",
                "host": "127.0.0.1",
                "port": broker.port,
                "username": name,
                "password": "secret",
                "command_key": KEY,
                "namespace": "gatehouse",
            }
            for number, name in enumerate(DEVICES[:count])
        ]
        file.write_text(json.dumps(entries))
        return file

    return write


@pytest.fixture
def house(credentials):
    """Return how to live in a house within this process."""
    living = []

    def start(**options) -> House:
        house = House(read_house(credentials()), mode=options.pop("mode", Mode.OK))
        thread = Thread(target=house.run, kwargs=options)
        thread.start()
        living.append((house, thread))
        return house

    yield start
    for house, thread in living:
        house.end()
        thread.join()


@pytest.fixture
def process(credentials):
    """Return how to start a house as a program; it is ended after the test."""
    started = []

    def start(*arguments: str, count: int = len(KINDS)) -> subprocess.Popen:
        started.append(subprocess.Popen([*SIMULATE, credentials(count), *arguments], cwd=ROOT))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        assert process.wait(10) == 0


def online(server, *names: str) -> None:
    until(lambda: all("online" in server.on(name, "status") for name in names))


def bolt(server) -> list[bool]:
    return [r["values"]["locked"] for r in server.readings(LOCK) if len(r["values"]) == 1]


def test_every_device_of_the_house_is_online_and_says_what_it_reads(server, house):
    house()

    online(server, *DEVICES[:6])
    until(lambda: all(server.readings(name) for name in (LOCK, GATE, SENSOR, GAUGE, METER)))
    assert server.readings(SENSOR)[0]["values"].keys() == {"temperature", "humidity"}
    assert server.readings(METER)[0]["values"]["power"].keys() == {"l1", "l2", "l3", "total"}
    assert 0.5 < server.readings(GAUGE)[0]["values"]["pressure"] < 3


def test_the_board_says_its_temperature_each_second_and_its_lights_when_they_change(server, house):
    house()
    online(server, BOARD)
    until(lambda: len(server.on(BOARD, "temperature")) >= 4)

    times = [m.at for m in server.heard if m.topic.endswith(f"{BOARD}/temperature")]
    assert all(0.8 < later - earlier < 1.2 for earlier, later in pairwise(times))
    assert {"ON", "OFF"} >= {*server.on(BOARD, "led/kitchen")} != set()
    assert 10 < float(server.on(BOARD, "temperature")[0]) < 35


def test_a_light_can_be_switched_and_says_so(server, house):
    house()
    online(server, BOARD)
    until(lambda: server.on(BOARD, "led/garage"))
    was = server.on(BOARD, "led/garage")[-1]
    wanted = "OFF" if was == "ON" else "ON"

    server.say(BOARD, command(wanted.lower(), params={"target": "led.garage"}))

    until(lambda: server.acks(BOARD))
    assert server.acks(BOARD)[0]["status"] == "done"
    until(lambda: server.on(BOARD, "led/garage")[-1] == wanted)


def test_the_lock_opens_answers_and_locks_itself_again(server, house):
    house()
    online(server, LOCK)
    asked = time.monotonic()
    server.say(LOCK, command())

    until(lambda: server.acks(LOCK))
    assert time.monotonic() - asked > 0.35  # the bolt takes its time
    assert server.acks(LOCK)[0]["status"] == "done"
    until(lambda: bolt(server) == [False, True])
    states = [json.loads(text).get("state") for text in server.on(LOCK, "status")[1:]]
    assert states == ["locked", "unlocked", "locked"]


def test_the_lock_can_refuse(server, house):
    house(mode=Mode.REFUSE)
    online(server, LOCK)
    server.say(LOCK, command())

    until(lambda: server.acks(LOCK))
    assert server.acks(LOCK)[0]["status"] == "refused"
    assert bolt(server) == []


def test_the_lock_can_stay_silent_until_a_file_says_otherwise(server, house, tmp_path):
    control = tmp_path / "control.json"
    house(mode=Mode.SILENT, control=control)
    online(server, LOCK)
    server.say(LOCK, command())
    server.say(LOCK, command("dance", number=2))
    until(lambda: len(server.acks(LOCK)) == 1)
    control.write_text(json.dumps({"*": "ok", GATE: "off"}))
    until(lambda: server.on(GATE, "status")[-1:] == ["offline"])  # now the file was read
    server.say(LOCK, command(number=3))

    until(lambda: len(server.acks(LOCK)) == 2)
    assert [ack["id"][-1] for ack in server.acks(LOCK)] == ["2", "3"]
    until(lambda: bolt(server) == [False])


def test_the_lock_can_be_slow_and_says_done_late(server, house):
    house(mode=Mode.SLOW)
    online(server, LOCK)
    server.say(LOCK, command())
    asked = time.monotonic()

    until(lambda: server.acks(LOCK))
    assert time.monotonic() - asked > 5
    assert server.acks(LOCK)[0]["status"] == "done"


def test_a_file_switches_the_lock_off_and_on_while_the_house_lives(server, house, tmp_path):
    control = tmp_path / "control.json"
    house(control=control)
    online(server, LOCK)

    control.write_text(json.dumps({LOCK: "off"}))
    until(lambda: server.on(LOCK, "status")[-1] == "offline")
    server.say(LOCK, command())
    control.write_text("not json")  # changes nothing
    control.write_text(json.dumps({"*": "refuse"}))

    until(lambda: server.on(LOCK, "status").count("online") == 2)
    server.say(LOCK, command(number=2))
    until(lambda: server.acks(LOCK))
    assert [(ack["id"][-1], ack["status"]) for ack in server.acks(LOCK)] == [("2", "refused")]


def test_the_gate_opens_half_way_when_it_is_stopped(server, house):
    house()
    online(server, GATE)
    server.say(GATE, command("open"))
    until(lambda: [r for r in server.readings(GATE) if r["values"]["position"] > 10])
    server.say(GATE, command("stop", number=2))

    until(lambda: len(server.acks(GATE)) == 2)
    assert [ack["status"] for ack in server.acks(GATE)] == ["failed", "done"]
    assert 10 < server.readings(GATE)[-1]["values"]["position"] < 100


def test_a_command_that_the_device_does_not_know_is_refused(server, house):
    house()
    online(server, LOCK)
    server.say(LOCK, command("dance"))

    until(lambda: server.acks(LOCK))
    assert server.acks(LOCK)[0] | {"id": ""} == {
        "id": "",
        "status": "refused",
        "detail": "cannot dance",
    }


def test_history_comes_first_in_batches_and_agrees_with_what_is_live(server, house):
    house(backfill_h=3)
    until(lambda: len(server.readings(METER)) >= 180)

    times = [reading["ts"] for reading in server.readings(METER)]
    assert times == sorted(times)
    assert max(times) - min(times) > 2.9 * 3_600_000
    assert len(server.on(METER, "telemetry")) < 10


def test_the_program_takes_its_options_and_ends_politely(server, process, tmp_path):
    control = tmp_path / "control.json"
    program = process("--lock-mode=refuse", "--control", control, "--backfill=1")
    online(server, *DEVICES[:6])
    server.say(LOCK, command())
    until(lambda: server.acks(LOCK))
    assert server.acks(LOCK)[0]["status"] == "refused"
    until(lambda: len(server.readings(METER)) >= 60)
    control.write_text(json.dumps({GATE: "off"}))
    until(lambda: server.on(GATE, "status")[-1] == "offline")
    program.send_signal(signal.SIGTERM)

    assert program.wait(5) == 0
    until(lambda: all(server.on(name, "status")[-1] == "offline" for name in DEVICES[:6]))


def test_the_house_ends_when_the_server_that_started_it_is_gone(server, credentials):
    program = (
        "import os, subprocess, sys, time\n"
        "house = subprocess.Popen([sys.executable, '-m', 'edge', 'simulate', '--credentials',"
        " sys.argv[1], '--parent', str(os.getpid())])\n"
        "print(house.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, credentials()], cwd=ROOT, stdout=subprocess.PIPE
    ) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        online(server, LOCK)
        parent.kill()
    until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_the_house_comes_back_after_the_broker_was_away(broker, server, house):
    house()
    online(server, *DEVICES[:6])
    broker.stop()
    before = len(server.heard)
    broker.start()

    until(lambda: {m.topic.split("/")[1] for m in server.heard[before:]} >= {*DEVICES[:6]})


def test_fifty_devices_take_little_of_the_machine(server, process):
    house = psutil.Process(process(count=50).pid)
    online(server, *DEVICES[:50])
    before, began, heard = house.cpu_times(), time.monotonic(), len(server.heard)
    until(lambda: len(server.heard) > heard + 120, 20)

    seconds = time.monotonic() - began
    after = house.cpu_times()
    share = (after.user + after.system - before.user - before.system) / seconds
    assert share < 0.25, f"{share:.0%} of a core"
    assert house.memory_info().rss < 120e6


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("not json", "cannot be read"),
        ("{}", "needs a list"),
        ('[{"controller_id": "a/b", "username": "u", "password": "p"}]', "controller_id: needs"),
        ('[{"controller_id": "a"}]', "device 0: username: is missing"),
        ('[{"controller_id": "a", "username": 1, "password": "p"}]', "username: needs a text"),
    ],
)
def test_a_broken_file_of_credentials_is_one_clear_line_each(tmp_path, text, line):
    file = tmp_path / "house.json"
    file.write_text(text)

    ended = subprocess.run(
        [*SIMULATE, file],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert ended.returncode == 2
    assert line in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("model", sorted(MODELS))
def test_made_up_history_is_the_same_each_time(model, login):
    device = MODELS[model](HouseDevice(login(), "other", "x", model), Schedule())

    first, again = (list(device.history(1_795_000_001, 1_795_086_401)) for _ in range(2))

    assert first == again
    assert len(first) == 1_440
    json.dumps(first, allow_nan=False)


def test_a_day_of_a_room_is_warmest_in_the_afternoon(login, monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    room = House([HouseDevice(login(), "sensor", "x")]).devices["device-0"]

    def mean(hour: int) -> float:
        start = 1_795_132_800 - 1_795_132_800 % 86_400 + hour * 3600
        values = [values["temperature"] for _at, values in room.history(start, start + 3600)]
        return sum(values) / len(values)

    assert mean(15) > mean(3) + 1
    monkeypatch.delenv("TZ")
    time.tzset()
    assert os.environ.get("TZ") is None
