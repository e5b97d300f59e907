"""People hear by mail what an administrator did to their account, in their own language."""

import pytest

from cli.users import users
from tests.auth.conftest import account, change, mails, member, register
from tests.auth.test_administration import ANA, BOSS, boss

__all__ = ["boss"]

NEW = "anna@example.org"


@pytest.fixture
def person(house, boss):
    """Does something to Ana's account on the page for it."""
    path = "/admin/users/" + member(house, ANA)
    change(house, ANA, language="de")

    def do(item: str = "", **fields: str):
        if item:
            return boss.submit(path, at=path + "/do", item=item)
        return boss.submit(path, **({"email": ANA, "role": "user"} | fields))

    return do


def told(house, to: str) -> list[str]:
    """The templates of the mails to somebody since the registration."""
    return [mail.template for mail in mails(house, to) if mail.template != "confirm"]


def test_of_another_address_the_old_and_the_new_one_are_told(house, person):
    assert person(email="Anna@example.org").status_code == 303
    assert told(house, ANA) == ["account_changed"]
    [new] = mails(house, "Anna@example.org")
    old = mails(house, ANA)[-1]
    assert (new.text, new.subject) == (old.text, old.subject)
    assert "Anna@example.org" in old.text
    for secret in ("token=", "check=", "password_hash"):
        assert secret not in old.text


def test_an_address_that_is_written_differently_is_no_news(house, person):
    person(email="ANA@example.org")
    assert told(house, ANA) == []


def test_an_address_that_is_taken_is_told_to_nobody(house, person):
    assert person(email=BOSS).status_code == 409
    assert told(house, ANA) == []
    assert "account_changed" not in [mail.template for mail in mails(house, BOSS)]


def test_a_readable_domain_stays_readable(house, person):
    person(email="anna@bücher.example")
    assert "anna@bücher.example" in mails(house, ANA)[-1].text
    assert "xn--" not in mails(house, ANA)[-1].text


@pytest.mark.parametrize("item", ["disable", "end-sessions"])
def test_a_button_is_told(house, person, item):
    person(item)
    assert told(house, ANA) == ["account_changed"]


def test_switching_off_and_on_is_told_once_each(house, person):
    for item in ("disable", "disable", "enable", "enable"):
        person(item)
    assert told(house, ANA) == ["account_changed"] * 2


def test_another_role_is_told(house, person):
    for role in ("admin", "admin", "user"):
        person(role=role)
    first, second = mails(house, ANA)[1:]
    assert first.text != second.text


def test_a_deletion_is_told_and_thanks_nobody(house, person):
    person("delete")
    mail = mails(house, ANA)[-1]
    assert mail.template == "account_deleted"
    assert "Thank you" not in mail.text


def test_who_has_not_confirmed_an_address_is_told_nothing(house, boss):
    register(house, ANA)
    path = "/admin/users/" + account(house, ANA).public_id
    boss.submit(path, at=path + "/do", item="disable")
    boss.submit(path, email=NEW, role="user")
    assert [mail.template for mail in mails(house, ANA)] == ["confirm"]
    assert mails(house, NEW) == []


def test_the_shell_tells_as_well(house):
    house.cli.add_command(users)
    run = house.test_cli_runner().invoke
    member(house, ANA)
    for words in (
        ["edit", ANA, "--email", NEW],
        ["disable", NEW],
        ["enable", NEW],
        ["role", NEW, "admin"],
        ["end-sessions", NEW],
    ):
        assert run(args=["users", *words]).exit_code == 0, words
    assert told(house, ANA) == ["account_changed"]
    assert told(house, NEW) == ["account_changed"] * 5


def test_the_mail_speaks_the_persons_language(house, person):
    person("disable")
    mail = mails(house, ANA)[-1]
    assert mail.subject == "Ein Administrator hat Ihr Konto geändert"
    assert "gesperrt" in mail.text
