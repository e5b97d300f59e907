"""Devices over REST: add, list, show, change, delete, credentials, tokens."""

import pytest

import wiring
from db.telemetry.records import Batch, PresenceRow
from devices import inventory
from mqtt import topics
from tests.api.test_errors import problem


def add(program, name="Front door", **fields) -> dict:
    answer = program("POST", "/devices", json={"name": name, "kind": "lock", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json


def test_adding_a_device_shows_its_secrets_this_once(program, settings):
    alice = program()

    made = add(alice, hardware_id="esp-1", controller_id="front")

    assert made["controller_id"] == "front"
    mqtt = made["mqtt"]
    assert (mqtt["host"], mqtt["port"], mqtt["tls"]) == ("127.0.0.1", settings.mqtt_port, False)
    assert mqtt["topics"]["telemetry"] == "gatehouse/front/telemetry"
    assert mqtt["topics"]["commands"] == "gatehouse/front/commands"
    assert made["token"].startswith("dev_")
    shown = alice("GET", f"/devices/{made['id']}")
    assert shown.status_code == 200
    for secret in (mqtt["password"], made["token"], made["command_key"]):
        assert secret not in shown.text
    assert shown.json["level"] == "owner"
    assert shown.json["state"] == "never_seen"
    assert shown.json["hardware_id"] == "esp-1"


def test_a_device_shows_the_firmware_that_it_said_last(program, server):
    alice = program()
    made = add(alice)
    with server.app_context():
        store = wiring.current().store
        device = inventory.find(made["id"])
        said = PresenceRow("online", 1, 1, {"firmware": "1.2.3", "rssi": -60.0})
        store.write(Batch(presence={device.id: said}))

    assert alice("GET", f"/devices/{made['id']}").json["firmware"] == "1.2.3"


def test_every_topic_that_is_told_may_be_used():
    for rest in ("telemetry", "status", "commands/ack", "log", "sealed"):
        assert rest in topics.DEVICE_WRITES
    for rest in ("commands", "config", "files"):
        assert rest in topics.DEVICE_READS


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "lock"}, "name"),
        ({"name": "", "kind": "lock"}, "name"),
        ({"name": "x" * 81, "kind": "lock"}, "name"),
        ({"name": "a\nb", "kind": "lock"}, "name"),
        ({"name": "x", "kind": "toaster"}, "kind"),
        ({"name": "x", "kind": "lock", "controller_id": "a/b"}, "controller_id"),
        ({"name": "x", "kind": "lock", "controller_id": "+"}, "controller_id"),
        ({"name": "x", "kind": "lock", "hardware_id": ""}, "hardware_id"),
        ({"name": 1, "kind": "lock"}, "name"),
    ],
)
def test_what_cannot_be_a_device_is_422_and_the_field_is_named(program, body, field):
    error = problem(program()("POST", "/devices", json=body), 422)
    assert error["details"]["field"] == field


def test_ids_that_are_taken_are_409(program):
    alice, bob = program("alice"), program("bob")
    add(alice, "One", hardware_id="h", controller_id="c")

    for program_, body, code in (
        (bob, {"name": "x", "kind": "lock", "controller_id": "c"}, "controller_id_taken"),
        (bob, {"name": "x", "kind": "lock", "hardware_id": "h"}, "hardware_id_taken"),
        (alice, {"name": "One", "kind": "lock"}, "device_name_taken"),
    ):
        assert problem(program_("POST", "/devices", json=body), 409)["code"] == code


def test_the_list_comes_in_pages_that_nothing_shifts(program):
    alice = program()
    ids = [add(alice, f"Device {number}")["id"] for number in range(5)]

    first = alice("GET", "/devices?limit=2").json
    alice("DELETE", f"/devices/{ids[0]}")  # what was seen goes away
    second = alice("GET", f"/devices?limit=2&cursor={first['next']}").json
    third = alice("GET", f"/devices?limit=2&cursor={second['next']}").json

    seen = [one["id"] for page in (first, second, third) for one in page["items"]]
    assert sorted(seen) == sorted(ids)
    assert third["next"] is None


def test_short_lists_come_in_pages_too(program):
    alice = program()
    path = f"/devices/{add(alice)['id']}/tokens"
    ids = [alice("POST", path, json={}).json["id"] for _ in range(4)]
    whole = [one["id"] for one in alice("GET", path).json["items"]]
    assert set(ids) < set(whole)

    first = alice("GET", f"{path}?limit=2").json
    alice("DELETE", f"{path}/{first['items'][-1]['id']}")  # what the cursor names goes away
    seen = [one["id"] for one in first["items"]]
    while first["next"]:
        first = alice("GET", f"{path}?limit=2&cursor={first['next']}").json
        seen += [one["id"] for one in first["items"]]

    assert seen == whole
    for query in ("limit=0", "limit=501", "cursor=x", "page=2"):
        problem(alice("GET", f"{path}?{query}"), 422)


@pytest.mark.parametrize("cursor", ["x", "%00", "MTIz", "~", "é", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5fg"])
def test_a_cursor_that_is_none_is_422(program, cursor):
    problem(program()("GET", f"/devices?cursor={cursor}"), 422)


def test_renaming_has_three_answers(program):
    alice = program()
    one, _two = add(alice, "One"), add(alice, "Two")

    renamed = alice("PATCH", f"/devices/{one['id']}", json={"name": "Back door"})
    again = alice("PATCH", f"/devices/{one['id']}", json={"name": "Back door"})
    taken = alice("PATCH", f"/devices/{one['id']}", json={"name": "Two"})

    assert (renamed.status_code, renamed.json["name"]) == (200, "Back door")
    assert renamed.json["unchanged"] is False
    assert (again.status_code, again.json["unchanged"]) == (200, True)
    assert problem(taken, 409)["code"] == "device_name_taken"


def test_settings_change_and_what_is_left_out_stays(program):
    alice = program()
    device = add(alice)["id"]

    changed = alice(
        "PATCH",
        f"/devices/{device}",
        json={
            "notes": "under the stairs",
            "timezone": "Europe/Belgrade",
            "expected_interval_s": 10,
            "hold_to_act": True,
            "retention_days": 30,
            "controller_id": "other",
            "kind": "gate",
        },
    ).json
    after = alice("PATCH", f"/devices/{device}", json={"retention_days": None}).json

    assert changed["name"] == "Front door"
    assert (changed["notes"], changed["timezone"]) == ("under the stairs", "Europe/Belgrade")
    assert (changed["controller_id"], changed["kind"]) == ("other", "gate")
    assert (changed["retention_days"], after["retention_days"]) == (30, None)
    assert after["hold_to_act"] is True


def test_what_counts_for_readings_is_shown(program, monkeypatch):
    alice = program()
    path = f"/devices/{add(alice)['id']}"

    def kept(days):
        answer = alice("PATCH", path, json={"retention_days": days}).json
        assert alice("GET", path).json["kept_days"] == answer["kept_days"]
        return answer["retention_days"], answer["kept_days"]

    assert [kept(days) for days in (30, 0, None)] == [(30, 30), (0, None), (None, None)]
    parts = wiring.current()
    with_default = parts.settings.model_copy(update={"retention_days": 365})
    monkeypatch.setattr(parts, "settings", with_default)
    assert [kept(days) for days in (30, 0, None)] == [(30, 30), (0, None), (None, 365)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": None},
        {"notes": "x" * 4001},
        {"timezone": "Moon/Sea"},
        {"expected_interval_s": 0},
        {"retention_days": "ten"},
        {"retention_days": -1},
        {"retention_days": 36_501},
        {"retention_days": False},
        {"id": "x"},
    ],
    ids=lambda body: "-".join(body) or "nothing",
)
def test_a_change_that_cannot_be_is_422(program, body):
    alice = program()
    device = add(alice)["id"]
    problem(alice("PATCH", f"/devices/{device}", json=body), 422)


def test_a_deleted_device_is_gone_with_its_readings(program):
    alice = program()
    made = add(alice)
    store = wiring.current().store
    key = inventory.find(made["id"]).id
    series = store.add_series(key, "t", "number")
    store.write(Batch(values=[(series.id, 1_767_225_600_000, 1.0)]))

    assert alice("DELETE", f"/devices/{made['id']}").status_code == 204

    problem(alice("GET", f"/devices/{made['id']}"), 404)
    assert store.series([key]).get(key, []) == []


def test_new_credentials_replace_the_old_ones(program):
    alice = program()
    made = add(alice)

    answer = alice("POST", f"/devices/{made['id']}/credentials")

    assert answer.status_code == 201
    assert answer.json["mqtt"]["username"] == made["mqtt"]["username"]
    assert answer.json["mqtt"]["password"] != made["mqtt"]["password"]


def test_a_device_token_shows_its_own_device_and_no_other(program, server):
    alice = program()
    made, other = add(alice, "One"), add(alice, "Two")
    device = type(alice)(server.test_client(), made["token"])

    assert device("GET", f"/devices/{made['id']}").json["level"] == ""
    problem(device("GET", f"/devices/{other['id']}"), 404)
    assert problem(device("GET", "/devices"), 401)["code"] == "wrong_token_kind"
    assert problem(device("DELETE", f"/devices/{made['id']}"), 401)["code"] == "wrong_token_kind"


def test_device_tokens_are_made_listed_and_revoked_at_once(program, server):
    alice = program()
    device = add(alice)["id"]

    made = alice("POST", f"/devices/{device}/tokens", json={"label": "meter"})
    assert made.status_code == 201
    listed = alice("GET", f"/devices/{device}/tokens")
    assert made.json["token"] not in listed.text
    assert [one["label"] for one in listed.json["items"]] == ["", "meter"]

    meter = type(alice)(server.test_client(), made.json["token"])
    assert meter("GET", f"/devices/{device}").status_code == 200
    used = alice("GET", f"/devices/{device}/tokens").json["items"][1]
    assert used["used_at"] is not None
    gone = alice("DELETE", f"/devices/{device}/tokens/{made.json['id']}")
    assert gone.status_code == 204
    problem(meter("GET", f"/devices/{device}"), 401)
    problem(alice("DELETE", f"/devices/{device}/tokens/{made.json['id']}"), 404)


def test_a_device_has_at_most_twenty_tokens(program):
    alice = program()
    device = add(alice)["id"]
    for _ in range(19):
        assert alice("POST", f"/devices/{device}/tokens", json={}).status_code == 201

    answer = alice("POST", f"/devices/{device}/tokens", json={})

    assert problem(answer, 409)["code"] == "too_many_device_tokens"


def test_no_device_token_is_kept_in_clear(program, settings):
    alice = program()
    made = add(alice)
    token = alice("POST", f"/devices/{made['id']}/tokens", json={}).json["token"]

    kept = b"".join(
        path.read_bytes() for path in settings.instance_dir.rglob("*") if path.is_file()
    )

    for secret in (made["token"], token, made["mqtt"]["password"], made["command_key"]):
        assert secret.encode() not in kept
