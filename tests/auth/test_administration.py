"""Administrators look after people, on pages and in the shell; nobody else does."""

import pytest
from bs4 import BeautifulSoup

from cli.users import users
from tests.auth.conftest import (
    NOW,
    PASSWORD,
    account,
    book,
    change,
    link,
    mails,
    member,
    register,
    text,
)

BOSS, ANA = "boss@example.org", "ana@example.org"


@pytest.fixture
def boss(house, visitor):
    member(house, BOSS, role="admin")
    person = visitor()
    person.log_in(BOSS)
    return person


def test_people_are_found_and_sorted(house, boss):
    for name in ("zoe", "ana", "a_b"):
        register(house, f"{name}@example.org")

    def shown(query: str) -> list[str]:
        table = BeautifulSoup(boss.see("/admin/users" + query).data, "html.parser").tbody
        return [row.td.text.partition("@")[0] for row in table.select("tr")]

    assert shown("") == ["a_b", "ana", "boss", "zoe"]
    assert shown("?sort=email&descending=1") == ["zoe", "boss", "ana", "a_b"]
    assert shown("?sort=role")[0] == "boss"
    assert shown("?sort=password_hash;drop") == ["a_b", "ana", "boss", "zoe"]
    assert shown("?search=AN") == ["ana"]
    assert shown("?search=a_") == ["a_b"]
    assert shown("?search=%25") == []
    assert shown("?page=7") == []


def test_an_administrator_invites_on_the_page(house, visitor, boss):
    answer = boss.submit("/admin/users", email=ANA, role="user")
    assert answer.status_code == 303
    assert "Invitation sent" in boss.see(answer.location).text
    visitor().submit(link(house, ANA), password=PASSWORD, repeat=PASSWORD)
    assert visitor().log_in(ANA).status_code == 303
    assert boss.submit("/admin/users", email=ANA, role="user").status_code == 409


def test_an_administrator_edits_switches_off_and_deletes(house, visitor, boss):
    path = "/admin/users/" + member(house, ANA)
    ana = visitor()
    ana.log_in(ANA)
    boss.submit(path, email="Anna@example.org", role="admin")
    assert account(house, "anna@example.org").is_admin
    assert ana.is_in()
    boss.submit(path, at=path + "/do", item="end-sessions")
    assert not ana.is_in()
    ana.log_in("anna@example.org")
    boss.submit(path, at=path + "/do", item="disable")
    assert not ana.is_in()
    assert ana.log_in("anna@example.org").status_code == 403
    boss.submit(path, at=path + "/do", item="enable")
    assert ana.log_in("anna@example.org").status_code == 303
    boss.submit(path, at=path + "/do", item="delete")
    assert account(house, "anna@example.org") is None
    assert boss.see(path).status_code == 404
    actions = {row.action for row in book(house, "admin.delete") + book(house, "account.delete")}
    assert actions == {"account.delete"}
    assert [row.actor for row in book(house, "admin.disable")] == [BOSS]


def test_a_waiting_person_gets_the_link_again(house, boss):
    register(house, ANA)
    path = "/admin/users/" + account(house, ANA).public_id
    boss.submit(path, at=path + "/do", item="resend")
    assert len(mails(house, ANA)) == 2
    change(house, ANA, confirmed_at=NOW)
    assert boss.submit(path, at=path + "/do", item="resend").status_code == 409


@pytest.mark.parametrize("item", ["disable", "delete"])
def test_the_last_administrator_stays(house, boss, item):
    path = "/admin/users/" + account(house, BOSS).public_id
    assert boss.submit(path, at=path + "/do", item=item).status_code == 409
    assert boss.submit(path, email=BOSS, role="user").status_code == 409
    assert boss.is_in()
    assert boss.submit("/settings/account", password=PASSWORD).status_code == 409


def test_others_find_no_way_in(house, visitor, boss):
    path = "/admin/users/" + account(house, BOSS).public_id
    member(house, ANA)
    ana = visitor()
    ana.log_in(ANA)
    for page in ("/admin/users", path, "/admin/users/nobody", "/admin/audit", "/admin/mail"):
        assert ana.see(page).status_code == 403, page
        assert visitor().see(page).status_code == 303, page
    for at, fields in (
        ("/admin/users", {"email": "x@example.org", "role": "admin"}),
        (path, {"email": "x@example.org", "role": "user"}),
        (path + "/do", {"item": "delete"}),
    ):
        assert ana.submit("/settings", at=at, **fields).status_code == 403, at
    assert account(house, BOSS).is_admin
    assert account(house, "x@example.org") is None


def test_the_book_is_shown_to_administrators_and_ones_own_lines_to_oneself(house, visitor, boss):
    member(house, ANA)
    ana = visitor()
    ana.log_in(ANA, "wrong-wrong-wrong")
    ana.log_in(ANA)
    own = text(ana.see("/settings/activity"))
    assert "Wrong password at login" in own
    assert BOSS not in own
    everything = text(boss.see("/admin/audit"))
    assert BOSS in everything
    assert ANA in everything
    only = text(boss.see("/admin/audit?action=login.f&search=ana"))
    assert "Wrong password at login" in only
    assert BOSS not in only


def test_the_queue_shows_who_and_never_what(house, boss):
    register(house, ANA)
    shown = boss.see("/admin/mail").text
    assert ANA in shown
    assert "token=" not in shown
    assert ">confirm<" not in shown
    assert ">queued" not in shown
    assert "Confirmation of an address" in shown
    assert "waiting: " in shown


@pytest.mark.parametrize("path", ["/admin/users", "/admin/mail"])
def test_addresses_are_shown_as_people_write_them(house, boss, path):
    register(house, "Bob@bücher.example")
    shown = boss.see(path).text
    assert "Bob@bücher.example" in shown
    assert "xn--" not in shown


def test_names_with_markup_are_only_text(house, boss):
    with house.app_context():
        from auth import audit
        from db.base import transaction

        with transaction() as session:
            audit.record(session, "login.fail", actor="<script>x</script>", now=NOW)
    assert "<script>x" not in boss.see("/admin/audit").text


@pytest.fixture
def shell(house):
    """Runs a command of the group `users`."""
    house.cli.add_command(users)
    runner = house.test_cli_runner()
    return lambda *words, **options: runner.invoke(args=["users", *words], **options)


def test_the_shell_adds_lists_edits_and_deletes(house, visitor, shell):
    done = shell("add", ANA, "--role", "admin", "--password-stdin", input=PASSWORD + "\n")
    assert (done.exit_code, done.output) == (0, f"{ANA} is added as admin\n")
    assert visitor().log_in(ANA).status_code == 303
    assert shell("add", "bo@example.org", "--invite").exit_code == 0
    assert "token=" in mails(house, "bo@example.org")[0].text
    assert [line.split("\t")[:3] for line in shell("list").output.splitlines()] == [
        [ANA, "admin", "confirmed"],
        ["bo@example.org", "user", "waiting"],
    ]
    assert shell("find", "bo").output.startswith("bo@example.org")
    assert shell("resend", "bo@example.org").exit_code == 0
    assert len(mails(house, "bo@example.org")) == 2
    assert shell("role", "bo@example.org", "admin").exit_code == 0
    nothing = shell("edit", "bo@example.org")
    assert (nothing.exit_code, "name --email or --role" in nothing.output) == (2, True)
    assert shell("edit", "bo@example.org", "--email", "Bob@example.org").exit_code == 0
    assert account(house, "bob@example.org").is_admin
    person = visitor()
    person.log_in(ANA)
    assert shell("end-sessions", ANA).exit_code == 0
    assert not person.is_in()
    assert shell("disable", "bob@example.org").exit_code == 0
    assert shell("enable", "bob@example.org").exit_code == 0
    assert shell("delete", "bob@example.org", "--yes").exit_code == 0
    assert account(house, "bob@example.org") is None
    assert {row.actor for row in book(house, "admin.add")} == {"command line"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["disable", "nobody@example.org"], "There is no such person."),
        (["disable", BOSS], "This is the only administrator."),
        (["add", BOSS, "--invite"], "This address has an account already."),
        (["add", "no address", "--invite"], "This is not a complete e-mail address."),
        (["add", ANA, "--password-stdin"], "The password needs at least 8 characters."),
    ],
)
def test_the_shell_says_in_one_line_what_does_not_work(house, shell, words, said):
    member(house, BOSS, role="admin")
    done = shell(*words, input="short\n")
    assert done.exit_code == 1
    assert done.output.startswith(f"Error: {said}")
    assert done.output.count("\n") == 1


def test_the_shell_asks_for_the_password_twice(visitor, shell):
    done = shell("add", ANA, input=f"{PASSWORD}\n{PASSWORD}\n")
    assert done.exit_code == 0
    assert PASSWORD not in done.output
    assert visitor().log_in(ANA).status_code == 303
