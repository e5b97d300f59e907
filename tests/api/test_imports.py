"""Readings from a file over REST: a look first, then the readings."""

import gzip

import pytest

from tests.api.test_devices import add
from tests.api.test_errors import problem

SPAN = "from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z"
FILE = (
    "time,device,sensor,value,unit\r\n"
    "2026-01-01T00:00:00.000Z,d,t,21.5,°C\r\n"
    "2026-01-01T00:00:01.000Z,d,t,22,°C\r\n"
    "never,d,t,23,°C\r\n"
)


def test_a_file_is_looked_at_and_then_taken(server, program):
    alice = program()
    device = add(alice)["id"]
    path = f"/devices/{device}/import"

    def send(query: str = "") -> dict:
        answer = alice("POST", path + query, data=FILE.encode(), content_type="text/csv")
        assert answer.status_code == 200, answer.text
        return answer.json

    said = {
        "rows": 2,
        "repeated": 0,
        "replaced": 0,
        "ambiguous": 0,
        "unended_line": 0,
        "refused": {"bad_time": 1},
        "examples": [{"line": 4, "code": "bad_time"}],
    }
    sensor = {
        "name": "t",
        "kind": "number",
        "rows": 2,
        "known": 0,
        "replaced": 0,
        "first_ms": 1_767_225_600_000,
        "last_ms": 1_767_225_601_000,
    }
    assert send("?dry_run=true") == {"dry_run": True, "sensors": [sensor], **said}
    assert alice("GET", f"/devices/{device}/sensors").json["items"] == []
    assert send() == {"dry_run": False, "sensors": [sensor], **said}
    found = alice("GET", f"/devices/{device}/readings?sensor=t&{SPAN}").json
    assert [one["value"] for one in found["items"]] == [21.5, 22.0]
    assert found["unit"] == "°C"
    assert send()["sensors"] == [{**sensor, "known": 2}]


def test_a_file_that_is_none_is_a_clear_answer(server, program):
    alice = program()
    path = f"/devices/{add(alice)['id']}/import"
    answer = alice("POST", path, data=b"time,t\n2026-01-01,\xe9\n", content_type="text/csv")

    error = problem(answer, 422)
    assert error["code"] == "not_utf8"
    assert "line 2" in error["message"]


@pytest.mark.parametrize("media", ["text/html", "application/json", None])
def test_a_file_of_another_media_type_is_not_taken(server, program, media):
    alice = program()
    path = f"/devices/{add(alice)['id']}/import"
    answer = alice("POST", path, data=FILE.encode(), content_type=media)

    assert problem(answer, 415)["code"] == "unsupported_media_type"


def test_a_compressed_file_is_taken(server, program):
    alice = program()
    path = f"/devices/{add(alice)['id']}/import"
    file = gzip.compress(FILE.encode())
    answer = alice("POST", path, data=file, content_type="application/gzip")

    assert answer.status_code == 200, answer.text
    assert answer.json["rows"] == 2
