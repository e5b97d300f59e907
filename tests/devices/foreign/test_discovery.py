"""The rules of Home Assistant's MQTT discovery, one by one."""

import json
from typing import Any

import pytest

from devices.foreign import announcements, bounds
from devices.foreign.entities import Availability, Foreign, Signal
from devices.foreign.reader import Reader
from tests.devices.foreign.playing import sent

DEVICE = {"ids": ["d1"], "name": "Thing"}


def announced(component: str, **options: Any) -> Foreign:
    """The device that one part announces."""
    config = json.dumps({"device": DEVICE, "name": "Part", **options})
    found = announcements.understand({f"homeassistant/{component}/d1/part/config": config})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("topic", "known"),
    [
        ("homeassistant/switch/plug/config", True),
        ("homeassistant/switch/node/plug/config", True),
        ("homeassistant/device/plug/config", True),
        ("homeassistant/device/node/plug/config", True),
        ("homeassistant/switch/config", False),
        ("homeassistant/switch/a/b/c/config", False),
        ("homeassistant/switch/plug/state", False),
        ("other/switch/plug/config", False),
    ],
)
def test_an_announcement_is_known_by_its_topic(topic: str, known: bool):
    assert announcements.kept_as(topic, "homeassistant") == (topic if known else None)


@pytest.mark.parametrize(
    ("topic", "kept"),
    [
        ("home/ha/switch/plug/config", "homeassistant/switch/plug/config"),
        ("home/ha/light/switch/plug/config", "homeassistant/light/switch/plug/config"),
        ("tasmota/discovery/AA/config", "tasmota/discovery/AA/config"),
        ("homeassistant/switch/plug/config", None),
        ("home/haa/switch/plug/config", None),
        ("home/switch/plug/config", None),
    ],
)
def test_announcements_below_another_prefix_are_kept_under_the_usual_one(
    topic: str, kept: str | None
):
    assert announcements.kept_as(topic, "home/ha") == kept


def test_kinds_that_nobody_knows_and_parts_on_the_move_announce_nothing():
    config = json.dumps({"device": DEVICE})
    assert announcements.identity("homeassistant/sensor/x/config", config) == "ha:d1"
    assert announcements.identity("homeassistant/vacuum/x/config", config) == "ha:d1"
    assert announcements.identity("homeassistant/toaster/x/config", config) is None
    for moving in ("migrate_discovery", "migr_discvry"):
        payload = json.dumps({moving: True})
        assert announcements.identity("homeassistant/sensor/x/config", payload) is None


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"], ids=["nul", "half"])
def test_what_a_database_cannot_keep_announces_nothing(text: str):
    for config in ({"name": text}, {"device": {"ids": ["x"], text: 1}}, [text]):
        payload = json.dumps(config)
        assert announcements.identity("homeassistant/sensor/x/config", payload) is None
    assert announcements.identity("stat/plug/POWER", "\0") is None
    assert announcements.identity("stat/plug/POWER", "ON") == "tasmota-topic:plug"


def test_a_part_that_is_announced_twice_is_there_once():
    plug = {"name": "Plug", "uniq_id": "u1", "cmd_t": "d1/set"}
    found = announcements.understand(
        {
            "homeassistant/switch/plug/config": json.dumps({"dev": DEVICE, **plug}),
            "homeassistant/device/d1/config": json.dumps(
                {"dev": DEVICE, "o": {"name": "x"}, "cmps": {"a": {"p": "switch", **plug}}}
            ),
        }
    )
    assert found is not None
    assert [(one.target, one.name) for one in found.actions] == [("plug", "on"), ("plug", "off")]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("~/state", "base/d1/state"),
        ("state/~", "state/base/d1"),
        ("~", "base/d1"),
        ("a~b", "a~b"),
    ],
)
def test_a_base_topic_stands_at_either_end(given: str, meant: str):
    found = announced("sensor", **{"~": "base/d1", "stat_t": given, "avty": [{"t": given}]})
    assert [one.topic for one in found.sources] == [meant]
    assert found.availability == [Availability((Signal(meant),))]


@pytest.mark.parametrize(
    ("mode", "said", "there"),
    [
        ("all", ["a:online"], False),
        ("all", ["a:online", "b:online"], True),
        ("all", ["a:online", "b:online", "a:offline"], False),
        ("any", ["a:offline", "b:online"], True),
        ("any", ["a:offline", "b:offline"], False),
        ("latest", ["a:online", "b:offline"], False),
        ("latest", ["b:offline", "a:online"], True),
    ],
)
def test_modes_of_availability(mode: str, said: list[str], there: bool):
    found = announced(
        "sensor", stat_t="s", avty=[{"topic": "a"}, {"topic": "b"}], availability_mode=mode
    )
    reader = Reader(found.sources, found.availability)
    for one in said:
        topic, payload = one.split(":")
        online = reader.take(topic, payload.encode()).online
    assert online is there


def test_a_device_is_there_while_any_of_its_parts_is():
    configs = {
        f"homeassistant/sensor/{name}/config": json.dumps(
            {"dev": DEVICE, "name": name, "stat_t": f"{name}/s", "avty_t": f"{name}/up"}
        )
        for name in ("one", "two")
    }
    found = announcements.understand(configs)
    assert found is not None
    reader = Reader(found.sources, found.availability)
    assert reader.take("one/up", b"online").online is True
    assert reader.take("two/up", b"offline").online is True
    assert reader.take("one/up", b"offline").online is False


def asked(found: Foreign, name: str, value: Any = None) -> tuple[str, str | None]:
    """Where a command goes, and what is sent."""
    action = next(one for one in found.actions if one.name == name)
    return action.topic, sent(action, value)


def test_a_template_light_gets_brightness_and_state():
    found = announced(
        "light",
        schema="template",
        stat_t="l/state",
        cmd_t="l/set",
        cmd_on_tpl='{"s":"{{ state }}"'
        '{% if brightness is defined %},"b":{{ brightness }}{% endif %}}',
        cmd_off_tpl="{{ state }}",
        stat_tpl="{{ value_json.s }}",
        bri_tpl="{{ value_json.b }}",
    )
    assert asked(found, "on") == ("l/set", '{"s":"on"}')
    assert asked(found, "off") == ("l/set", "off")
    assert asked(found, "brightness", 7) == ("l/set", '{"s":"on","b":7}')


def test_a_json_light_is_asked_for_colour_temperature_and_effects():
    found = announced(
        "light",
        schema="json",
        cmd_t="l/set",
        stat_t="l",
        sup_clrm=["color_temp"],
        effect=True,
        fx_list=["slow", "fast"],
        max_mirs=400,
    )
    sets = [one for one in found.actions if one.name == "set"]
    assert [(one.label, one.low, one.high, one.options) for one in sets] == [
        ("Part colour temperature", 153.0, 400.0, ()),
        ("Part effect", None, None, ("slow", "fast")),
    ]
    assert [sent(sets[0], 300), sent(sets[1], 'sl"ow')] == [
        '{"state":"ON","color_temp":300}',
        '{"state":"ON","effect":"sl\\"ow"}',
    ]


def test_a_siren_takes_json_unless_it_has_a_template():
    assert asked(announced("siren", cmd_t="s/set"), "on") == ("s/set", '{"state":"ON"}')
    templated = announced("siren", cmd_t="s/set", cmd_tpl="<{{ value }}>", pl_on="1")
    assert asked(templated, "on") == ("s/set", "<1>")


def test_a_valve_that_reports_its_position_is_told_positions():
    found = announced("valve", cmd_t="v/set", stat_t="v", pos=True, position_open=10)
    assert asked(found, "open") == ("v/set", "10")
    assert asked(found, "close") == ("v/set", "0")
    assert asked(found, "position", 50) == ("v/set", "5")
    reader = Reader(found.sources)
    for payload in (b"5", b'{"state": "opening", "position": 5}'):
        assert [one.value for one in reader.take("v", payload).values] == [50.0]
    plain = announced("valve", cmd_t="v/set", stat_t="v")
    assert [one.name for one in plain.actions] == ["open", "close"]
    assert [one.value for one in Reader(plain.sources).take("v", b"closed").values] == ["closed"]


def test_a_tilting_cover_is_tilted():
    found = announced(
        "cover",
        cmd_t="c/set",
        tilt_cmd_t="c/tilt",
        tilt_cmd_tpl="t{{ tilt_position }}",
        tilt_max=90,
    )
    assert asked(found, "set", 45) == ("c/tilt", "t45")


def test_a_number_without_bounds_has_those_of_the_rules():
    action = announced("number", cmd_t="n/set").actions[0]
    assert (action.low, action.high, action.step) == (1.0, 100.0, 1.0)


def test_an_update_says_what_is_installed_and_can_be_pressed():
    found = announced("update", stat_t="u", cmd_t="u/set", pl_inst="GO")
    reader = Reader(found.sources)
    for payload in (b"1.2", b'{"installed_version": "1.2", "latest_version": "2"}'):
        assert [one.value for one in reader.take("u", payload).values] == ["1.2"]
    assert asked(found, "press") == ("u/set", "GO")


@pytest.mark.parametrize(
    ("wanted", "free"),
    [
        ("home/gw/state", True),
        ("+/+/BTtoMQTT/A4C138AABBCC", True),
        ("+/gw/BTtoMQTT/#", True),
        ("gatehouse/+/BTtoMQTT/A4C138AABBCC", False),
        ("+/+/telemetry", False),
        ("+/+/led/+", False),
        ("+/front/commands/#", False),
        ("+/+/+/BTtoMQTT", False),
        ("+/+/#", False),
        ("+/+", False),
        ("gatehouse/#", False),
        ("#", False),
        ("$SYS/broker", False),
    ],
)
def test_a_filter_may_be_wide_where_our_own_devices_do_not_speak(wanted: str, free: bool):
    assert (bounds.is_filter(wanted) and bounds.outside("gatehouse", wanted)) is free


@pytest.mark.parametrize(
    ("given", "understood"),
    [(30, 30.0), ("0.5", 0.5), (0, 0.0), (-1, None), ("soon", None), (1e300, None), (None, None)],
)
def test_a_state_may_go_off_by_itself(given: object, understood: float | None):
    (source,) = announced("binary_sensor", state_topic="a/b", off_delay=given).sources
    assert source.off_delay == understood
