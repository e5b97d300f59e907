"""The device client against a real broker: what it says, hears and refuses."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.buffer import Buffer
from edge.client import DeviceClient
from edge.commands import Refused
from edge.journal import Journal
from edge.wire import SealedWire
from mqtt.sealing import Seal
from tests.edge.conftest import KEY, command
from tests.stack import until

ROOT = Path(__file__).resolve().parents[2]
NAME = "device-0"


@pytest.fixture
def device(login, tmp_path):
    """Return how to start a device whose files outlive it."""
    started = []

    def start(**options) -> DeviceClient:
        heard = []
        client = DeviceClient(
            options.pop("login", None) or login(),
            on_command=heard.append,
            buffer=Buffer(tmp_path / "buffer.sqlite"),
            journal=Journal(tmp_path / "journal.sqlite"),
            **options,
        )
        client.heard_commands = heard
        client.start()
        started.append(client)
        return client

    yield start
    for client in started:
        client.stop()


def connected(client: DeviceClient) -> DeviceClient:
    until(lambda: client.connected)
    return client


def outcome(client: DeviceClient, what: str) -> int:
    return client.counters.commands.get(what, 0)


def test_a_device_says_what_its_sensors_read_with_the_time(server, device):
    client = connected(device())

    client.publish({"temperature": 21.5, "power": {"l1": 3}}, at_ms=1_795_000_000_000)

    until(lambda: server.readings(NAME))
    assert server.readings(NAME) == [
        {"ts": 1_795_000_000_000, "values": {"temperature": 21.5, "power": {"l1": 3}}}
    ]
    until(lambda: len(client.buffer) == 0)
    until(lambda: client.counters.sent == 2)  # with the presence


def test_presence_is_retained_and_a_cut_connection_says_offline(server, device, broker):
    client = connected(device(attributes={"firmware": "1.2"}))
    until(lambda: len(server.on(NAME, "status")) == 2)
    client.cut()
    until(lambda: len(server.on(NAME, "status")) == 3)

    online, attributes, offline = server.on(NAME, "status")
    assert (online, offline) == ("online", "offline")
    assert json.loads(attributes) == {"online": True, "firmware": "1.2"}
    with_late = type(server)(broker.port)
    until(lambda: with_late.on(NAME, "status") == ["offline"])
    with_late.stop()


def test_a_device_that_stops_says_goodbye(server, device):
    client = connected(device())
    client.stop()

    until(lambda: server.on(NAME, "status")[-1:] == ["offline"])


def test_a_good_command_is_carried_out_and_answered(server, device):
    client = connected(device())

    server.say(NAME, command(params={"target": "led.garage"}))

    until(lambda: client.heard_commands)
    (heard,) = client.heard_commands
    client.answer(heard, "done", "opened")
    until(lambda: server.acks(NAME))
    assert (heard.name, heard.params) == ("unlock", {"target": "led.garage"})
    assert server.acks(NAME) == [{"id": heard.id, "status": "done", "detail": "opened"}]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (lambda: command(late_ms=10), "expired"),
        (lambda: command(late_ms=3_600_000), "expired"),
        (lambda: command(late_ms=-3_600_000), "clock_off"),
        (lambda: command() | {"sig": "0" * 64}, "unsigned"),
        (lambda: {k: v for k, v in command().items() if k != "sig"}, "unsigned"),
        (lambda: command(key="another devices key"), "unsigned"),
        (lambda: "unlock", "malformed"),
        (lambda: b"\xff\xfe", "malformed"),
    ],
)
def test_a_command_that_must_not_be_carried_out_is_not(server, device, message, code):
    client = connected(device())

    server.say(NAME, message())
    server.say(NAME, command(number=2))  # a good one after it still works

    until(lambda: client.heard_commands)
    assert client.heard_commands[0].id.endswith("2")
    assert outcome(client, code) == 1
    if code != "malformed":
        until(lambda: server.acks(NAME))
        assert server.acks(NAME)[0]["status"] == "refused"


def test_a_command_that_comes_again_is_carried_out_once(server, device):
    client = connected(device())
    message = command()

    for _time in range(3):
        server.say(NAME, message)

    until(lambda: outcome(client, "replayed") == 2)
    assert len(client.heard_commands) == 1


def test_a_command_recorded_before_a_restart_does_nothing_after_it(server, device):
    message = command()
    before = connected(device())
    server.say(NAME, message)
    until(lambda: before.heard_commands)
    before.cut()

    after = connected(device())
    server.say(NAME, message)

    until(lambda: outcome(after, "replayed"))
    assert after.heard_commands == []


def test_a_command_kept_by_the_broker_is_not_carried_out(server, device):
    server.say(NAME, command(), retain=True)

    client = connected(device())

    until(lambda: outcome(client, "retained"))
    assert client.heard_commands == []
    server.say(NAME, "", retain=True)


def test_a_command_sent_as_retained_while_the_device_listens_is_not_carried_out(server, device):
    client = connected(device())

    server.say(NAME, command(), retain=True)

    until(lambda: outcome(client, "retained"))
    assert client.heard_commands == []
    server.say(NAME, "", retain=True)


def test_what_was_read_without_a_broker_comes_later_once_and_in_order(broker, server, device):
    client = connected(device())
    broker.stop()
    until(lambda: not client.connected)
    for number in range(2_500):
        client.publish({"n": number}, at_ms=1_795_000_000_000 + number)
    broker.start()
    until(lambda: len(client.buffer) == 0, 20)
    server.wait_until_ready()
    client.publish({"n": 2_500}, at_ms=1_795_000_002_500)

    until(lambda: server.readings(NAME)[-1:] and server.readings(NAME)[-1]["values"]["n"] == 2_500)
    numbers = [reading["values"]["n"] for reading in server.readings(NAME)]
    assert numbers == sorted(set(numbers))


def test_what_was_read_before_a_kill_is_sent_by_the_next_start(server, device, tmp_path):
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from edge.buffer import Buffer; from edge.client import DeviceClient\n"
        "from edge.login import Login\n"
        "client = DeviceClient(Login('x', 'x', 'x', port=9), on_command=print,\n"
        "    buffer=Buffer(Path(sys.argv[1])))\n"
        "client.start()\n"
        "for n in range(100): client.publish({'n': n}, at_ms=1795000000000 + n)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "buffer.sqlite")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert ended.returncode == -signal.SIGKILL

    connected(device())

    until(lambda: len(server.readings(NAME)) == 100)
    assert [reading["values"]["n"] for reading in server.readings(NAME)] == list(range(100))


def test_history_leaves_in_few_messages(server, device):
    client = connected(device())

    client.publish_past((1_795_000_000_000 + n, {"n": n}) for n in range(3_000))

    until(lambda: len(server.readings(NAME)) == 3_000)
    assert len(server.on(NAME, "telemetry")) <= 4


def test_a_reading_without_a_date_is_sent_at_once_or_not_at_all(server, device):
    client = connected(device(now_ms=lambda: 5_000))
    client.publish({"a": 1})
    until(lambda: server.on(NAME, "telemetry"))
    client.cut()
    client.publish({"a": 2})

    assert server.on(NAME, "telemetry") == ['{"a":1}']
    assert (client.counters.undated, len(client.buffer)) == (1, 0)


def test_values_that_no_json_can_hold_are_refused_at_once(device):
    client = device()

    for values in ({"a": float("nan")}, {"a": "x" * 20_000}):
        with pytest.raises(ValueError):
            client.publish(values)
    assert len(client.buffer) == 0


def test_a_wrong_password_is_named_and_the_buffer_is_kept(device, login, broker):
    client = device(login=login(password="wrong"))
    client.publish({"a": 1})

    until(lambda: "refuses this device" in client.problem)
    assert not client.connected
    assert len(client.buffer) == 1


def test_a_broker_that_is_not_there_is_named(device, login):
    client = device(login=login(port=9))

    until(lambda: "127.0.0.1:9" in client.problem)


def test_a_topic_that_the_broker_refuses_keeps_the_reading(server, device, login):
    client = device(login=login("device-1", username=NAME))
    client.publish({"a": 1})

    until(lambda: "refuses to publish" in client.problem)
    assert len(client.buffer) == 1
    assert server.on("device-1", "telemetry") == []


def test_a_sealed_device_says_nothing_in_the_clear_but_its_presence(server, device):
    client = connected(device(sealed=True, attributes={"firmware": "1.2"}))
    client.publish({"temperature": 21.5}, at_ms=1_795_000_000_000)
    until(lambda: len(server.on(NAME, "sealed")) == 2)

    seal = Seal(KEY, f"gatehouse/{NAME}/sealed")
    opened = [seal.open_(payload.encode(), above=0) for payload in server.on(NAME, "sealed")]
    assert [part.topic for part in opened] == ["status", "telemetry"]
    assert json.loads(opened[1].payload) == {
        "ts": 1_795_000_000_000,
        "values": {"temperature": 21.5},
    }
    assert [part.n for part in opened] == [1, 2]
    assert {m.topic.split("/", 2)[2] for m in server.heard} == {"status", "sealed"}
    assert server.on(NAME, "status") == ["online"]


def test_a_sealed_device_carries_out_sealed_commands_once_and_no_others(server, device):
    client = connected(device(sealed=True))
    seal = Seal(KEY, f"gatehouse/{NAME}/commands/sealed")
    envelope = seal.seal("commands", command(), n=1)

    server.say(NAME, command(number=2))  # in the clear
    for _time in range(2):
        server.say(f"{NAME}", envelope, rest="commands/sealed")
    server.say(
        NAME,
        Seal("old key", f"gatehouse/{NAME}/commands/sealed").seal("commands", {}, n=9),
        rest="commands/sealed",
    )

    until(lambda: outcome(client, "unknown_key"))
    assert [heard.id[-1] for heard in client.heard_commands] == ["1"]
    assert outcome(client, "replayed") == 1


def test_the_counter_of_a_sealed_device_grows_through_restarts(server, device):
    for _start in range(3):
        client = connected(device(sealed=True))
        client.publish({"a": 1})
        until(lambda client=client: len(client.buffer) == 0)
        client.cut()

    counters = [json.loads(payload)["n"] for payload in server.on(NAME, "sealed")]
    assert len(counters) == 3
    assert counters == sorted(set(counters))


def test_the_newest_sealed_configuration_is_taken_at_each_connect_and_no_older_one(login):
    wire = SealedWire(login(), Journal())
    seal = Seal(KEY, f"gatehouse/{NAME}/config")
    old, new = (seal.seal("config", {"version": n}, n=n) for n in (1, 2))

    for _connect in range(2):
        assert wire.incoming("config", new) == ("config", b'{"version": 2}')
    for refused, code in ((old, "replayed"), (b'{"version": 3}', "not_sealed")):
        with pytest.raises(Refused) as caught:
            wire.incoming("config", refused)
        assert caught.value.code == code
