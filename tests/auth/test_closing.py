"""Leaving: everything about oneself as a file, then nothing of it stays."""

import pytest
from bs4 import BeautifulSoup

from auth import closing
from db.base import db, transaction
from db.models import AuditEvent, Device, Grant, Level, Passkey, User, UserSession
from tests.auth.conftest import NOW, PASSWORD, account, book, mails, member, text

EMAIL = "ana@example.org"


@pytest.fixture
def person(house, visitor):
    member(house, EMAIL)
    someone = visitor()
    someone.log_in(EMAIL)
    return someone


def give_device(house, name: str, *people: str) -> None:
    with house.app_context(), transaction() as session:
        device = Device(name=name, kind="lock", created_at=NOW, **required(Device))
        session.add(device)
        session.flush()
        for email in people:
            user = session.scalars(db.select(User).filter_by(email=email)).one()
            session.add(
                Grant(user_id=user.id, device_id=device.id, level=Level.OWNER, created_at=NOW)
            )


def required(model) -> dict[str, object]:
    """Something for every column that has no default."""
    from db.models.columns import short_id

    given = {"id", "name", "kind", "created_at"}
    return {
        column.key: short_id()
        for column in model.__table__.columns
        if not (column.nullable or column.default or column.key in given)
    }


def test_an_account_is_deleted_with_all_that_hangs_on_it(house, person):
    assert person.submit("/settings/account", password="wrong-wrong-wrong").status_code == 422
    answer = person.submit("/settings/account", password=PASSWORD)
    assert "Your account is deleted" in answer.text
    assert account(house, EMAIL) is None
    assert not person.is_in()
    assert person.log_in(EMAIL).status_code == 401
    with house.app_context():
        for model in (UserSession, Grant, Passkey):
            assert db.session.scalars(db.select(model)).all() == []
    assert "was deleted" in mails(house, EMAIL)[-1].subject


def test_a_device_is_not_left_without_an_owner(house, person):
    member(house, "bo@example.org")
    give_device(house, "Shared gate", EMAIL, "bo@example.org")
    give_device(house, "Front door", EMAIL)
    answer = person.submit("/settings/account", password=PASSWORD)
    assert answer.status_code == 409
    assert "Front door" in text(answer)
    assert "Shared gate" not in text(answer)
    with house.app_context(), transaction() as session:
        session.delete(session.scalars(db.select(Device).filter_by(name="Front door")).one())
    assert person.submit("/settings/account", password=PASSWORD).status_code == 200


def test_everything_about_oneself_is_in_the_export_and_no_secret(house, person):
    give_device(house, "Front door", EMAIL)
    answer = person.see("/settings/export.json")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    data = answer.get_json()
    assert data["account"]["email"] == EMAIL
    assert [(device["name"], device["level"]) for device in data["devices"]] == [
        ("Front door", "owner")
    ]
    assert {row["action"] for row in data["activity"]} >= {"account.register", "login"}
    assert len(data["sessions"]) == 1
    with house.app_context():
        session = db.session.scalars(db.select(UserSession)).one()
        user = db.session.scalars(db.select(User)).one()
        for secret in (user.password_hash, session.token_hash):
            assert secret not in answer.text


def test_the_book_keeps_what_happened(house, person):
    person.submit("/settings/account", password=PASSWORD)
    with house.app_context():
        actions = set(db.session.scalars(db.select(AuditEvent.action)))
    assert {"login", "account.delete"} <= actions


def test_a_button_that_is_pressed_twice_deletes_once(house, person, monkeypatch):
    path = "/settings/account"
    page = BeautifulSoup(person.see(path).data, "html.parser")
    form = page.select_one("main form[method=post]")
    fields = {item["name"]: item.get("value", "") for item in form.select("input[name]")}
    delete = closing.delete

    def twice(*args, **options) -> None:
        delete(*args, **options)
        delete(*args, **options)

    monkeypatch.setattr(closing, "delete", twice)
    answer = person.client.post(path, data=fields | {"password": PASSWORD})
    assert "Your account is deleted" in answer.text
    assert len(book(house, "account.delete")) == 1
