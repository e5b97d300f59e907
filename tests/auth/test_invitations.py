"""Who is invited chooses the password; the first administrator is invited by the terminal."""

import re
from datetime import timedelta

import pytest
from freezegun import freeze_time

from auth import accounts, administration
from errors import Conflict, Forbidden, Invalid
from tests.auth.conftest import NOW, PASSWORD, account, change, link, mails, member
from tests.auth.test_recovery import NEW

EMAIL = "ana@example.org"


def first_link(house, now=NOW) -> str | None:
    with house.app_context():
        url = accounts.admin_invitation(now)
    return url and url.partition("8050")[2]


def test_the_first_administrator_is_made_by_the_link_of_the_terminal_once(house, visitor):
    path, second = first_link(house), first_link(house)
    with freeze_time(NOW):
        answer = visitor().submit(path, email=EMAIL, password=PASSWORD, repeat=PASSWORD)
        assert "Your account is ready" in answer.text
        assert visitor().log_in(EMAIL).status_code == 303
        assert account(house, EMAIL).is_admin
        assert visitor().see(path).status_code == 410
        assert visitor().see(second).status_code == 410
    assert first_link(house) is None


def test_registering_first_makes_nobody_an_administrator(house, visitor):
    member(house, EMAIL)
    assert not account(house, EMAIL).is_admin
    assert first_link(house) is not None


def test_the_link_of_the_terminal_lives_for_a_day_and_cannot_take_an_account_over(house, visitor):
    member(house, EMAIL)
    path = first_link(house)
    with freeze_time(NOW + timedelta(hours=25)):
        assert visitor().see(path).status_code == 410
    with freeze_time(NOW):
        answer = visitor().submit(path, email=EMAIL, password=NEW, repeat=NEW)
        assert answer.status_code == 409
    assert not account(house, EMAIL).is_admin


def invite(house, email: str = EMAIL, role: str = "user", by: str = "") -> str:
    with house.app_context():
        who = account(house, by) if by else None
        return administration.invite(email, role=role, language="en", by=who, now=NOW).public_id


def test_an_invited_person_chooses_a_password_and_is_confirmed_by_it(house, visitor):
    invite(house, role="admin")
    (mail,) = mails(house, EMAIL)
    said = re.sub(r"choose a password|no password|without a password", "", mail.text.lower())
    assert "password" not in " ".join(said.split())
    path = link(house, EMAIL)
    with freeze_time(NOW):
        assert visitor().log_in(EMAIL, "").status_code == 400
        assert visitor().log_in(EMAIL).status_code == 401
        for _ in range(3):
            assert EMAIL in visitor().see(path).text
        answer = visitor().submit(
            path, email="other@example.org", password=PASSWORD, repeat=PASSWORD
        )
        assert answer.status_code == 200
        assert account(house, "other@example.org") is None
        assert visitor().log_in(EMAIL).status_code == 303
        assert visitor().see(path).status_code == 410
    assert account(house, EMAIL).is_admin


@pytest.mark.parametrize(
    ("chosen", "asked", "taken"), [("", "sr", "sr"), ("fr", "sr", "fr"), ("", "xx", "en")]
)
def test_an_account_takes_the_language_in_which_its_person_read_the_invitation(
    house, visitor, chosen, asked, taken
):
    invite(house)
    change(house, EMAIL, language="de")  # as whoever invited reads
    path, person = link(house, EMAIL), visitor()
    person.client.environ_base["HTTP_ACCEPT_LANGUAGE"] = asked
    if chosen:
        person.client.set_cookie("language", chosen)
    with freeze_time(NOW):
        person.submit(path, password=PASSWORD, repeat=PASSWORD)

    assert account(house, EMAIL).confirmed_at is not None
    assert account(house, EMAIL).language == taken


@pytest.mark.parametrize("password", ["letmein123", "short", EMAIL])
def test_an_invited_person_cannot_choose_what_is_easily_guessed(house, visitor, password):
    invite(house)
    with freeze_time(NOW):
        answer = visitor().submit(link(house, EMAIL), password=password, repeat=password)
    assert answer.status_code == 400
    assert account(house, EMAIL).confirmed_at is None


def test_an_invitation_is_no_good_without_its_check_or_for_another(house, visitor):
    invite(house)
    invite(house, "bo@example.org")
    mine, other = link(house, EMAIL), link(house, "bo@example.org")
    with freeze_time(NOW):
        assert visitor().see(mine.partition("&check")[0]).status_code == 410
        mixed = mine.partition("&check")[0] + "&check" + other.partition("&check")[2]
        assert visitor().see(mixed).status_code == 410


def test_an_ended_invitation_is_sent_again_on_the_confirmation_page(house, visitor):
    invite(house)
    with freeze_time(NOW + timedelta(days=3)):
        assert visitor().see(link(house, EMAIL)).status_code == 410
        visitor().submit("/confirm", email=EMAIL)
        answer = visitor().submit(link(house, EMAIL), password=PASSWORD, repeat=PASSWORD)
        assert answer.status_code == 200


def test_only_administrators_invite_and_only_to_roles_that_exist(house):
    member(house, "bo@example.org")
    with pytest.raises(Forbidden):
        invite(house, by="bo@example.org")
    with pytest.raises(Conflict):
        invite(house, "Bo@example.org")
    with pytest.raises(Invalid):
        invite(house, role="king")
    assert mails(house, EMAIL) == []


def test_registering_an_invited_address_neither_ends_nor_takes_the_invitation(house, visitor):
    with freeze_time(NOW):
        with house.app_context():
            administration.invite(EMAIL, role="admin", language="en", by=None, now=NOW)
        path = link(house, EMAIL)
        fields = {"email": EMAIL, "password": NEW, "repeat": NEW}
        assert "Look into your mail" in visitor().submit("/register", **fields).text
        assert {mail.template for mail in mails(house, EMAIL)} == {"invitation"}
        assert visitor().log_in(EMAIL, NEW).status_code == 401
        answer = visitor().submit(path, password=PASSWORD, repeat=PASSWORD)
        assert "Your account is ready" in answer.text
        assert visitor().log_in(EMAIL).status_code == 303
