"""What a part may be set to."""

import pytest

from devices import set_points
from errors import Invalid

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
