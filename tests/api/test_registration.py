"""Devices that register themselves, and the people who claim them."""

import hashlib
import hmac
import threading
from datetime import timedelta

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select

import wiring
from auth import administration
from clock import utcnow
from db.base import db, transaction
from db.models import AuditEvent, Claim, Device
from devices import inventory, registry
from tests.api.test_errors import problem
from tests.mqtt.conftest import Speaker

SECRET = "printed on the box"
BOOT = {
    "hardware_id": "esp-A1",
    "controller_id": "gate-1",
    "firmware": "1.0",
    "claim_secret": SECRET,
}


def boot(server: Flask, **changes):
    return server.test_client().post("/api/v1/devices/register", json=BOOT | changes)


@pytest.fixture
def guarded(server: Flask, monkeypatch):
    """A server with a CLAIM_SECRET."""
    parts = wiring.current()
    changed = parts.settings.model_copy(update={"claim_secret": SecretStr("factory secret")})
    monkeypatch.setattr(parts, "settings", changed)
    return server


def test_a_device_registers_and_gets_the_same_credentials_again(server):
    first, again = boot(server), boot(server, firmware="1.1")

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json["mqtt"] == again.json["mqtt"]
    assert first.json["token"] == again.json["token"]
    assert first.json["claim"]["code"] == again.json["claim"]["code"]
    assert inventory.find("esp-A1").firmware == "1.1"


def test_twenty_registrations_at_once_make_one_device(server):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(boot(server))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json["mqtt"]["password"] for answer in answers}) == 1
    assert len(db.session.scalars(select(Device)).all()) == 1


def test_a_person_claims_it_with_the_code_that_it_shows(server, program):
    alice = program()
    made = boot(server).json

    code = made["claim"]["code"].lower().replace("-", " ")
    claimed = alice("POST", "/devices/claim", json={"code": code})

    assert claimed.status_code == 200
    assert (claimed.json["id"], claimed.json["level"]) == (made["id"], "owner")
    assert boot(server).json["claim"] is None
    problem(program("bob")("POST", "/devices/claim", json={"code": made["claim"]["code"]}), 404)


def test_a_person_claims_it_with_the_secret_that_is_printed_on_it(server, program):
    made = boot(server).json
    claimed = program()("POST", "/devices/claim", json={"code": SECRET})
    assert claimed.json["id"] == made["id"]


def test_a_secret_that_two_devices_have_claims_none(server, program):
    boot(server)
    boot(server, hardware_id="esp-A2", controller_id="gate-2")
    problem(program()("POST", "/devices/claim", json={"code": SECRET}), 404)


def test_readings_stay_when_it_registers_again_under_another_controller_id(server, program):
    alice = program()
    made = boot(server).json
    alice("POST", "/devices/claim", json={"code": SECRET})
    store = wiring.current().store
    store.add_series(inventory.find(made["id"]).id, "t", "number")

    again = boot(server, controller_id="gate-renamed")

    assert again.json["id"] == made["id"]
    assert again.json["mqtt"]["topics"]["telemetry"] == "gatehouse/gate-renamed/telemetry"
    sensors = alice("GET", f"/devices/{made['id']}/sensors").json["items"]
    assert [one["name"] for one in sensors] == ["t"]


def test_the_broker_lets_it_in_only_when_somebody_has_claimed_it(running, program, settings):
    made = boot(running, hardware_id="esp-live", controller_id="gate-live").json
    login = settings.mqtt_port, made["mqtt"]["username"], made["mqtt"]["password"]
    device = {"Authorization": f"Bearer {made['token']}"}
    client = running.test_client()

    stranger = Speaker(*login)
    assert not stranger.is_in
    stranger.close()
    problem(client.get(f"/api/v1/devices/{made['id']}", headers=device), 401)

    assert program()("POST", "/devices/claim", json={"code": SECRET}).status_code == 200
    owned = Speaker(*login)
    assert owned.is_in
    owned.close()
    assert client.get(f"/api/v1/devices/{made['id']}", headers=device).status_code == 200


def test_another_secret_does_not_take_a_device_over(server):
    boot(server)
    answer = boot(server, claim_secret="something else")
    assert problem(answer, 403)["code"] == "claim_secret_wrong"


def test_a_device_that_a_person_added_by_hand_is_not_taken_over(server, program):
    alice = program()
    alice("POST", "/devices", json={"name": "x", "hardware_id": "esp-A1"})
    assert problem(boot(server), 403)["code"] == "claim_secret_wrong"


def test_wrong_secrets_are_counted_and_stopped(server):
    boot(server)
    for _ in range(10):
        problem(boot(server, claim_secret="wrong again"), 403)

    answer = boot(server)

    assert problem(answer, 429)["code"] == "too_many_requests"
    assert int(answer.headers["Retry-After"]) > 0


def test_wrong_codes_are_counted_and_stopped(server, program):
    alice = program()
    code = boot(server).json["claim"]["code"]
    for _ in range(5):
        problem(alice("POST", "/devices/claim", json={"code": "AAAA-AAAA"}), 404)

    problem(alice("POST", "/devices/claim", json={"code": code}), 429)


def test_a_code_works_for_a_day_after_the_last_start(server, program):
    alice = program()
    code = boot(server).json["claim"]["code"]
    with transaction() as session:
        session.scalars(select(Claim)).one().registered_at = utcnow() - timedelta(hours=25)

    problem(alice("POST", "/devices/claim", json={"code": code}), 404)
    boot(server)
    assert alice("POST", "/devices/claim", json={"code": code}).status_code == 200


def test_strangers_register_a_few_devices_only_and_old_ones_are_forgotten(server):
    for number in range(20):
        made = boot(server, hardware_id=f"h{number}", controller_id=f"c{number}")
        assert made.status_code == 201
    problem(boot(server, hardware_id="h20", controller_id="c20"), 429)

    elsewhere = {"REMOTE_ADDR": "192.0.2.9"}
    with transaction() as session:
        for claim in session.scalars(select(Claim)):
            claim.registered_at = utcnow() - timedelta(hours=25)
    server.test_client().post("/api/v1/devices/register", json=BOOT, environ_base=elsewhere)
    db.session.rollback()
    assert len(db.session.scalars(select(Device)).all()) == 1


def test_with_a_claim_secret_set_only_who_knows_it_registers(guarded):
    own = hmac.new(b"factory secret", b"esp-A1", hashlib.sha256).hexdigest()
    other = hmac.new(b"factory secret", b"esp-A2", hashlib.sha256).hexdigest()

    problem(boot(guarded), 403)
    problem(boot(guarded, claim_secret=other), 403)
    assert boot(guarded, claim_secret=own).status_code == 201
    problem(boot(guarded, claim_secret="factory secret"), 403)  # it has shown its own
    shared = boot(
        guarded, claim_secret="factory secret", hardware_id="esp-A2", controller_id="gate-2"
    )
    assert shared.status_code == 201
    assert inventory.find("esp-A2").revoked_at is None


def test_the_shared_claim_secret_claims_nothing(guarded, program):
    boot(guarded, claim_secret="factory secret")
    problem(program()("POST", "/devices/claim", json={"code": "factory secret"}), 404)


def test_a_device_that_its_owner_has_revoked_stays_out(server, program, person):
    made = boot(server).json
    program("alice")("POST", "/devices/claim", json={"code": SECRET})
    device = inventory.find(made["id"])
    owner = inventory.owner(device)
    registry.revoke(device, by=owner, now=utcnow(), broker=wiring.current().broker)

    assert problem(boot(server), 403)["code"] == "device_revoked"


def test_a_device_whose_owner_is_switched_off_stays_out_and_comes_back(server, program):
    made = boot(server).json
    program("alice")("POST", "/devices/claim", json={"code": SECRET})
    owner = inventory.owner(inventory.find(made["id"]))
    administration.disable(owner, by=None, now=utcnow())
    assert problem(boot(server), 403)["code"] == "owner_disabled"
    administration.enable(owner, by=None, now=utcnow())
    assert boot(server).json["mqtt"] == made["mqtt"]


def test_a_controller_id_of_another_device_is_409(server, program):
    program()("POST", "/devices", json={"name": "x", "controller_id": "gate-1"})
    assert problem(boot(server), 409)["code"] == "controller_id_taken"
    assert len(db.session.scalars(select(Device)).all()) == 1


def test_a_name_that_its_new_owner_uses_already_gets_a_number(server, program):
    alice = program()
    alice("POST", "/devices", json={"name": "gate-1"})
    boot(server)
    claimed = alice("POST", "/devices/claim", json={"code": SECRET})
    assert claimed.json["name"] == "gate-1 2"


@pytest.mark.parametrize(
    "changes",
    [
        {"hardware_id": "a b"},
        {"controller_id": "#"},
        {"claim_secret": "short"},
        {"firmware": "x" * 65},
        {"extra": 1},
    ],
    ids=["hardware id", "controller id", "secret", "firmware", "extra"],
)
def test_what_is_no_registration_is_422(server, changes):
    problem(boot(server, **changes), 422)


def test_no_secret_of_it_is_kept_in_clear(server, settings):
    made = boot(server).json
    kept = b"".join(
        path.read_bytes() for path in settings.instance_dir.rglob("*") if path.is_file()
    )
    for secret in (SECRET, made["claim"]["code"], made["token"], made["mqtt"]["password"]):
        assert secret.encode() not in kept


def test_wrong_secrets_and_codes_leave_a_line(server, program):
    boot(server)
    alice = program("alice")
    for _try in range(3):
        boot(server, claim_secret="something else")
        alice("POST", "/devices/claim", json={"code": "AAAA-AAAA"})
    found = {
        row.action: (row.actor, row.result)
        for row in db.session.scalars(select(AuditEvent))
        if row.action.endswith("_fail")
    }
    assert found == {
        "device.register_fail": ("esp-A1", "refused"),
        "device.claim_fail": (alice.email, "refused"),
    }
