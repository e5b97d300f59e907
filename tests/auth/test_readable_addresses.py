"""Domains with letters beyond ASCII: people see what they wrote, mail servers what they need."""

import json

import pytest
from playwright.sync_api import expect

from auth import addresses, people
from auth.addresses import Address
from cli.users import users
from notify import worker
from tests.auth.conftest import NOW, PASSWORD, account, change, link, mails, member, register
from tests.auth.test_administration import boss

__all__ = ["boss"]

BOB = "Bob@bücher.example"
ASCII = "Bob@xn--bcher-kva.example"


@pytest.mark.parametrize("typed", [BOB, ASCII, "  Bob@BÜCHER.example ", "Bob@bücher。example"])
def test_one_address_has_one_form(typed):
    assert addresses.parse(typed) == Address("bob@bücher.example", BOB)


@pytest.mark.parametrize(
    ("one", "other"), [("x@straße.example", "x@strasse.example"), ("x@fuß.org", "x@fuss.org")]
)
def test_domains_that_only_look_alike_in_capitals_are_two(one, other):
    assert addresses.parse(one).normal != addresses.parse(other).normal


def test_who_has_one_of_two_such_domains_is_not_the_other(house):
    register(house, "x@straße.example")
    register(house, "x@strasse.example")
    assert account(house, "x@straße.example").email_typed == "x@straße.example"
    assert account(house, "x@strasse.example").email_typed == "x@strasse.example"


@pytest.mark.parametrize("typed", [BOB, ASCII])
def test_one_logs_in_with_either_form(house, visitor, typed):
    member_of_books(house)
    assert visitor().log_in(typed).status_code == 303


def member_of_books(house) -> None:
    register(house, BOB)
    change(house, "bob@bücher.example", confirmed_at=NOW)


@pytest.mark.parametrize("path", ["/register", "/recover", "/confirm"])
def test_what_a_browser_sends_in_ascii_is_shown_as_it_was_typed(house, chromium, url, path):
    context = chromium.new_context(base_url=url, locale="en-GB")
    page = context.new_page()
    page.goto(path)
    page.get_by_label("E-mail").fill(BOB)
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.locator("main form button").click()
    expect(page.get_by_text(BOB)).to_be_visible()
    assert "xn--" not in page.content()
    context.close()


def test_ones_own_pages_show_it(house, visitor):
    member_of_books(house)
    person = visitor()
    person.log_in(BOB)
    for path in ("/settings", "/settings/email", "/settings/sessions", "/settings/activity"):
        shown = person.see(path).text
        assert "xn--" not in shown, path
    assert BOB in person.see("/settings").text
    exported = person.see("/settings/export.json").json
    assert exported["account"]["email_typed"] == BOB


def test_administrators_pages_show_it(house, boss):
    member_of_books(house)
    path = "/admin/users/" + account(house, "bob@bücher.example").public_id
    for at in (path, "/admin/users", "/admin/mail", "/admin/audit", "/admin/users?search=bücher"):
        shown = boss.see(at).text
        assert "xn--" not in shown, at
        assert "bücher" in shown, at


def test_mails_show_it(house, visitor):
    member(house, "ana@example.org")
    person = visitor()
    person.log_in("ana@example.org")
    person.submit("/settings/email", password=PASSWORD, email=ASCII)
    person.submit(link(house, BOB))
    told = mails(house, "ana@example.org")[-1]
    assert BOB in told.text
    assert "xn--" not in told.text + told.html


def test_the_shell_shows_it(house):
    house.cli.add_command(users)
    run = house.test_cli_runner().invoke
    said = [
        run(args=["users", *words]).output
        for words in (["add", ASCII, "--invite"], ["list"], ["find", "bücher"])
    ]
    assert all("bob@bücher.example" in one for one in said), said
    assert "xn--" not in "".join(said)


def test_the_outbox_on_this_machine_shows_it(house, settings):
    register(house, BOB)
    with house.app_context():
        worker.run_once(NOW)
    [file] = (settings.instance_dir / "outbox").glob("*.json")
    assert json.loads(file.read_text())["to"] == BOB


def test_people_are_found_by_either_form(house):
    register(house, BOB)
    with house.app_context():
        for typed in (BOB, ASCII):
            assert people.by_email(addresses.key(typed)) is not None
