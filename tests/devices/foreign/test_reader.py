"""Topics that are mapped by hand, as devices speak on them that announce nothing."""

import json

import pytest

from devices.foreign.entities import Source
from devices.foreign.reader import Reader

SWITCH = {
    "id": 0,
    "source": "timer",
    "output": True,
    "apower": 8.9,
    "voltage": 237.5,
    "aenergy": {"total": 6532.0, "by_minute": [45.199, 47.141, 88.397], "minute_ts": 1626935779},
    "temperature": {"tC": 23.5, "tF": 74.4},
}
EVENT = {
    "src": "shellyplus1pm-a1b2c3",
    "dst": "shellyplus1pm-a1b2c3/events",
    "method": "NotifyStatus",
    "params": {"ts": 1626935739.79, "switch:0": {"id": 0, "apower": 10.1}},
}


@pytest.mark.parametrize(
    ("topic", "payload", "source", "kind", "value"),
    [
        ("shellies/plug/relay/0", "on", Source("", "", "relay", "state"), "state", 1.0),
        ("shellies/plug/relay/0/power", "12.34", Source("", "", "power"), "number", 12.34),
        (
            "shellies/plug/relay/0/energy",
            "600",
            Source("", "", "energy", scale=1 / 60000),
            "number",
            0.01,
        ),
        ("shellies/ht/sensor/temperature", "21.50", Source("", "", "t"), "number", 21.5),
        ("shellies/door/sensor/state", "open", Source("", "", "door"), "text", "open"),
        ("new/status/switch:0", SWITCH, Source("", "output", "relay"), "state", 1.0),
        ("new/status/switch:0", SWITCH, Source("", "apower", "power"), "number", 8.9),
        ("new/status/switch:0", SWITCH, Source("", "temperature.tC", "t"), "number", 23.5),
        (
            "new/status/switch:0",
            SWITCH,
            Source("", "aenergy.total", "energy", unit="kWh", scale=0.001),
            "number",
            6.532,
        ),
        ("new/status/switch:0", SWITCH, Source("", "aenergy.by_minute[1]", "w"), "number", 47.141),
        ("new/events/rpc", EVENT, Source("", "params.switch:0.apower", "p"), "number", 10.1),
        ("new/events/rpc", EVENT, Source("", 'params."switch:0".apower', "p"), "number", 10.1),
        ("rtl_433/a/devices/x", {"wind_m_s": 2.5}, Source("", "wind_m_s", "w"), "number", 2.5),
    ],
)
def test_plain_topics_are_read(topic: str, payload: object, source: Source, kind: str, value):
    mapped = Source(topic, source.template, source.sensor, source.kind, scale=source.scale)
    text = payload if isinstance(payload, str) else json.dumps(payload)
    (said,) = Reader([mapped]).take(topic, text.encode()).values
    assert (said.kind, said.value) == (kind, pytest.approx(value))


def test_a_message_without_the_value_says_nothing_and_is_no_mistake():
    reader = Reader([Source("new/events/rpc", "params.switch:0.apower", "p")])
    other = {"params": {"sys": {"uptime": 7}}}
    said = reader.take("new/events/rpc", json.dumps(other).encode())
    assert (said.values, said.unusable) == ([], [])
    assert reader.take("new/events/rpc", b"\xff").unusable[0].reason == "not_utf8"
