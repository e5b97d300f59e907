"""POST /devices/<id>/commands: who may press, what counts as a press."""

import re

import pytest
import requests

import db.base
from db.models import Command, Level
from tests.dashboard.watching import COOKIE, Person, Watched

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def person(live_house: Watched) -> Person:
    return live_house.person()


def press(
    house: Watched, person: Person, body: object, *, device: str = "", token: bool = True
) -> requests.Response:
    device = device or person.devices[0]
    with requests.Session() as browser:
        browser.cookies.set(COOKIE, person.cookie)
        page = browser.get(f"{house.url}/page?device={device}", timeout=30).text
        found = re.search('name="csrf-token" content="(.*?)"', page)
        headers = {"X-CSRFToken": found[1]} if token and found else {}
        return browser.post(
            f"{house.url}/devices/{device}/commands", json=body, headers=headers, timeout=30
        )


def asked(house: Watched, key: str) -> int:
    with house.outside.app_context():
        return db.base.db.session.query(Command).filter_by(idempotency_key=key).count()


def test_a_press_is_answered_at_once_with_what_became_of_it(live_house, person):
    answer = press(live_house, person, {"name": "unlock", "key": KEY})

    assert answer.status_code == 202
    assert answer.json()["state"] == "failed"  # there is no broker here
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_same_press_again_is_the_same_command(live_house, person):
    key = "a" * 32
    first = press(live_house, person, {"name": "unlock", "key": key})
    again = press(live_house, person, {"name": "unlock", "key": key})

    assert first.json()["id"] == again.json()["id"]
    assert asked(live_house, key) == 1


def test_without_the_pages_token_nothing_happens(live_house, person):
    key = "b" * 32
    answer = press(live_house, person, {"name": "unlock", "key": key}, token=False)

    assert answer.status_code == 400
    assert asked(live_house, key) == 0


def test_who_only_sees_a_device_may_not_operate_it(live_house, person):
    owner, key = live_house.person(), "c" * 32
    live_house.give(person, owner.devices[0], Level.VIEWER)
    answer = press(live_house, person, {"name": "unlock", "key": key}, device=owner.devices[0])

    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "level_too_low")
    assert asked(live_house, key) == 0


def test_a_strangers_device_is_not_there(live_house, person):
    other = live_house.person()
    answer = press(live_house, person, {"name": "unlock", "key": KEY}, device=other.devices[0])

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "device_not_found")


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"name": "unlock"},
        {"name": "unlock", "key": "short"},
        {"name": "", "key": KEY},
        {"name": "un\nlock", "key": KEY},
        {"name": "unlock\n", "key": KEY},
        {"name": "unlock", "key": KEY, "params": []},
        {"name": "unlock", "key": KEY, "more": 1},
        {"name": 5, "key": KEY},
    ],
)
def test_what_is_no_press_is_refused(live_house, person, body):
    answer = press(live_house, person, body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "bad_command")
