import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.ports import BrokerIdentity
from mqtt import topics
from mqtt.decide import READ, WRITE, covers, decide

DEVICE = BrokerIdentity("d1", "$7$101$a$b", "c1")


def may(action, topic: str) -> bool:
    return decide(DEVICE, action, topic, namespace="gatehouse")


@pytest.mark.parametrize("rest", topics.DEVICE_READS)
def test_a_device_subscribes_to_what_is_for_it(rest):
    assert may(READ, f"gatehouse/c1/{rest}")
    assert not may(WRITE, f"gatehouse/c1/{rest}")


@pytest.mark.parametrize(
    "rest", ["telemetry", "telemetry/a", "led/x", "temperature", "status", "commands/ack", "sealed"]
)
def test_a_device_publishes_what_is_its_own(rest):
    assert may(WRITE, f"gatehouse/c1/{rest}")
    assert not may(READ, f"gatehouse/c1/{rest}")


@pytest.mark.parametrize(
    "topic",
    [
        "#",
        "+/+/commands",
        "gatehouse/#",
        "gatehouse/+/commands",
        "gatehouse/c1/#",
        "gatehouse/c1/+",
        "gatehouse/c2/commands",
        "gatehouse/c1",
        "gatehouse/c1/commands/",
        "/gatehouse/c1/commands",
        "$SYS/broker/uptime",
        "$share/g/gatehouse/c1/commands",
        "",
    ],
)
def test_nothing_else_is_subscribed_to(topic):
    assert not may(READ, topic)


@pytest.mark.parametrize(
    "topic",
    [
        "gatehouse/c1/telemetry/+",
        "gatehouse/c1/led/#",
        "gatehouse/c1/telemetry/a/b",
        "gatehouse/c11/telemetry",
        "gatehouse/c1/temperature/",
        "gatehouse/$live/c1",
        "$CONTROL/dynamic-security/v1",
    ],
)
def test_nothing_else_is_published(topic):
    expected = topic == "gatehouse/c1/temperature/"  # an empty level is a level, says MQTT
    assert may(WRITE, topic) is expected


@pytest.mark.parametrize(
    ("wide", "narrow", "is_covered"),
    [
        ("#", "a/b", True),
        ("#", "+/b", True),
        ("#", "$SYS/x", False),
        ("+/x", "$SYS/x", False),
        ("$SYS/#", "$SYS/x", True),
        ("a/#", "a", True),
        ("a/+", "a", False),
        ("a/+", "a/+", True),
        ("a/b", "a/+", False),
        ("a/+", "a/#", False),
        ("a/b/c", "a/b", False),
        ("a/b", "a/b/c", False),
    ],
)
def test_filters_cover_as_mqtt_says(wide, narrow, is_covered):
    assert covers(wide, narrow) is is_covered


levels = st.lists(st.sampled_from(["a", "b", "+", "#", "$x", ""]), min_size=1, max_size=4)


def matches(pattern: list[str], topic: list[str]) -> bool:
    """The rule of MQTT, level by level, written another way."""
    if pattern[:1] == ["#"]:
        return True
    if not pattern or not topic:
        return pattern == topic
    return pattern[0] in {"+", topic[0]} and (
        matches(pattern[1:], topic[1:]) or (pattern[1:] == ["#"] and not topic[1:])
    )


@given(levels, st.lists(st.sampled_from(["a", "b", ""]), min_size=1, max_size=4))
def test_a_topic_is_covered_exactly_when_the_filter_matches_it(pattern, topic):
    if "#" in pattern[:-1]:
        pattern = pattern[: pattern.index("#") + 1]
    assert covers("/".join(pattern), "/".join(topic)) is matches(pattern, topic)
