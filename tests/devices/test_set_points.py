"""What a part may be set to."""

import pytest

from devices import commands, set_points
from errors import Invalid, NotFound
from tests.devices.conftest import NOW

HEAT = {"label": "Heat", "low": 5.0, "high": 28.0, "step": 0.5}


@pytest.mark.parametrize(
    ("value", "sent"), [(5, 5), (28.0, 28), (21.5, 21.5), (5.0000000001, 5.0000000001)]
)
def test_a_number_within_its_bounds_is_sent_as_it_is(value: float, sent: float):
    found = set_points.number(value, **HEAT)
    assert (found, type(found)) == (sent, type(sent))


@pytest.mark.parametrize(
    ("value", "code", "words"),
    [
        (28.5, "value_out_of_bounds", "Heat takes values from 5 to 28."),
        (4.9, "value_out_of_bounds", "Heat takes values from 5 to 28."),
        (21.3, "value_off_step", "Heat takes values in steps of 0.5 from 5 on."),
        (float("nan"), "value_invalid", "The device does not take this value."),
        (float("inf"), "value_invalid", "The device does not take this value."),
        (True, "value_invalid", "The device does not take this value."),
        ("21", "value_invalid", "The device does not take this value."),
        (None, "value_invalid", "The device does not take this value."),
    ],
)
def test_any_other_is_refused_and_told_why(value: object, code: str, words: str):
    with pytest.raises(Invalid) as refused:
        set_points.number(value, **HEAT)
    assert (refused.value.code, refused.value.message) == (code, words)


def test_steps_of_a_tenth_are_counted_as_people_count():
    for tenths in range(1001):
        set_points.number(tenths / 10, label="x", low=0.0, high=100.0, step=0.1)


def test_a_number_without_steps_takes_any():
    assert set_points.number(0.123, label="x", low=0.0, high=1.0, step=None) == 0.123


def test_a_word_is_one_of_those_that_are_offered():
    assert set_points.word("day", label="Mode", options=("day", "night")) == "day"
    assert set_points.word("anything", label="Text", options=()) == "anything"
    with pytest.raises(Invalid, match="Mode takes one of these: day, night"):
        set_points.word("noon", label="Mode", options=("day", "night"))
    for value in (None, ["day"], "x" * 256):
        with pytest.raises(Invalid):
            set_points.word(value, label="Text", options=())


def test_what_a_part_takes_is_declared_and_kept(parts, owner, stranger, door):
    heat = set_points.Bounds(5.0, 30.0, 0.5)
    set_points.declare(door, "heat", heat, by=owner, now=NOW, bus=parts.bus)
    assert set_points.of(door) == {"heat": heat}
    set_points.check(door, {"target": "heat", "value": 21.5})
    set_points.check(door, {"target": "other", "value": 1000})
    for value in (30.5, 21.3, None):
        with pytest.raises(Invalid):
            set_points.check(door, {"target": "heat", "value": value})
    set_points.declare(door, "heat", None, by=owner, now=NOW, bus=parts.bus)
    set_points.check(door, {"target": "heat", "value": 1000})


def test_what_cannot_be_bounds_is_refused_and_only_managers_declare(parts, owner, stranger, door):
    def declare(target: str, bounds: set_points.Bounds, by) -> None:
        set_points.declare(door, target, bounds, by=by, now=NOW, bus=parts.bus)

    for low, high, step in ((5, 5, 1), (9, 5, 1), (float("nan"), 5, 1), (0, 5, -1)):
        with pytest.raises(Invalid):
            declare("heat", set_points.Bounds(low, high, step), owner)
    with pytest.raises(Invalid):
        declare("no spaces", set_points.Bounds(0, 1), owner)
    with pytest.raises(NotFound):
        declare("heat", set_points.Bounds(0, 1), stranger)


def test_a_command_outside_of_what_was_declared_is_not_sent(parts, owner, door, publisher):
    def ask(value: float) -> None:
        commands.ask(
            door,
            "set",
            {"target": "heat", "value": value},
            by=owner,
            via="page",
            key=f"key-{value}",
            address="",
            publisher=publisher,
            keys=parts.keys,
            bus=parts.bus,
            namespace="gatehouse",
            now=NOW,
        )

    bounds = set_points.Bounds(5.0, 30.0, 0.5)
    set_points.declare(door, "heat", bounds, by=owner, now=NOW, bus=parts.bus)
    with pytest.raises(Invalid, match="heat takes values from 5 to 30"):
        ask(31)
    assert not publisher.sent
    ask(30)
    assert len(publisher.sent) == 1
