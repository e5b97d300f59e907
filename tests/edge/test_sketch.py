"""The Arduino sketch speaks the protocol: its formats, topics and checks, line by line.

A microcontroller's compiler is too much for this project's tests, so the lines of the sketch
that matter are carried out here in Python; a line that this file does not know fails the test.
"""

import json
import re
import uuid
from pathlib import Path

import pytest

from devices import payloads, signing
from devices.ports import BrokerIdentity
from edge import commands
from mqtt import topics
from mqtt.decide import READ, WRITE, decide

FOLDER = Path(__file__).resolve().parents[2] / "edge/arduino/gatehouse"
SKETCH = (FOLDER / "gatehouse.ino").read_text()
CONFIG = (FOLDER / "config.h").read_text()
KEY = "mfrggzdfmztwq2lknnwg23tpobyxe43u"
NOW = 1_795_000_000_000
DEFINED = dict(re.findall(r'#define (\w+) "([^"]*)"', CONFIG))


def formats(function: str) -> list[str]:
    """Every printf format in a function of the sketch, as the compiler sees it."""
    body = re.search(rf"^\w+ {function}\(.*?^}}", SKETCH, re.M | re.S)[0]
    found = re.findall(r'snprintf\(text, sizeof text, ("(?:[^"\\]|\\.)*")', body)
    return [json.loads(text) for text in found]


def decoded(rest: str, payload: str) -> payloads.Decoded:
    return payloads.decode(rest, payload.encode(), arrived_ms=NOW, limits=payloads.Limits())


def signed(**changes) -> dict:
    """A command as the server sends it, then changed."""
    parts = {
        "id": str(uuid.uuid4()),
        "name": "unlock",
        "params": {"b": 1, "a": "ü"},
        "issued": NOW - 1000,
        "expires": NOW + 3000,
    } | changes
    body = signing.canonical(parts["params"])
    parts["sig"] = signing.sign(
        KEY, parts["id"], parts["name"], body, str(parts["issued"]), str(parts["expires"])
    )
    return parts


def test_every_topic_of_the_sketch_is_one_that_the_broker_lets_a_device_use():
    device = BrokerIdentity("u", "h", DEFINED["CONTROLLER_ID"])
    for verb, rest in re.findall(r'mqtt\.(publish|subscribe)\(BASE "/([a-z/]+)"', SKETCH):
        topic = topics.of(DEFINED["NAMESPACE"], DEFINED["CONTROLLER_ID"], rest)
        action = WRITE if verb == "publish" else READ
        assert decide(device, action, topic, namespace=DEFINED["NAMESPACE"]), topic
    assert '#define BASE NAMESPACE "/" CONTROLLER_ID' in SKETCH


def test_what_the_sketch_reads_is_understood():
    (text,) = formats("sayReading")
    read = decoded("telemetry", text % (21.5, -61))

    assert [(r.sensor, r.value) for r in read.readings] == [("temperature", 21.5), ("rssi", -61)]
    assert read.refusals == []


def test_what_the_sketch_answers_is_understood():
    (text,) = formats("answer")
    command_id = str(uuid.uuid4())
    for status, detail in re.findall(r'answer\(\w+, "(\w+)", "([^"]*)"\)', SKETCH):
        read = decoded("commands/ack", text % (command_id, status, detail))
        assert read.ack == {"id": command_id, "status": status, "detail": detail}


def test_the_presence_of_the_sketch_is_understood():
    said = re.findall(
        r'mqtt\.publish\(BASE "/status", ("(?:[^"\\]|\\.)*"(?: \w+ ".*?")?), true', SKETCH
    )
    first = json.loads(said[0])
    second = said[1].replace('" FIRMWARE "', DEFINED["FIRMWARE"])

    assert decoded("status", first).status.online
    assert decoded("status", json.loads(second)).status.attributes["firmware"] == "example 1.0"
    assert 'BASE "/status", 1, true, "offline"' in SKETCH


def test_the_text_that_the_sketch_signs_is_the_one_that_the_server_signs():
    (text,) = formats("signedByServer")
    command = signed()
    sent = json.dumps(command["params"], separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    parts = (command["id"], command["name"], sent, command["issued"], command["expires"])

    assert signing.sign(KEY, text % parts) == command["sig"]


class Lock:
    """Carries out `onCommand` of the sketch, one line after the other."""

    BOOT = NOW - 60_000

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.opened = 0
        self.opening = False

    def line(self, line: str, command: dict) -> str | None:
        """What a line answers ("" for silence), or None if it lets the command through."""
        right = signed(**{k: v for k, v in command.items() if k != "sig"})["sig"]
        stops = {
            "if (!isUuid(id)) return": not re.fullmatch("[0-9a-f-]{36}", str(command.get("id"))),
            "if (!signedByServer(command)) return": command.get("sig") != right,
            "if (now < CLOCK_IS_SET_MS) return": self.now < 1_735_689_600_000,
            "if (issued > now + MAY_BE_AHEAD_MS) return": command["issued"] > self.now + 60_000,
            "if (now >= expires) return": self.now >= command["expires"],
            "if (issued < startedMs) return": command["issued"] < self.BOOT,
            "if (seenBefore(id)) return": command["id"] in self.seen,
            'if (strcmp(command["name"] | "", "unlock") != 0) return': command["name"] != "unlock",
            "if (openingFor[0]) return": self.opening,
        }
        head, _, said = line.partition(" return")
        if "seenBefore" in head and not stops[head + " return"]:
            self.seen.append(command["id"])
        if not stops[head + " return"]:
            return None
        return re.search(r', "([^"]*)"\);', said)[1] if "answer" in said else ""

    def hears(self, command: dict, now: int = NOW) -> str:
        self.now = now
        body = re.search(r"void onCommand.*?\n}", SKETCH, re.S)[0]
        conditions = [line.strip() for line in body.splitlines() if line.strip().startswith("if (")]
        assert conditions[0] == "if (deserializeJson(command, payload, length)) return;"
        for line in conditions[1:]:
            said = self.line(line, command)
            if said is not None:
                return said
        self.opened += 1
        return "opened"


def test_a_good_command_opens_once():
    lock, command = Lock(), signed()

    assert [lock.hears(command) for _ in range(2)] == ["opened", ""]
    assert lock.opened == 1


@pytest.mark.parametrize(
    ("change", "now", "said", "code"),
    [
        ({"sig": "0" * 64}, NOW, "the signature is wrong", "unsigned"),
        ({"name": "open"}, NOW, "the signature is wrong", "unsigned"),
        ({}, NOW + 3000, "too late", "expired"),
        ({}, NOW + 86_400_000, "too late", "expired"),
        ({}, NOW - 3_600_000, "my clock is behind", "clock_off"),
        ({}, 1_000, "my clock is not set", "clock_off"),
        ({"id": "not a uuid"}, NOW, "", "malformed"),
    ],
)
def test_the_sketch_refuses_what_the_python_client_refuses(change, now, said, code):
    lock, command = Lock(), signed() | change

    assert lock.hears(command, now) == said
    assert lock.opened == 0
    with pytest.raises(commands.Refused) as refused:
        commands.read(json.dumps(command).encode(), key=KEY, now_ms=now)
    assert refused.value.code == code


def test_a_command_from_before_a_restart_is_not_carried_out():
    lock = Lock()

    assert lock.hears(signed(issued=Lock.BOOT - 1, expires=NOW + 9000)) == ""
    assert lock.opened == 0


def test_another_command_is_refused():
    assert Lock().hears(signed(name="dance")) == "cannot do that"


def test_a_second_unlock_waits_for_the_first():
    lock = Lock()
    lock.opening = True

    assert lock.hears(signed()) == "it is opening already"


def test_the_sketch_remembers_enough_commands():
    assert int(re.search(r"REMEMBERED = (\d+)", SKETCH)[1]) >= 64


def test_the_config_of_the_sketch_has_what_add_device_shows():
    assert {"MQTT_HOST", "NAMESPACE", "CONTROLLER_ID", "USERNAME", "PASSWORD", "COMMAND_KEY"} <= {
        *DEFINED
    }
    assert topics.CONTROLLER_ID.fullmatch(DEFINED["CONTROLLER_ID"])
