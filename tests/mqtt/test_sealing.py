import base64
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt.sealing import Seal, SealError

KEY = "mfrggzdfmztwq2lknnwg23tpobyxe43u"
TOPIC = "gatehouse/gate-1/sealed"


@pytest.fixture
def seal():
    return Seal(KEY, TOPIC)


def refused(seal: Seal, message: bytes, above: int = 0) -> str:
    with pytest.raises(SealError) as caught:
        seal.open_(message, above=above)
    return caught.value.code


def changed(message: bytes, **parts: object) -> bytes:
    return json.dumps(json.loads(message) | parts).encode()


@pytest.mark.parametrize(
    ("payload", "as_sent"),
    [
        (21.5, b"21.5"),
        ("ON", b"ON"),
        ({"temperature": 21.5, "ort": "Küche"}, '{"temperature": 21.5, "ort": "Küche"}'.encode()),
        ([{"ts": 1, "values": {"a": True}}], b'[{"ts": 1, "values": {"a": true}}]'),
    ],
)
def test_what_was_sealed_opens_as_it_would_have_come_in_the_clear(seal, payload, as_sent):
    opened = seal.open_(seal.seal("telemetry", payload, n=7), above=6)

    assert (opened.topic, opened.payload, opened.n) == ("telemetry", as_sent, 7)


def test_an_envelope_has_the_form_of_the_protocol_and_hides_its_content(seal):
    message = seal.seal("telemetry", {"temperature": 21.5}, n=3)
    envelope = json.loads(message)

    assert list(envelope) == ["v", "kid", "n", "iv", "ct"]
    assert (envelope["v"], envelope["kid"], envelope["n"]) == (1, seal.kid, 3)
    assert len(base64.b64decode(envelope["iv"])) == 12
    assert b"telemetry" not in message
    assert b"temperature" not in base64.b64decode(envelope["ct"])


def test_the_envelope_of_the_documentation_opens(seal):
    """Firmware is tested with it, so it may never change."""
    page = (Path(__file__).resolve().parents[2] / "docs/protocol.md").read_text()
    assert f"command key `{KEY}`, topic `{TOPIC}`" in page
    message = re.search(r'`(\{"v":1,"kid":"129b20bf".*?\})`', page)[1]

    opened = seal.open_(message.encode(), above=40)

    assert (opened.topic, opened.payload) == ("led/garage", b"ON")


@pytest.mark.parametrize("above", [5, 6, 10**9])
def test_an_envelope_sent_again_is_refused(seal, above):
    assert refused(seal, seal.seal("telemetry", 1, n=5), above) == "replayed"


def test_a_counter_set_higher_by_an_attacker_is_noticed(seal):
    message = seal.seal("telemetry", 1, n=5)

    assert refused(seal, changed(message, n=6), above=5) == "forged"


def test_an_envelope_on_another_devices_topic_is_refused(seal):
    other = Seal(KEY, "gatehouse/gate-2/sealed")

    assert refused(other, seal.seal("telemetry", 1, n=1)) == "forged"


def test_what_a_device_said_cannot_be_sent_back_to_it_as_a_command(seal):
    down = Seal(KEY, "gatehouse/gate-1/commands/sealed")

    assert refused(down, seal.seal("commands", {"name": "unlock"}, n=1)) == "forged"


def test_an_older_key_is_named_as_such():
    old = Seal("the-key-before-rotation", TOPIC)

    assert refused(Seal(KEY, TOPIC), old.seal("telemetry", 1, n=1)) == "unknown_key"


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_one_changed_bit_anywhere_in_the_text_is_noticed(seal, place):
    message = seal.seal("telemetry", {"temperature": 21.5, "humidity": 40}, n=1)
    text = bytearray(base64.b64decode(json.loads(message)["ct"]))
    text[place] ^= 1

    assert refused(seal, changed(message, ct=base64.b64encode(text).decode())) == "forged"


@pytest.mark.parametrize(
    "parts",
    [
        {"v": 2},
        {"n": 0},
        {"n": -1},
        {"n": 2**53},
        {"n": 1.0},
        {"n": True},
        {"n": "1"},
        {"kid": 7},
        {"iv": ""},
        {"iv": "AAAA"},
        {"iv": "not base64!"},
        {"ct": None},
        {"ct": "AAAA\n"},
        {"iv": "ä" * 16},
    ],
)
def test_a_malformed_envelope_is_refused(seal, parts):
    assert refused(seal, changed(seal.seal("telemetry", 1, n=1), **parts)) == "malformed"


@pytest.mark.parametrize("message", [b"", b"[]", b"1", b"null", b"\xff", b"[" * 100_000, b"{}"])
def test_bytes_that_are_no_envelope_are_refused(seal, message):
    assert refused(seal, message) == "malformed"


@pytest.mark.parametrize("inner", ["sealed", "commands/sealed"])
def test_an_envelope_in_an_envelope_is_refused(seal, inner):
    assert refused(seal, seal.seal(inner, {}, n=1)) == "malformed"


@pytest.mark.parametrize("n", [0, -1, 2**53])
def test_a_counter_out_of_range_cannot_be_sealed(seal, n):
    with pytest.raises(ValueError, match="counter"):
        seal.seal("telemetry", 1, n=n)


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_refusal(message):
    with pytest.raises(SealError):
        Seal(KEY, TOPIC).open_(message, above=0)
