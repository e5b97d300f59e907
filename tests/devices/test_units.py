"""Units by the names of sensors."""

import pytest

from devices.units import usual


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("temperature", "°C"),
        ("temperature.cellar", "°C"),
        ("cellar.Temp", "°C"),
        ("humidity", "%"),
        ("battery", "%"),
        ("battery_voltage", ""),
        ("pressure", ""),
        ("attempts", ""),
        ("", ""),
    ],
)
def test_a_name_that_leaves_no_doubt_has_a_unit(name, unit):
    assert usual(name, "number") == unit


def test_states_and_texts_have_none():
    assert usual("temperature", "state") == usual("temperature", "text") == ""
