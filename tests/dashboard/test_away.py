"""While the database of accounts does not answer, everybody is told so."""

import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy import event

from db.base import db
from tests.portal import Portal, Visitor


@pytest.fixture
def away(portal: Portal, alice: Visitor) -> Iterator[None]:
    """No statement reaches the database."""

    def fails(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with portal.server.app_context():
        engine = db.engine
    event.listen(engine, "do_execute", fails)
    event.listen(engine, "do_execute_no_params", fails)
    yield
    event.remove(engine, "do_execute", fails)
    event.remove(engine, "do_execute_no_params", fails)


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize("path", ["/", "/settings", "/g/some-link", "/metrics"])
def test_a_page_says_so_and_leaves_the_browser_signed_in(alice: Visitor, path: str):
    answer = alice.get(path)

    assert answer.status_code == 503
    assert "not reachable just now" in answer.text
    assert "gatehouse_session" not in answer.headers.get("Set-Cookie", "")


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize("path", ["/data/state", "/_dash-layout", "/api/v1/me"])
def test_a_script_and_a_program_are_told(alice: Visitor, path: str):
    answer = alice.get(path, headers={"Authorization": "Bearer dev_some"})

    assert answer.status_code == 503
    assert answer.json["error"]["code"] == "unavailable"


@pytest.mark.usefixtures("away")
def test_old_firmware_is_told_in_its_two_words(alice: Visitor):
    answer = alice.client.post("/device_login", data={"name": "door", "password": "wrong"})

    assert answer.status_code == 503
    assert answer.json == {"status": "ERROR", "error": "unavailable"}


def test_afterwards_all_is_as_before(alice: Visitor):
    assert alice.get("/").status_code == 200
