"""How values, states and times are written."""

import re
import sys

import pytest

from clock import now_ms
from dashboard import components, device_parts
from db.models import Device, Kind, Level
from db.telemetry.records import Newest, Series
from devices import commands
from devices.intake import SEAL_REASONS
from tests.stack import ROOT

DEVICE = Device(name="Shed", public_id="abc", kind=Kind.LOCK, hold_to_act=False)


@pytest.fixture(autouse=True)
def _request(portal):
    with portal.server.test_request_context("/", headers={"Accept-Language": "en"}):
        yield


def shown(kind, value=None, text=None, decimals=None):
    series = Series(1, 1, "s", kind, decimals=decimals)
    return device_parts.text_of(series, Newest(5, value, text))


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (21.5, None, "21.5"),
        (21.0, None, "21"),
        (-0.25, None, "-0.25"),
        (21.456, 1, "21.5"),
        (21.0, 2, "21.00"),
        (1234567.0, 0, "1,234,567"),
        (0.1234567, None, "0.123457"),
    ],
)
def test_numbers_are_written_as_people_do(value, decimals, text):
    assert shown("number", value, decimals=decimals) == text


@pytest.mark.parametrize("decimals", [None, 0, 2])
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e15, "1E15"),
        (1e22, "1E22"),
        (-1.23456e22, "-1.235E22"),
        (1e300, "1E300"),
        (-sys.float_info.max, "-1.798E308"),
    ],
)
def test_huge_numbers_are_written_with_an_exponent(value, text, decimals):
    assert shown("number", value, decimals=decimals) == text


def test_every_finite_number_can_be_written():
    for exponent in range(-323, 309):
        for value in (float(f"1e{exponent}"), -float(f"9.99999e{min(exponent, 307)}")):
            for decimals in (None, 0, 6, 10):
                assert len(shown("number", value, decimals=decimals)) < 35


def test_states_and_texts():
    assert [shown("state", 1.0), shown("state", 0.0)] == ["ON", "OFF"]
    assert shown("text", text="closed") == "closed"
    assert device_parts.text_of(Series(1, 1, "s", "number"), None) == "–"


def test_a_value_is_nothing_but_its_text():
    part = device_parts.value(
        DEVICE, Series(1, 1, "power.l1", "number", "W", 1), Newest(7, 3.0, None)
    )
    props = part.to_plotly_json()["props"]

    assert props["children"] == "3.0"
    assert props["data-sensor"] == "power.l1"
    assert (props["data-device"], props["data-t"], props["data-decimals"]) == ("abc", "7", "1")


def test_only_those_who_may_open_a_lock_see_the_button():
    assert device_parts.unlock(DEVICE, Level.VIEWER) is None
    assert device_parts.unlock(DEVICE, Level.OPERATOR) is not None
    assert device_parts.unlock(Device(public_id="x", kind=Kind.SENSOR), Level.OWNER) is None


def test_every_kind_of_device_has_a_word_and_a_picture():
    assert set(device_parts.kind_words()) == set(device_parts.KIND_ICONS) == set(Kind)


def test_a_device_that_was_never_heard_has_no_time():
    assert components.moment(None).children == ""
    assert components.moment(0).children == ""
    assert components.moment(1_700_000_000_123).dateTime == "2023-11-14T22:13:20.123+00:00"


def test_every_reason_for_a_refusal_has_words():
    sources = ("devices/payloads.py", "devices/parsing.py", "devices/intake.py", "mqtt/sealing.py")
    text = "\n".join((ROOT / name).read_text() for name in sources)
    found = set(re.findall(r'(?:Refuse\(|refuse\(out, |SealError\()"(\w+)"', text))
    reasons = {SEAL_REASONS.get(code, code) for code in found}
    assert {"flood", "not_sealed", "replayed"} < reasons
    assert reasons <= device_parts.refusal_words().keys()


def test_what_the_server_says_of_a_command_has_words_in_python_and_in_the_script():
    script = (ROOT / "assets/commands.js").read_text()
    assert device_parts.command_text("failed", commands.AWAY) == "failed: broker not reachable"
    assert device_parts.command_text("refused", "window open") == "refused: window open"
    assert device_parts.command_text("") == ""
    for detail in device_parts.detail_words():
        assert f'gatehouse.t("{detail}")' in script


@pytest.mark.parametrize(
    ("ms", "text"),
    [(1_200_000, "20 minutes ago"), (180_000, "3 minutes ago"), (86_400_000, "1 day ago")],
)
def test_a_device_was_seen_so_long_ago_from_the_first_drawing_on(ms, text):
    """The whole date in its place would wrap on a telephone, and all below would jump."""
    assert device_parts.seen(DEVICE, now_ms() - ms).children == text


def test_nothing_is_said_of_a_device_that_was_never_seen():
    assert device_parts.seen(DEVICE, None).children == ""
