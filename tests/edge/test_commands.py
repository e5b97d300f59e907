import json

import pytest

from edge import commands
from edge.commands import Refused

KEY = "a-command-key"
NOW = 1_795_000_000_000
UUID = "0b8f2f0e-3b51-4b43-9c0c-3f6a3a3e8a10"


def message(key: str = KEY, **changes: object) -> dict:
    parts = {
        "id": UUID,
        "name": "unlock",
        "params": {},
        "issued": NOW - 1000,
        "expires": NOW + 3000,
    } | changes
    parts["sig"] = commands.sign(
        key,
        command_id=parts["id"],
        name=parts["name"],
        params=parts["params"],
        issued=parts["issued"],
        expires=parts["expires"],
    )
    return parts


def read(parts: object, **options):
    payload = parts if isinstance(parts, bytes) else json.dumps(parts).encode()
    return commands.read(payload, **({"key": KEY, "now_ms": NOW} | options))


def refused(parts: object, **options) -> Refused:
    with pytest.raises(Refused) as caught:
        read(parts, **options)
    return caught.value


def test_a_signed_command_in_time_is_read():
    command = read(message(params={"target": "led.garage"}))

    assert (command.id, command.name, command.params) == (UUID, "unlock", {"target": "led.garage"})


def test_the_signature_is_that_of_the_protocol():
    """`sig` = hex HMAC-SHA256 over id|name|canonical-json(params)|issued|expires."""
    signed = commands.sign(
        "key", command_id="1", name="set", params={"b": 1, "a": "ü x"}, issued=10, expires=20
    )

    assert signed == "753c18663b85a44889ce2960ab9c28adbbd241ebc768937f3c6dfca32e84d4d6"


@pytest.mark.parametrize("moment", [1_795_000_003, 1_795_000_003.0, "2026-11-18T11:06:43Z"])
def test_times_may_be_seconds_or_iso_8601(moment):
    assert commands.to_ms(moment) == 1_795_000_003_000


@pytest.mark.parametrize(
    "change",
    [
        {"name": "open"},
        {"params": {"target": "other"}},
        {"expires": NOW + 60_000},
        {"issued": NOW},
        {"id": "00000000-0000-4000-8000-000000000000"},
        {"sig": "0" * 64},
        {"sig": None},
        {"sig": "ä"},
    ],
)
def test_a_command_changed_on_the_way_is_refused(change):
    assert refused(message() | change).code == "unsigned"


def test_a_command_without_signature_is_refused():
    parts = message()
    del parts["sig"]

    assert refused(parts).code == "unsigned"


def test_a_command_signed_for_another_device_is_refused():
    assert refused(message(key="another-key")).code == "unsigned"


def test_a_device_without_a_key_asks_for_no_signature():
    parts = message()
    del parts["sig"]

    assert read(parts, key="").name == "unlock"


@pytest.mark.parametrize("late_ms", [0, 1, 6_000, 86_400_000])
def test_a_late_command_is_refused_and_answered(late_ms):
    refusal = refused(message(), now_ms=NOW + 3000 + late_ms)

    assert (refusal.code, refusal.command_id) == ("expired", UUID)


def test_a_device_whose_clock_is_behind_says_so_instead_of_acting_late():
    refusal = refused(message(), now_ms=NOW - 3_600_000)

    assert refusal.code == "clock_off"
    assert "3599 s behind" in str(refusal)


def test_a_retained_command_is_refused_without_a_word():
    refusal = refused(message(), retained=True)

    assert (refusal.code, refusal.command_id) == ("retained", "")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"unlock",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"id": 1}',
        json.dumps(message() | {"id": "not-a-uuid"}).encode(),
        json.dumps(message() | {"name": 7}).encode(),
        json.dumps(message() | {"params": []}).encode(),
        json.dumps(message() | {"expires": "soon"}).encode(),
        json.dumps(message() | {"expires": True}).encode(),
        json.dumps(message() | {"expires": "2026-11-18T11:06:43"}).encode(),
        json.dumps(message()).replace(str(NOW + 3000), "NaN").encode(),
        json.dumps(message()).replace(str(NOW + 3000), "1e999").encode(),
    ],
)
def test_what_is_no_command_is_refused_without_a_word(payload):
    refusal = refused(payload)

    assert (refusal.code, refusal.command_id) == ("malformed", "")
