"""What recorded devices announce and say becomes the readings and commands it stands for."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from devices.foreign import announcements
from devices.foreign.discovery import PREFIX
from devices.foreign.entities import Foreign
from devices.foreign.reader import Reader
from tests.devices.foreign.playing import Heard, House, current, sent

FIXTURES = sorted((Path(__file__).parent / "fixtures").glob("*.json"))


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.stem)
def test_a_conversation_is_understood(path: Path):
    data = json.loads(path.read_text())
    expect, house = data["expect"], House()
    for at, message in enumerate(data["messages"]):
        house.take(message)
        one = house.device(expect["device"])
        for sensor in (sensor for sensor in expect["sensors"] if sensor["after"] == at):
            assert current(one, sensor["name"]) == (sensor["value"], sensor["unit"], True), at
        for command in expect["commands"]:
            for state in (state for state in command["states"] if state["after"] == at):
                assert current(one, command["name"])[0] == state["value"], at
        for presence in (one for one in expect["availability"] if one["after"] == at):
            assert one is not None
            assert one.online is (presence["value"] == "online"), at
        for removed in (one for one in expect["removed"] if one["after"] == at):
            if removed["name"] == "*":
                assert one is None, at
            else:
                assert not current(one, removed["name"])[2], at
        if at == data["announced"]:
            for command in expect["commands"]:
                _check_command(house, expect["device"], command)
            left = {(one.label, one.reason, one.what) for one in _known(one).left_out}
            assert left == set(map(tuple, expect.get("left_out", [])))


def _known(one: Heard | None) -> Foreign:
    assert one is not None
    assert one.known is not None
    return one.known


def _check_command(house: House, device: str, command: dict[str, Any]) -> None:
    actions = {
        action.name: action
        for action in _known(house.device(device)).actions
        if action.label == command["name"]
    }
    assert set(actions) == set(command["asks"])
    for name, (topic, payload) in command["asks"].items():
        assert (actions[name].topic, sent(actions[name], 21)) == (topic, payload)


ODD = (None, 1, 1e400, "", "~", "{{ value }}", [], {}, [[]], [None], {"a": None}, True, "x" * 300)


def _spoiled(value: Any, chance: random.Random) -> Any:
    """A value with something in it replaced by what does not belong there."""
    if isinstance(value, dict) and value:
        key = chance.choice(list(value))
        inner = _spoiled(value[key], chance) if chance.random() < 0.7 else chance.choice(ODD)
        return value | {key: inner}
    if isinstance(value, list) and value:
        at = chance.randrange(len(value))
        return [*value[:at], _spoiled(value[at], chance), *value[at + 1 :]]
    return chance.choice(ODD)


def test_announcements_of_any_shape_are_survived():
    chance = random.Random(4)
    announced = [
        (message["topic"], json.loads(message["payload"]))
        for path in FIXTURES
        for message in json.loads(path.read_text())["messages"]
        if announcements.kept_as(message["topic"], PREFIX) and message["payload"].endswith("}")
    ]
    for _ in range(2000):
        topic, config = chance.choice(announced)
        for _ in range(chance.randint(1, 4)):
            config = _spoiled(config, chance)
        payload = json.dumps(config)
        announcements.identity(topic, payload)
        announcements.shape(topic, payload)
        found = announcements.understand({topic: payload})
        if found:
            reader = Reader(found.sources, found.availability)
            for heard in sorted(found.topics())[:3]:
                reader.take(heard, b'{"a": 1}')
