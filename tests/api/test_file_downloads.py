"""A device fetches a file once: one download holds it, as long as it makes progress."""

import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from datetime import timedelta

import pytest

import wiring
from app import create_app
from auth.keys import sha256
from clock import utcnow
from db.base import db, transaction
from db.models import DeviceFile
from tests.api.conftest import close
from tests.api.test_devices import add
from tests.api.test_errors import problem

BYTES = {"Content-Type": "application/octet-stream"}
LARGE = secrets.token_bytes(1_000_000)


@pytest.fixture
def address(server, program) -> str:
    """The path under which a device fetches LARGE."""
    alice = program()
    made = add(alice)
    body = {"name": "firmware.bin", "size": len(LARGE), "direction": "download"}
    body["sha256"] = hashlib.sha256(LARGE).hexdigest()
    announced = alice("POST", f"/devices/{made['id']}/files", json=body)
    path = announced.json["url"].partition("/api/v1")[2]
    assert alice("PUT", path, data=LARGE, headers=BYTES).json["state"] == "whole"
    token = secrets.token_urlsafe(32)
    with transaction():
        row().url_hash, row().url_expires_at = sha256(token), utcnow() + timedelta(minutes=10)
    return f"/api/v1/transfers/{token}"


def row() -> DeviceFile:
    return db.session.query(DeviceFile).order_by(DeviceFile.id.desc()).first()


def kept(*names: str) -> tuple[object, ...]:
    db.session.rollback()
    return tuple(getattr(row(), name) for name in names)


def fetch(server, path: str, **headers: str):
    """An answer whose bytes nobody has read yet."""
    return Context().run(server.test_client().get, path, headers=headers)


def begin(server, path: str, **headers: str):
    """A download that is under way: its first part has gone out."""
    answer = fetch(server, path, **headers)
    assert answer.status_code in {200, 206}, answer.text
    parts = answer.iter_encoded()
    return answer, next(parts), parts


def test_while_one_is_sent_another_waits_and_is_told_how_long(server, address):
    answer, _, _ = begin(server, address)
    assert kept("state") == ("whole",)
    for headers in ({}, {"Range": "bytes=0-"}, {"Range": "bytes=0-99"}):
        refused = fetch(server, address, **headers)
        assert problem(refused, 429)["code"] == "download_running"
        assert 1 <= int(refused.headers["Retry-After"]) <= 11
    answer.close()


def test_what_was_cut_begins_anew_at_once(server, address):
    for _ in range(3):
        answer, first, _ = begin(server, address)
        assert LARGE.startswith(first)
        answer.close()
        assert kept("holder", "held_until", "state") == (None, None, "whole")
    assert fetch(server, address).data == LARGE
    assert kept("holder", "held_until", "state") == (None, None, "fetched")
    assert fetch(server, address).status_code == 404


def test_a_download_that_nobody_read_a_byte_of_gives_the_file_back(server, address):
    fetch(server, address).close()
    assert fetch(server, address).data == LARGE


def test_a_download_that_stands_still_is_released_and_does_not_go_on(server, address, monkeypatch):
    monkeypatch.setattr("devices.file_fetch.RENEW_S", 0.0)
    stalled, _, parts = begin(server, address)
    with transaction():
        row().held_until = utcnow() - timedelta(milliseconds=1)
    other, _, _ = begin(server, address)
    with pytest.raises(ConnectionResetError):
        next(parts)

    assert kept("state") == ("whole",)
    assert fetch(server, address).status_code == 429  # it is the other one's
    other.close()
    stalled.close()


def test_a_download_that_stood_still_goes_on_if_nobody_asked(server, address, monkeypatch):
    _, first, parts = begin(server, address)
    with transaction():
        row().held_until = utcnow() - timedelta(minutes=1)
    monkeypatch.setattr("devices.file_fetch.RENEW_S", -1.0)
    assert b"".join([first, *parts]) == LARGE
    assert kept("state", "holder") == ("fetched", None)


def test_progress_keeps_the_file(server, address, monkeypatch):
    monkeypatch.setattr("devices.file_fetch.RENEW_S", 0.0)
    _, _, parts = begin(server, address)
    with transaction():
        row().held_until = utcnow() + timedelta(milliseconds=1)
    next(parts)
    assert kept("held_until")[0] > utcnow() + timedelta(seconds=5)


def test_a_device_goes_on_with_its_own_download_at_once(server, address, monkeypatch):
    monkeypatch.setattr("devices.file_fetch.RENEW_S", 0.0)
    _, first, parts = begin(server, address)
    rest = fetch(server, address, Range=f"bytes={len(first)}-")
    assert (rest.status_code, first + rest.data) == (206, LARGE)
    with pytest.raises(ConnectionResetError):
        next(parts)
    assert kept("state", "holder") == ("fetched", None)


def test_what_the_device_has_answered_or_is_sent_anew_ends_a_download(server, address, monkeypatch):
    monkeypatch.setattr("devices.file_fetch.RENEW_S", 0.0)
    _, _, parts = begin(server, address)
    with transaction():
        row().url_hash = None
    with pytest.raises(ConnectionResetError):
        next(parts)


def test_who_only_asks_for_the_head_begins_nothing(server, address):
    for _ in range(3):
        head = Context().run(server.test_client().head, address)
        assert head.headers["Content-Length"] == str(len(LARGE))
    assert kept("holder") == (None,)
    assert fetch(server, address).data == LARGE


def test_of_many_at_once_one_is_sent(server, address):
    answers = []
    for _ in range(3):
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: fetch(server, address), range(8)))
        assert sorted(one.status_code for one in answers) == [200] + [429] * 7
        [sent] = [one for one in answers if one.status_code == 200]
        sent.close()


def test_several_servers_are_one(server, address):
    """What one process sends, no other sends beside it; what it left, the other goes on with."""
    second = create_app(wiring.current().settings)
    try:
        answer, _, _ = begin(server, address)
        assert fetch(second, address).status_code == 429
        answer.close()
        assert fetch(second, address).data == LARGE
        assert fetch(server, address).status_code == 404
    finally:
        close(second)
