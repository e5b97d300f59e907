"""Guest links for many guests over REST."""

import pytest

LIST = "device;guest;from;until\nRoom 1;Mia;2030-07-05 15:00;2030-07-07 11:00\n"
PLAIN = {"Content-Type": "text/csv"}


@pytest.fixture
def owner(program):
    made = program()
    made("POST", "/devices", json={"name": "Room 1", "kind": "lock"})
    return made


def device(owner) -> str:
    return owner("GET", "/devices").json["items"][0]["id"]


def test_a_list_becomes_links_with_their_addresses(owner):
    answer = owner("POST", "/guest-links", data=LIST, headers=PLAIN)
    assert answer.status_code == 201
    [line] = answer.json["lines"]
    assert (line["line"], line["error"], line["link"]["label"]) == (2, "", "Mia")
    assert "/g/" in line["link"]["url"]
    [kept] = owner("GET", f"/devices/{device(owner)}/guest-links").json["items"]
    assert kept["id"] == line["link"]["id"]


def test_a_dry_run_says_what_is_wrong_with_each_line_and_makes_nothing(owner):
    wrong = LIST + "Room 9;Otto;2030-07-05 15:00;2030-07-07 11:00\n"
    answer = owner("POST", "/guest-links?dry_run=true", data=wrong, headers=PLAIN)
    assert answer.status_code == 200
    assert [line["error"] for line in answer.json["lines"]] == ["", "device_not_found"]
    assert [line["link"] for line in answer.json["lines"]] == [None, None]
    assert owner("GET", f"/devices/{device(owner)}/guest-links").json["items"] == []


def test_a_list_with_a_wrong_line_is_refused_whole(owner):
    wrong = LIST + "Room 1;;2030-07-05 15:00;2030-07-07 11:00\n"
    answer = owner("POST", "/guest-links", data=wrong, headers=PLAIN)
    assert answer.status_code == 422
    error = answer.json["error"]
    assert error["code"] == "guest_list_refused"
    assert error["details"]["lines"] == [{"line": 3, "device": "Room 1", "error": "label_length"}]
    assert owner("GET", f"/devices/{device(owner)}/guest-links").json["items"] == []


def test_the_rooms_of_others_are_unknown(owner, program):
    stranger = program("mallory")
    answer = stranger("POST", "/guest-links", data=LIST, headers=PLAIN)
    assert answer.json["error"]["details"]["lines"][0]["error"] == "device_not_found"
    assert owner("GET", f"/devices/{device(owner)}/guest-links").json["items"] == []
