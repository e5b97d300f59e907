"""/outbox and /outbox.json: readable on this machine, and nowhere else."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import ChoiceLoader, FileSystemLoader

from db.base import transaction
from notify import local, mail, outbox_page, worker
from tests.notify.conftest import write
from tests.stack import free_port

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
ACCOUNT_PAGES = Path(__file__).resolve().parents[2] / "auth" / "templates"
PATHS = pytest.mark.parametrize("path", ["/outbox", "/outbox.json"])


def ask(server: Flask) -> FlaskClient:
    server.register_blueprint(outbox_page.bp)
    server.jinja_loader = ChoiceLoader([FileSystemLoader(ACCOUNT_PAGES)])
    return server.test_client()


@pytest.fixture
def client(office: Flask) -> FlaskClient:
    """Somebody at this machine, before an outbox with a database."""
    return ask(office)


@pytest.fixture
def browser(make_desk):
    """The same with other settings, before an outbox that stays empty."""
    return lambda **changes: ask(make_desk(**changes))


def test_mails_are_listed_newest_first(client):
    write("first@example.org", now=NOON)
    write("second@example.org", now=NOON + timedelta(seconds=1))
    worker.run_once(NOON + timedelta(seconds=2))

    mails = client.get("/outbox.json").json

    assert [mail["to"] for mail in mails] == ["second@example.org", "first@example.org"]
    assert set(mails[0]) == {"to", "subject", "text", "html", "at"}
    assert mails[1]["at"] == "2026-05-01T12:00:00+00:00"
    assert "http://localhost/confirm/abc" in mails[0]["text"]
    assert 'href="http://localhost/confirm/abc"' in mails[0]["html"]


def test_the_page_shows_text_with_links_that_can_be_clicked(client):
    write(now=NOON)
    worker.run_once(NOON)

    page = client.get("/outbox").text

    assert "person@example.org" in page
    assert '<a href="http://localhost/confirm/abc"' in page
    assert "Confirm your account" in page


def test_nothing_in_a_mail_becomes_markup_of_the_page(client):
    with transaction() as session:
        mail.enqueue(
            session,
            to="person@example.org",
            template="shared",
            language="en",
            now=NOON,
            inviter="eve@example.org",
            device="<script>alert(1)</script>",
            level="viewer",
        )
    worker.run_once(NOON)

    page = client.get("/outbox").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    (waiting,) = client.get("/outbox.json").json
    assert "<script>" not in waiting["html"]


def test_an_empty_outbox_says_so(client):

    assert "No mail has been written yet." in client.get("/outbox").text
    assert client.get("/outbox.json").json == []


@PATHS
def test_no_cache_keeps_it(browser, path):
    answer = browser().get(path)

    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@PATHS
@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_look(browser, path, address):
    assert browser().get(path, environ_base={"REMOTE_ADDR": address}).status_code == 200


@PATHS
@pytest.mark.parametrize("address", ["192.168.1.7", "2001:db8::1", "::ffff:10.0.0.1", "", "?"])
def test_other_machines_find_nothing(browser, path, address):
    assert browser().get(path, environ_base={"REMOTE_ADDR": address}).status_code == 404


@PATHS
@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
def test_what_a_proxy_passes_on_is_not_this_machine(browser, path, header):
    assert browser().get(path, headers={header: "127.0.0.1"}).status_code == 404


@PATHS
def test_behind_trusted_proxies_only_what_they_passed_on_counts(browser, path):
    client = browser(trusted_proxies=1)

    assert client.get(path).status_code == 404
    # werkzeug's ProxyFix has put the person's address into REMOTE_ADDR by now
    passed_on = {"X-Forwarded-For": "127.0.0.1"}
    assert client.get(path, headers=passed_on).status_code == 200
    from_outside = {"REMOTE_ADDR": "203.0.113.9"}
    assert client.get(path, headers=passed_on, environ_base=from_outside).status_code == 404


@PATHS
def test_with_a_mail_server_there_is_no_outbox(browser, path):
    client = browser(mail_server="127.0.0.1", mail_port=free_port())

    assert client.get(path).status_code == 404


def test_files_are_for_this_user_only_and_bounded(office, settings, monkeypatch, capsys):
    monkeypatch.setattr(local, "KEPT", 3)
    for second in range(5):
        write(f"person{second}@example.org", now=NOON + timedelta(seconds=second))
    worker.run_once(NOON + timedelta(seconds=9))

    folder = settings.instance_dir / "outbox"
    files = sorted(folder.iterdir())
    assert [json.loads(file.read_text())["to"][:7] for file in files] == [
        "person2",
        "person3",
        "person4",
    ]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert capsys.readouterr().out.splitlines()[0] == (
        "Mail waiting for person0@example.org: Confirm your account"
        "  (open http://127.0.0.1:8050/outbox)"
    )


def test_the_terminal_shows_no_code(office, capsys):
    with transaction() as session:
        mail.enqueue(
            session,
            to="ana@example.org",
            template="code",
            language="en",
            now=NOON,
            code="004217",
            purpose="password",
            minutes=10,
        )
    assert worker.run_once(NOON) == 1

    shown = capsys.readouterr().out
    assert "Mail waiting for ana@example.org: Your Gatehouse code: " in shown
    assert "004217" not in shown


def test_a_folder_that_cannot_be_written_delays_the_mail(office, settings):
    (settings.instance_dir / "outbox").write_text("in the way")
    write(now=NOON)
    assert worker.run_once(NOON) == 1

    (settings.instance_dir / "outbox").unlink()
    worker.run_once(NOON + timedelta(minutes=2))

    assert len(local.mails(local.folder_of(settings.instance_dir))) == 1
