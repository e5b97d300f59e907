"""The account pages on a server of their own, with real databases and the real outbox."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect

import notify.language
import notify.post
import wiring
from auth import accounts, keys, people, sessions
from auth.routes import bp
from dashboard import bundles
from db.base import db, transaction
from db.models import AuditEvent, OutboxMessage, User
from tests.web import serve

# a year ahead: the counters clean up by the real clock, which must not see the future as past
NOW = datetime.now(UTC).replace(hour=9, minute=30, second=0, microsecond=0) + timedelta(days=365)
ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "violet-harbour-stands-41"
HERE = "192.0.2.7"


@pytest.fixture
def house(server: Flask, settings):
    """A server with the account pages; what needs no broker is real."""
    server.config.update(SECRET_KEY="x" * 32, WTF_CSRF_TIME_LIMIT=None)
    secrets = keys.load(settings)
    wiring.attach(server, wiring.Wiring(settings, secrets, None, None, None, None))
    notify.language.init_app(server)
    notify.post.init_app(server, settings)
    sessions.init_app(server)
    CSRFProtect(server)
    server.register_blueprint(bp)
    server.add_url_rule("/", "home", lambda: "home")
    server.add_url_rule("/live", "live", lambda: "live" if sessions.signed_in() else ("no", 401))
    yield server
    with server.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def inside(house: Flask):
    """The server with an application context, for calling services."""
    with house.app_context():
        yield house
        db.session.remove()


@pytest.fixture
def url(house):
    """The account pages on a real port, with the files of their look."""
    house.register_blueprint(bundles.bp)
    house.add_url_rule("/assets/<path:filename>", "assets", bundles.asset)
    with serve(house, "127.0.0.1") as port:
        address = f"http://localhost:{port}"
        with house.app_context():
            parts = wiring.current()
            parts.settings = parts.settings.model_copy(update={"app_url": address})
        yield address


@dataclass
class Visitor:
    """A person with a browser that runs no scripts."""

    client: FlaskClient

    def see(self, path: str, **options):
        return self.client.get(path, **options)

    def submit(self, path: str, at: str = "", address: str = HERE, **fields: object):
        """Open a page, fill in its form, send it to `at` or to where the page is.

        A page that refuses to show a form is the answer.
        """
        opened = self.client.get(path, environ_base={"REMOTE_ADDR": address})
        shown = BeautifulSoup(opened.data, "html.parser")
        found = shown.select_one("main form[method=post]") or shown.select_one("form")
        assert found is not None, shown
        if opened.status_code >= 400:
            return opened
        values = {
            item["name"]: item.get("value", "")
            for item in found.select("input[name]")
            if item.get("type") != "checkbox"
        }
        return self.client.post(
            at or found.get("action") or path,
            data={**values, **fields},
            environ_base={"REMOTE_ADDR": address},
        )

    def log_in(self, email: str, password: str = PASSWORD, **fields: object):
        return self.submit("/login", email=email, password=password, **fields)

    def is_in(self) -> bool:
        return self.client.get("/live", headers={"X-Background": "1"}).status_code == 200


@pytest.fixture
def visitor(house: Flask):
    """Makes people with fresh browsers."""
    return lambda: Visitor(house.test_client())


def text(answer) -> str:
    """What a page says, without its markup."""
    return " ".join(BeautifulSoup(answer.data, "html.parser").main.get_text(" ").split())


def mails(house: Flask, to: str) -> list[OutboxMessage]:
    """The mails to somebody, oldest first, as they wait in the outbox."""
    with house.app_context():
        query = db.select(OutboxMessage).filter_by(recipient=to).order_by(OutboxMessage.id)
        return list(db.session.scalars(query))


def book(house: Flask, action: str) -> list[AuditEvent]:
    """The lines of the book of what happened with this name."""
    with house.app_context():
        query = db.select(AuditEvent).filter_by(action=action).order_by(AuditEvent.id)
        return list(db.session.scalars(query))


def link(house: Flask, to: str, number: int = -1) -> str:
    """The path of the link in a mail to somebody, the newest if not told otherwise."""
    found = re.search(r"http://[^/\s]+(/\S+)", mails(house, to)[number].text)
    assert found
    return found[1]


def code(house: Flask, to: str) -> str:
    """The newest code of six digits in a mail to somebody."""
    found = [re.search(r"\b\d{6}\b", mail.text) for mail in mails(house, to)]
    return [match[0] for match in found if match][-1]


def wrong(code: str) -> str:
    """Another code of six digits."""
    return f"{(int(code) + 1) % 10**6:06d}"


def register(house: Flask, email: str, password: str = PASSWORD, now: datetime = NOW) -> None:
    """Register an address without the page for it."""
    with house.app_context():
        accounts.register(email, password, language="en", now=now, address=HERE)


def member(house: Flask, email: str, password: str = PASSWORD, role: str = "user") -> str:
    """Register and confirm an address without the pages for it; returns the public id."""
    register(house, email, password)
    return change(house, email, confirmed_at=NOW, role=role)


def change(house: Flask, email: str, **values: object) -> str:
    """Write something into an account; returns its public id."""
    with house.app_context(), transaction():
        user = people.by_email(email)
        assert user is not None
        for name, value in values.items():
            setattr(user, name, value)
        return user.public_id


def account(house: Flask, email: str) -> User | None:
    """What the database says of an address."""
    with house.app_context():
        return people.by_email(email)
