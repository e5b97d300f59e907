"""Another address: proved from the new one, told to the old one, which can take it back."""

from datetime import timedelta

import pytest
from freezegun import freeze_time

from db.base import db, transaction
from db.models import Passkey, User
from tests.auth.conftest import NOW, PASSWORD, account, book, link, mails, member, text

OLD, NEW = "ana@example.org", "Ana.New@example.org"


@pytest.fixture
def person(house, visitor):
    member(house, OLD)
    with freeze_time(NOW):
        someone = visitor()
        someone.log_in(OLD)
        yield someone


def ask(person, email: str = NEW, password: str = PASSWORD):
    return person.submit("/settings/email", email=email, password=password)


def test_the_new_address_counts_once_its_owner_pressed_the_button(house, visitor, person):
    assert "Look into your mail" in ask(person).text
    path = link(house, NEW)
    visitor().see(path)
    assert account(house, OLD) is not None
    assert "is changed" in visitor().submit(path).text
    assert account(house, OLD) is None
    assert account(house, "ana.new@example.org").email_typed == NEW
    assert visitor().log_in(NEW).status_code == 303
    assert visitor().submit(path).status_code == 410
    assert "was changed" in mails(house, OLD)[-1].subject


def test_the_old_address_takes_it_back_and_the_thief_is_out(house, visitor, person):
    ask(person)
    visitor().submit(link(house, NEW))
    undo = link(house, OLD)
    visitor().see(undo)
    assert "old address is back" in visitor().submit(undo).text
    assert account(house, OLD) is not None
    assert not person.is_in()
    assert visitor().log_in(OLD).status_code == 401  # the thief knows the password
    assert visitor().submit(undo).status_code == 410


def test_a_second_change_does_not_take_the_first_owners_way_back(house, visitor, person):
    ask(person)
    visitor().submit(link(house, NEW))
    first_undo = link(house, OLD)
    ask(person, "thief@example.org")
    visitor().submit(link(house, "thief@example.org"))
    assert visitor().submit(first_undo).status_code == 200
    assert account(house, OLD) is not None


@pytest.mark.parametrize(("hours", "status"), [(23.9, 200), (24.1, 410)])
def test_taking_back_works_for_a_day(house, visitor, person, hours, status):
    ask(person)
    visitor().submit(link(house, NEW))
    with freeze_time(NOW + timedelta(hours=hours)):
        assert visitor().submit(link(house, OLD)).status_code == status


def test_a_wrong_password_changes_nothing(house, person):
    assert ask(person, password="wrong-wrong-wrong").status_code == 422
    assert mails(house, NEW) == []


def test_an_address_that_has_an_account_is_told_by_mail_only(house, person):
    member(house, "bo@example.org")
    known, unknown = ask(person, "bo@example.org"), ask(person, "free@example.org")
    assert text(known).replace("bo@", "") == text(unknown).replace("free@", "")
    assert "already have an account" in mails(house, "bo@example.org")[-1].subject


def test_two_people_who_want_one_address_do_not_both_get_it(house, visitor, person):
    member(house, "bo@example.org")
    other = visitor()
    other.log_in("bo@example.org")
    ask(person)
    ask(other)
    first, second = link(house, NEW, 0), link(house, NEW, 1)
    assert visitor().submit(second).status_code == 200
    assert visitor().submit(first).status_code == 409
    assert account(house, OLD) is not None


def test_a_link_for_a_change_dies_when_the_password_changes(house, visitor, person):
    from tests.auth.conftest import change

    ask(person)
    change(house, OLD, password_hash="x")
    assert visitor().submit(link(house, NEW)).status_code == 410


def test_the_person_does_not_learn_whether_an_address_has_an_account(house, person):
    member(house, "bo@example.org")
    ask(person, "bo@example.org")
    known = [line["result"] for line in asked(person)]
    ask(person, "nobody@example.org")
    assert [line["result"] for line in asked(person)] == known * 2 == ["ok"] * 2
    assert "refused" not in text(person.see("/settings/activity"))
    refused = [line for line in book(house, "email.ask") if line.result == "refused"]
    assert [(line.user_id, line.actor) for line in refused] == [(None, OLD)]


def asked(person) -> list[dict[str, object]]:
    """The lines about other addresses in the file of everything about oneself."""
    lines = person.see("/settings/export.json").json["activity"]
    return [line for line in lines if line["action"] == "email.ask"]


def test_what_the_thief_gets_in_with_ends_with_the_change(house, visitor, person):
    give_factors(house, NOW - timedelta(days=1))
    ask(person)
    visitor().submit(link(house, NEW))
    give_factors(house, NOW + timedelta(minutes=1), code_channel="sms")
    assert "old address is back" in visitor().submit(link(house, OLD)).text
    with house.app_context():
        assert [key.label for key in db.session.scalars(db.select(Passkey))] == ["0"]
    user = account(house, OLD)
    assert (user.totp_secret, user.totp_confirmed_at, user.code_channel) == (None, None, "mail")


def test_a_second_factor_from_before_the_change_stays(house, visitor, person):
    before = NOW - timedelta(days=1)
    give_factors(house, before)
    ask(person)
    visitor().submit(link(house, NEW))
    visitor().submit(link(house, OLD))
    assert account(house, OLD).totp_confirmed_at == before
    with house.app_context():
        assert db.session.scalar(db.select(db.func.count(Passkey.id))) == 1


def give_factors(house, at, **values: object) -> None:
    """Give the only person an app and one more passkey."""
    with house.app_context(), transaction() as session:
        user = session.scalars(db.select(User)).one()
        user.totp_secret, user.totp_confirmed_at = "00", at
        for name, value in values.items():
            setattr(user, name, value)
        number = session.scalar(db.select(db.func.count(Passkey.id)))
        key = str(number).encode()
        session.add(
            Passkey(
                user_id=user.id,
                credential_id=key,
                public_key=key,
                sign_count=0,
                label=str(number),
                created_at=at,
            )
        )
