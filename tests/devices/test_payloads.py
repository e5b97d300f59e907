"""What devices may say, form by form, and what is refused with which reason."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from devices.payloads import Limits, decode

NOW = 1_795_212_345_123
LIMITS = Limits()
TOPICS = [
    *("telemetry", "telemetry/kitchen", "led/garage", "temperature", "temperature/room"),
    *("status", "commands/ack", "log", "sealed", "", "telemetry/", "x/y"),
]


def said(rest, payload):
    return decode(rest, payload, arrived_ms=NOW, limits=LIMITS)


def readings(rest, payload):
    out = said(rest, payload)
    assert out.refusals == []
    return [(r.sensor, r.kind, r.ts, r.value) for r in out.readings]


def reasons(rest, payload):
    return [refused.reason for refused in said(rest, payload).refusals]


@pytest.mark.parametrize(
    ("rest", "payload", "expected"),
    [
        ("telemetry", b"21.5", [("value", "number", NOW, 21.5)]),
        ("telemetry", b" -3 \n", [("value", "number", NOW, -3.0)]),
        ("telemetry", b"true", [("value", "state", NOW, 1.0)]),
        ("telemetry", b'"open"', [("value", "text", NOW, "open")]),
        ("telemetry", b"null", []),
        (
            "telemetry",
            b'{"temperature": 21.5, "power": {"l1": 3, "l2": 4}}',
            [
                ("temperature", "number", NOW, 21.5),
                ("power.l1", "number", NOW, 3.0),
                ("power.l2", "number", NOW, 4.0),
            ],
        ),
        (
            "telemetry",
            b'{"on": true, "mode": "eco", "none": null}',
            [("on", "state", NOW, 1.0), ("mode", "text", NOW, "eco")],
        ),
        (
            "telemetry",
            b'{"ts": 1795212300, "values": {"a": 1, "b": false}}',
            [("a", "number", 1_795_212_300_000, 1.0), ("b", "state", 1_795_212_300_000, 0.0)],
        ),
        (
            "telemetry",
            b'[{"ts": 1795212300.25, "values": {"a": 1}}, {"ts": null, "values": {"a": 2}}]',
            [("a", "number", 1_795_212_300_250, 1.0), ("a", "number", NOW, 2.0)],
        ),
        ("telemetry", b'{"a": 1, "a": 2}', [("a", "number", NOW, 2.0)]),
        ("telemetry", b'{"a": {"b": {"c": {"d": 1}}}}', [("a.b.c.d", "number", NOW, 1.0)]),
        ("telemetry/kitchen", b"21.5", [("kitchen", "number", NOW, 21.5)]),
        ("telemetry/kitchen", b"ON", [("kitchen", "state", NOW, 1.0)]),
        ("telemetry/kitchen", b"off", [("kitchen", "state", NOW, 0.0)]),
        ("telemetry/kitchen", b'"text"', [("kitchen", "text", NOW, "text")]),
        (
            "telemetry/kitchen",
            b'{"ts": "2026-11-20T10:00:00+02:00", "value": 1}',
            [("kitchen", "number", 1_795_161_600_000, 1.0)],
        ),
        (
            "telemetry/kitchen",
            b'{"ts": 1795212345000, "value": true, "seq": 7}',
            [("kitchen", "state", 1_795_212_345_000, 1.0)],
        ),
        ("telemetry/power", b'{"l1": 3}', [("power.l1", "number", NOW, 3.0)]),
        (
            "telemetry/\u0442\u0435\u043c\u043f",
            b"1",
            [("\u0442\u0435\u043c\u043f", "number", NOW, 1.0)],
        ),
        ("led/garage", b"ON", [("led.garage", "state", NOW, 1.0)]),
        ("led/garage", b"False", [("led.garage", "state", NOW, 0.0)]),
        ("led/garage", b"1", [("led.garage", "state", NOW, 1.0)]),
        ("temperature", b"21.5", [("temperature", "number", NOW, 21.5)]),
        ("temperature/room", b"21.5", [("temperature.room", "number", NOW, 21.5)]),
    ],
)
def test_every_promised_form_is_understood(rest, payload, expected):
    assert readings(rest, payload) == expected


def test_temperatures_have_their_unit():
    assert said("temperature", b"21.5").readings[0].unit == "°C"
    assert said("telemetry", b"21.5").readings[0].unit == ""


def test_two_spellings_of_one_name_are_one_sensor():
    composed = said("telemetry", '{"k\u00fcche": 1}'.encode()).readings[0].sensor
    apart = said("telemetry", '{"ku\u0308che": 1}'.encode()).readings[0].sensor

    assert composed == apart == "k\u00fcche"


@pytest.mark.parametrize(
    ("rest", "payload", "reason"),
    [
        ("telemetry", b"", "bad_json"),
        ("telemetry", b"not json", "bad_json"),
        ("telemetry", b"{", "bad_json"),
        ("telemetry", b"21,5", "bad_json"),
        ("telemetry", b"1_000", "bad_json"),
        ("telemetry", "２１".encode(), "bad_json"),
        ("telemetry", b"\xef\xbb\xbf21.5", "bad_json"),
        ("telemetry", b"9" * 5000, "bad_json"),
        ("telemetry", b"\xff\xfe", "not_utf8"),
        ("telemetry", b'{"a": "\xff"}', "not_utf8"),
        ("log", b"\xff", "not_utf8"),
        ("led/x", b"\xff", "not_utf8"),
        ("telemetry", b"NaN", "not_finite"),
        ("telemetry", b"nan", "not_finite"),
        ("telemetry", b"-Infinity", "not_finite"),
        ("telemetry", b"1e999", "not_finite"),
        ("telemetry", b"-1.1e300", "bad_value"),
        ("telemetry", b'{"a": 1.1e300}', "bad_value"),
        ("telemetry", b'{"a": NaN}', "not_finite"),
        ("telemetry", b'{"a": -1e999}', "not_finite"),
        ("telemetry", b'{"ts": Infinity, "values": {"a": 1}}', "not_finite"),
        ("telemetry", b'{"a": %s}' % (b"9" * 401), "bad_value"),
        ("telemetry", b'{"a": [1, 2]}', "bad_value"),
        ("telemetry", b'{"a": "%s"}' % (b"x" * 257), "bad_value"),
        ("telemetry", b'{"a": "\\ud800"}', "bad_value"),
        ("telemetry", b'{"a": "\\u0000"}', "bad_value"),
        ("telemetry", b'{"ts": 1795212345, "values": 5}', "bad_value"),
        ("telemetry", b"[1]", "bad_value"),
        ("led/x", b"maybe", "bad_value"),
        ("temperature", b"true", "bad_value"),
        ("temperature", b'"warm"', "bad_value"),
        ("commands/ack", b'{"id": "x"}', "bad_value"),
        ("commands/ack", b'{"id": "x", "status": "maybe"}', "bad_value"),
        ("commands/ack", b'{"id": 5, "status": "done"}', "bad_value"),
        ("commands/ack", b"[]", "bad_value"),
        ("commands/ack", b'{"id": "x", "status": ["done"]}', "bad_value"),
        ("commands/ack", b'{"id": "x", "status": {}}', "bad_value"),
        ("status", b'{"command_id": "x", "status": []}', "bad_value"),
        ("status", b"5", "bad_value"),
        ("telemetry", b'{"a b": 1}', "bad_name"),
        ("telemetry", b'{"a+": 1}', "bad_name"),
        ("telemetry", b'{"": 1}', "bad_name"),
        ("telemetry", b'{"\\ud800": 1}', "bad_name"),
        ("telemetry", b'{"%s": 1}' % (b"x" * 65), "bad_name"),
        ("telemetry/a b", b"1", "bad_name"),
        ("led/", b"ON x", "bad_value"),
        ("telemetry", b'{"ts": true, "values": {"a": 1}}', "bad_time"),
        ("telemetry", b'{"ts": "yesterday", "values": {"a": 1}}', "bad_time"),
        ("telemetry", b'{"ts": "2026-11-20T10:00:00", "values": {"a": 1}}', "bad_time"),
        ("telemetry", b'{"ts": [], "values": {"a": 1}}', "bad_time"),
        ("telemetry", b'{"ts": 4073241600, "values": {"a": 1}}', "future"),
        ("telemetry", b'{"ts": %d, "values": {"a": 1}}' % (NOW + 300_001), "future"),
        ("telemetry", b'{"ts": %s, "values": {"a": 1}}' % (b"9" * 400), "future"),
        ("telemetry", b'{"ts": 0, "values": {"a": 1}}', "too_old"),
        ("telemetry", b'{"ts": -1, "values": {"a": 1}}', "too_old"),
        ("telemetry", b'{"ts": "1999-12-31T23:59:59Z", "values": {"a": 1}}', "too_old"),
        ("telemetry", b"[" * 60_000, "too_deep"),
        ("telemetry", b'{"a":' * 9_000 + b"1" + b"}" * 9_000, "too_deep"),
        ("telemetry", b'{"a": {"b": {"c": {"d": {"e": 1}}}}}', "too_deep"),
        ("telemetry", b"[" + b"{}," * 5000 + b"{}]", "too_many"),
        ("telemetry", b" " * 65_537, "too_large"),
        ("log", b"x" * 16_385, "too_large"),
        ("nothing/here", b"1", "unknown_topic"),
        ("", b"1", "unknown_topic"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason(rest, payload, reason):
    out = said(rest, payload)

    assert [refused.reason for refused in out.refusals] == [reason]
    assert (out.readings, out.status, out.ack, out.log) == ([], None, None, None)


def test_five_minutes_ahead_is_not_the_future():
    assert readings("telemetry", b'{"ts": %d, "values": {"a": 1}}' % (NOW + 300_000))


def test_a_bad_value_does_not_cost_the_others_of_its_message():
    out = said("telemetry", b'{"a": NaN, "b": 1e999, "c": 3, "d": [1], "e f": 4, "g": true}')

    assert [(r.sensor, r.value) for r in out.readings] == [("c", 3.0), ("g", 1.0)]
    assert [refused.reason for refused in out.refusals] == [
        *("not_finite", "not_finite", "bad_value", "bad_name")
    ]
    assert out.refusals[3].sample == "e f: 4"


def test_a_bad_element_of_a_batch_is_named_and_costs_no_other():
    batch = [{"ts": 1795212300, "values": {"a": 1}}, {"ts": 1, "values": {"a": 2}}, 3]

    out = said("telemetry", json.dumps(batch).encode())

    assert [r.value for r in out.readings] == [1.0]
    assert [(refused.reason, refused.item) for refused in out.refusals] == [
        ("too_old", 1),
        ("bad_value", 2),
    ]


def test_five_thousand_readings_are_taken_and_one_more_refuses_all():
    values = {f"s{number}": number for number in range(250)}
    batch = [{"ts": 1795212300 - second, "values": values} for second in range(20)]
    full = json.dumps(batch, separators=(",", ":")).encode()
    more = json.dumps([*batch, {"values": {"a": 1}}], separators=(",", ":")).encode()

    assert len(readings("telemetry", full)) == 5000
    assert reasons("telemetry", more) == ["too_many"]
    assert said("telemetry", more).readings == []


@pytest.mark.parametrize(
    ("payload", "online"),
    [
        (b"online", True),
        (b"Offline", False),
        (b'"online"', True),
        (b'{"firmware": "1.2", "rssi": -60}', True),
        (b'{"state": "offline"}', False),
        (b'{"online": false}', False),
    ],
)
def test_a_device_says_whether_it_is_there(payload, online):
    assert said("status", payload).status.online is online


def test_attributes_are_plain_values_with_dotted_names():
    out = said("status", b'{"wifi": {"rssi": -60}, "list": [1], "name": "x"}')

    assert out.status.attributes == {"wifi.rssi": -60.0, "name": "x"}
    assert [refused.reason for refused in out.refusals] == ["bad_value"]


def test_an_answer_to_a_command_is_understood_on_both_topics():
    answer = {"id": "7", "status": "done", "detail": "opened"}

    assert said("commands/ack", json.dumps(answer).encode()).ack == answer
    answered = said("status", b'{"command_id": "7", "status": "refused", "state": "locked"}')
    assert answered.ack == {"id": "7", "status": "refused", "detail": ""}
    assert answered.status.attributes["state"] == "locked"


def test_a_log_line_keeps_its_text_without_nul():
    assert said("log", b"started\0 \n").log == "started\ufffd"


@pytest.mark.parametrize(
    ("rest", "payload", "timed"),
    [
        ("telemetry", b'{"ts": 1795212300, "values": {"a": 1}}', True),
        ("telemetry/a", b'{"ts": 1795212300, "value": 1}', True),
        ("telemetry", b'[{"ts": 1795212300, "values": {"a": 1}}, {"values": {"a": 1}}]', False),
        ("telemetry", b'{"a": 1}', False),
        ("telemetry", b"1", False),
        ("led/a", b"ON", False),
    ],
)
def test_it_is_known_whether_the_device_gave_the_time(rest, payload, timed):
    assert said(rest, payload).timed is timed


def test_examples_are_short_and_printable():
    out = said("telemetry", b"\x1b[31m\x00\xff" + b"x" * 1000)

    (refused,) = out.refusals
    assert len(refused.sample) == 200
    assert refused.sample.startswith("\\x1b[31m\\x00\\xff")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from(["ts", "values", "value", "id", "status", "command_id", "a", "b"])
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


def holds(out):
    """What must be true of every result, whatever came in."""
    for reading in out.readings:
        assert 1 <= len(reading.sensor) <= 64
        assert 946_684_800_000 <= reading.ts <= NOW + 300_000
        if reading.kind == "text":
            assert "\0" not in reading.value
            assert len(reading.value.encode()) <= 4 * 256
        else:
            assert abs(reading.value) < float("inf")
        assert reading.kind != "state" or reading.value in {0.0, 1.0}
    for refused in out.refusals:
        assert refused.sample.isprintable()
        assert len(refused.sample) <= 200
    json.dumps(out.status.attributes if out.status else {}, allow_nan=False)


@given(rest=st.sampled_from(TOPICS) | st.text(max_size=10), payload=st.binary(max_size=300))
@example(rest="telemetry", payload=b"[[[[" * 20_000)
@example(rest="telemetry", payload=b'[{"a":' * 480 + b"1" + b"}]" * 480)
def test_no_bytes_at_all_break_the_decoder(rest, payload):
    holds(said(rest, payload))


@given(rest=st.sampled_from(TOPICS), value=JSON)
def test_no_json_at_all_breaks_the_decoder(rest, value):
    holds(said(rest, json.dumps(value).encode()))
