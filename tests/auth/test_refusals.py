"""What is refused leaves a line, a flood of it leaves few, and people can read them."""

from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from freezegun import freeze_time

from auth import administration, codes, password_change, second_factor
from auth.audit_words import WORDS
from db.base import db
from db.models import AuditEvent
from errors import Invalid, TooMany
from notify.language import LANGUAGES
from tests.auth.conftest import (
    HERE,
    NOW,
    PASSWORD,
    account,
    book,
    change,
    code,
    link,
    mails,
    member,
    register,
    text,
)
from tests.auth.test_recovery import NEW, ask, reset
from tests.auth.test_second_factor import EMAIL, ana, now_code

__all__ = ["ana"]

FORGED = "eyJhbGciOiJIUzI1NiJ9.e30.x"
PAGES = ("/confirm", "/reset", "/confirm/email", "/confirm/email/undo", "/register/invitation")


def lines(house, action: str = "link.refused") -> list[tuple[str, str, bool]]:
    """Reason, purpose, and whether an account is named."""
    return [
        (row.detail["reason"], row.detail["purpose"], row.user_id is not None)
        for row in book(house, action)
    ]


@pytest.mark.parametrize("path", PAGES)
def test_a_forged_link_leaves_a_line(house, visitor, path):
    person = visitor()
    assert person.see(f"{path}?token={FORGED}&check=x").status_code == 410
    assert lines(house) == [("forged", "", False)]


def test_a_flood_of_forged_links_leaves_a_line_a_minute(house, visitor):
    person = visitor()
    with freeze_time(NOW) as clock:
        for path in PAGES * 8:
            person.see(f"{path}?token={FORGED}&check=x")
        assert len(lines(house)) == 1
        clock.tick(timedelta(seconds=61))
        person.see(f"/confirm?token={FORGED}")
        assert len(lines(house)) == 2


def confirmation(house) -> str:
    register(house, EMAIL)
    return link(house, EMAIL)


def recovery(house) -> str:
    member(house, EMAIL)
    ask(house)
    return link(house, EMAIL)


def invitation(house) -> str:
    with house.app_context():
        administration.invite(EMAIL, role="user", language="en", by=None, now=NOW)
    return link(house, EMAIL)


@pytest.mark.parametrize(
    ("made", "purpose", "hours"),
    [(confirmation, "confirm", 1), (recovery, "reset", 1), (invitation, "invite", 25)],
)
def test_an_expired_link_leaves_a_line_in_the_persons_own_list(
    house, visitor, made, purpose, hours
):
    with freeze_time(NOW):
        path = made(house)
    with freeze_time(NOW + timedelta(hours=hours)):
        assert visitor().see(path).status_code == 410
    assert lines(house) == [("expired", purpose, True)]


def test_a_used_link_leaves_a_line(house, visitor):
    with freeze_time(NOW):
        path = confirmation(house)
        assert visitor().submit(path).status_code == 200
        assert visitor().see(path).status_code == 410
    assert lines(house) == [("used", "confirm", True)]


def test_a_used_link_of_a_recovery_leaves_a_line(house, visitor):
    member(house, EMAIL)
    ask(house)
    path = link(house, EMAIL)
    with freeze_time(NOW):
        reset(visitor(), path, code(house, EMAIL))
        assert visitor().see(path).status_code == 410
    assert lines(house) == [("used", "reset", True)]


def test_used_links_of_a_change_of_address_leave_lines(house, visitor):
    member(house, EMAIL)
    with freeze_time(NOW) as clock:
        person = visitor()
        person.log_in(EMAIL)
        person.submit("/settings/email", password=PASSWORD, email="new@example.org")
        confirm = link(house, "new@example.org")
        person.submit(confirm)
        undo = link(house, EMAIL)
        assert person.see(confirm).status_code == 410
        clock.tick(timedelta(seconds=61))
        assert person.submit(undo).status_code == 200
        assert person.see(undo).status_code == 410
    assert lines(house) == [("used", "email-change", True), ("used", "email-undo", True)]


def test_a_link_that_works_leaves_no_line(house, visitor):
    with freeze_time(NOW):
        path = confirmation(house)
        visitor().see(path)
        visitor().submit(path)
    assert lines(house) == []


def test_a_page_of_administrators_that_is_refused_leaves_a_line(house, visitor):
    member(house, "boss@example.org", role="admin")
    member(house, EMAIL)
    person = visitor()
    person.log_in(EMAIL)
    for path in ("/admin/users", "/admin/audit", "/admin/users", "/admin/mail") * 5:
        assert person.see(path).status_code == 403
    [row] = book(house, "access.refused")
    assert (row.result, row.actor, row.object_id) == ("refused", EMAIL, "/admin/users")
    assert "Asked for what only others may page /admin/users" in text(
        person.see("/settings/activity")
    )


def test_a_wrong_code_while_an_app_is_switched_on_leaves_a_line(house, visitor):
    member(house, EMAIL)
    person = visitor()
    with freeze_time(NOW) as clock:
        person.log_in(EMAIL)
        person.submit("/settings/security", at="/settings/security/app", item="begin")
        at = "/settings/security/app/confirm"
        for _try in range(7):
            person.submit("/settings/security", at=at, code="000000")
            clock.tick(timedelta(seconds=1))
    assert [row.detail for row in book(house, "code.fail")] == [{"purpose": "app"}]
    assert len(book(house, "code.locked")) == 1


def test_sending_a_code_again_leaves_a_line(house, visitor):
    member(house, EMAIL)
    with freeze_time(NOW) as clock:
        person = visitor()
        person.log_in(EMAIL)
        person.submit("/settings/password", password=PASSWORD)
        clock.tick(timedelta(seconds=61))
        person.submit("/settings/password", at="/settings/password/resend")
    [row] = book(house, "code.resend")
    assert (row.result, row.address, row.detail) == ("ok", HERE, {"purpose": "password"})
    assert len([mail for mail in mails(house, EMAIL) if mail.template == "code"]) == 2


def test_too_many_codes_leave_a_line(house):
    member(house, EMAIL)
    with house.app_context():
        user = account(house, EMAIL)
        for _time in range(5):
            codes.count_sending(user, now=NOW, address=HERE)
        with pytest.raises(TooMany):
            codes.count_sending(user, now=NOW, address=HERE)
    assert len(book(house, "code.limit")) == 1


@pytest.mark.parametrize("path", ["/register", "/recover", "/confirm"])
def test_too_many_mails_leave_a_line(house, visitor, path):
    member(house, EMAIL)
    fields = {"email": EMAIL} | ({"password": NEW, "repeat": NEW} if path == "/register" else {})
    statuses = [visitor().submit(path, **fields).status_code for _ in range(8)]
    assert 429 in statuses
    [row] = book(house, "account.limit")
    assert (row.actor, row.user_id is None) == (EMAIL, False)


def test_too_many_wrong_passwords_of_who_is_logged_in_leave_a_line(house):
    member(house, EMAIL)
    with house.app_context():
        user = account(house, EMAIL)
        for error in [Invalid] * 5 + [TooMany] * 3:
            with pytest.raises(error):
                password_change.prove(user, "wrong", now=NOW, address=HERE)
    assert len(book(house, "password.fail")) == 5
    assert len(book(house, "password.locked")) == 1


def test_too_many_codes_of_the_second_step_leave_a_line(house, ana):
    with freeze_time(NOW), house.app_context():
        user = account(house, EMAIL)
        for _try in range(8):
            with pytest.raises(Exception, match=r"code|tries"):
                second_factor.check(user, "000000", now=NOW, address=HERE)
    assert len(book(house, "login.factor")) == 5
    assert len(book(house, "login.locked")) == 1


@pytest.mark.parametrize(
    ("values", "action"),
    [({"disabled_at": NOW}, "login.disabled"), ({"confirmed_at": None}, "login.unconfirmed")],
)
def test_the_right_password_of_an_account_that_is_off_leaves_a_line(house, visitor, values, action):
    member(house, EMAIL)
    change(house, EMAIL, **values)
    assert [visitor().log_in(EMAIL).status_code for _ in range(3)] == [403] * 3
    [row] = book(house, action)
    assert (row.result, row.actor, row.address) == ("refused", EMAIL, HERE)


def test_a_login_says_what_was_shown(house, visitor, ana):
    with freeze_time(NOW):
        person = visitor()
        shown = person.log_in(EMAIL)
        [row] = book(house, "login.password")
        assert (row.result, row.address) == ("ok", HERE)
        form = BeautifulSoup(shown.data, "html.parser").select_one("main form")
        values = {item["name"]: item.get("value", "") for item in form.select("input[name]")}
        person.client.post(form["action"], data={**values, "code": now_code(ana)})
    assert [row.detail["proof"] for row in book(house, "login")] == [
        "password",
        "password and code",
    ]


def test_a_passkey_that_is_refused_leaves_a_line(house, visitor):
    person = visitor()
    token = BeautifulSoup(person.see("/login").data, "html.parser").select_one("[name=csrf_token]")
    for _try in range(5):
        answer = person.client.post(
            "/login/passkey",
            base_url="http://localhost",
            data={"csrf_token": token["value"], "challenge": "x", "answer": "{}"},
        )
        assert answer.status_code == 422
    assert len(book(house, "login.passkey_fail")) == 1


def test_an_ended_session_that_comes_back_leaves_a_line(house, visitor):
    member(house, EMAIL)
    with freeze_time(NOW) as clock:
        person = visitor()
        person.log_in(EMAIL)
        stolen = person.client.get_cookie("gatehouse_session").value
        person.submit("/logout")
        person.client.set_cookie("gatehouse_session", stolen)
        for _time in range(40):
            assert not person.is_in()
            clock.tick(timedelta(minutes=1))
    [row] = book(house, "session.ended")
    assert (row.result, row.actor, row.object_type) == ("refused", EMAIL, "session")


def test_a_session_that_ran_out_leaves_none(house, visitor):
    member(house, EMAIL)
    with freeze_time(NOW) as clock:
        person = visitor()
        person.log_in(EMAIL)
        clock.tick(timedelta(minutes=31))
        assert not person.is_in()
    assert book(house, "session.ended") == []


def test_downloading_ones_data_leaves_a_line(house, visitor):
    member(house, EMAIL)
    person = visitor()
    person.log_in(EMAIL)
    shown = person.see("/settings/export.json").json
    assert len(book(house, "account.export")) == 1
    assert shown["activity"][-1]["action"] == "account.export"


def test_no_line_holds_a_secret(house, visitor):
    with freeze_time(NOW):
        path = confirmation(house)
        visitor().submit(path)
        visitor().see(path)
    with house.app_context():
        kept = str([vars(row) for row in db.session.scalars(db.select(AuditEvent))])
    assert path.split("token=")[1].split("&")[0] not in kept


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_lines_are_read_in_every_language(house, visitor, language):
    member(house, EMAIL, role="admin")
    person = visitor()
    person.log_in(EMAIL)
    with freeze_time(NOW):
        path = confirmation_of(house, "other@example.org")
        visitor().submit(path)
        visitor().see(path)
    change(house, EMAIL, language=language)
    shown = BeautifulSoup(person.see("/admin/audit").data, "html.parser")
    named = shown.select_one('[title="link.refused"]').get_text()
    assert named
    assert named != "link.refused"
    assert (named == WORDS["link.refused"]) is (language == "en")


def confirmation_of(house, email: str) -> str:
    register(house, email)
    return link(house, email)
