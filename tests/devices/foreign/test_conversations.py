"""What recorded devices announce and say becomes the readings and commands it stands for."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.devices.foreign.playing import House, current, sent

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


def _check_command(house: House, device: str, command: dict[str, Any]) -> None:
    one = house.device(device)
    assert one is not None
    assert one.known is not None
    actions = {
        action.name: action for action in one.known.actions if action.label == command["name"]
    }
    assert set(actions) == set(command["asks"])
    for name, (topic, payload) in command["asks"].items():
        assert (actions[name].topic, sent(actions[name], 21)) == (topic, payload)
