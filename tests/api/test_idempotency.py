"""Idempotency-Key: carried out once, answered as often as it is asked."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

import wiring
from auth import repeats
from clock import utcnow
from db.base import db, transaction
from db.models import Device, StoredAnswer
from errors import Conflict
from tests.api.test_errors import problem

KEY = {"Idempotency-Key": "7f3c"}
BODY = {"name": "Gate", "kind": "gate"}


def devices() -> int:
    db.session.rollback()
    return len(db.session.scalars(select(Device)).all())


def test_the_same_request_again_gets_the_same_answer_and_does_nothing(program):
    alice = program()

    first = alice("POST", "/devices", json=BODY, headers=KEY)
    again = alice("POST", "/devices", json=BODY, headers=KEY)

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.data == first.data
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert devices() == 1


def test_an_answer_without_a_body_is_repeated_too(program):
    alice = program()
    device = alice("POST", "/devices", json=BODY).json["id"]

    first = alice("DELETE", f"/devices/{device}", headers=KEY)
    again = alice("DELETE", f"/devices/{device}", headers=KEY)

    assert (first.status_code, again.status_code) == (204, 204)


def test_keys_of_others_are_other_keys(program):
    program("alice")("POST", "/devices", json=BODY, headers=KEY)
    other = program("bob")("POST", "/devices", json=BODY, headers=KEY)

    assert "Idempotency-Replayed" not in other.headers
    assert devices() == 2


def test_a_key_belongs_to_one_request(program):
    alice = program()
    alice("POST", "/devices", json=BODY, headers=KEY)

    answer = alice("POST", "/devices", json=BODY | {"name": "Other"}, headers=KEY)

    assert problem(answer, 422)["code"] == "idempotency_key_reused"


def test_an_error_is_not_kept(program):
    alice = program()
    alice("POST", "/devices", json=BODY)
    taken = alice("POST", "/devices", json=BODY, headers=KEY)
    device = alice("GET", "/devices").json["items"][0]["id"]
    alice("PATCH", f"/devices/{device}", json={"name": "Other"})

    again = alice("POST", "/devices", json=BODY, headers=KEY)

    assert (taken.status_code, again.status_code) == (409, 201)


@pytest.mark.parametrize("key", ["", "x" * 65, "a b", "ü"])
def test_a_key_of_another_form_is_422(program, key):
    answer = program()("POST", "/devices", json=BODY, headers={"Idempotency-Key": key})
    assert problem(answer, 422)["code"] == "bad_idempotency_key"


def test_of_twenty_at_once_one_is_carried_out(program, server):
    alice = program()
    statuses: list[int] = []

    def ask():
        caller = type(alice)(server.test_client(), alice.token)
        statuses.append(caller("POST", "/devices", json=BODY, headers=KEY).status_code)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert devices() == 1
    assert set(statuses) <= {201, 409}
    assert 201 in statuses


def test_a_request_that_never_ended_can_be_tried_again_after_a_minute(server):
    keys, now = wiring.current().keys, utcnow()
    assert repeats.begin("user:x", "k", "f", keys=keys, now=now) is None
    with pytest.raises(Conflict):
        repeats.begin("user:x", "k", "f", keys=keys, now=now + timedelta(seconds=59))
    assert repeats.begin("user:x", "k", "f", keys=keys, now=now + timedelta(seconds=61)) is None


def test_answers_are_kept_for_a_day_and_encrypted(program):
    alice = program()
    secret = alice("POST", "/devices", json=BODY, headers=KEY).json["mqtt"]["password"]

    row = db.session.scalars(select(StoredAnswer)).one()
    assert secret.encode() not in row.body
    with transaction():
        row.created_at = utcnow() - timedelta(hours=25)
    again = alice("POST", "/devices", json=BODY | {"name": "Two"}, headers=KEY)

    assert again.status_code == 201
    assert devices() == 2
