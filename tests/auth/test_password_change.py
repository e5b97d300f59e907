"""A new password takes two steps, and a code that cannot be guessed."""

from datetime import timedelta

import pytest
from freezegun import freeze_time

from auth import codes
from db.base import db
from db.models import AuditEvent
from tests.auth.conftest import NOW, account, code, mails, member, text, wrong
from tests.auth.test_recovery import NEW

EMAIL = "ana@example.org"


@pytest.fixture
def person(house, visitor):
    member(house, EMAIL)
    with freeze_time(NOW):
        someone = visitor()
        someone.log_in(EMAIL)
        yield someone


def begin(person):
    from tests.auth.conftest import PASSWORD

    return person.submit("/settings/password", password=PASSWORD)


def finish(person, code: str, password: str = NEW):
    return person.submit("/settings/password", code=code, password=password, repeat=password)


def test_password_code_and_new_password_end_in_being_logged_out_everywhere(house, visitor, person):
    other = visitor()
    other.log_in(EMAIL)
    assert begin(person).status_code == 303
    assert code(house, EMAIL) not in person.see("/settings/password").text
    assert "Your password is changed" in finish(person, code(house, EMAIL)).text
    assert not person.is_in()
    assert not other.is_in()
    assert visitor().log_in(EMAIL).status_code == 401
    assert visitor().log_in(EMAIL, NEW).status_code == 303
    assert "password was changed" in mails(house, EMAIL)[-1].subject


def test_without_the_current_password_no_code_is_sent(house, person):
    before = len(mails(house, EMAIL))
    answers = [
        person.submit("/settings/password", password="wrong-wrong-wrong").status_code
        for _ in range(6)
    ]
    assert answers == [422] * 5 + [429]
    assert len(mails(house, EMAIL)) == before


def test_after_five_wrong_codes_the_right_one_is_refused(house, person):
    begin(person)
    right = code(house, EMAIL)
    assert [finish(person, wrong(right)).status_code for _ in range(5)] == [422] * 5
    assert finish(person, right).status_code == 410
    assert account(house, EMAIL).epoch == 0
    with house.app_context():
        rows = db.session.scalars(db.select(AuditEvent).filter_by(action="code.fail")).all()
    assert [row.result for row in rows] == ["refused"] * 5


def test_after_five_wrong_codes_the_change_begins_anew(house, person):
    page = "/settings/password"
    begin(person)
    first = code(house, EMAIL)
    for _ in range(5):
        finish(person, wrong(first))
    ended = finish(person, first)
    assert ended.status_code == 410
    assert "Current password" in text(ended)
    sent = len(mails(house, EMAIL))
    with freeze_time(NOW + timedelta(seconds=61)):
        assert "Current password" in text(person.see(page))
        assert person.submit(page, at=page + "/resend").status_code == 410
        assert len(mails(house, EMAIL)) == sent
        assert begin(person).status_code == 303
        assert finish(person, code(house, EMAIL)).status_code == 200


@pytest.mark.parametrize(("seconds", "works"), [(599, True), (601, False)])
def test_a_code_lives_for_ten_minutes(house, person, seconds, works):
    begin(person)
    with freeze_time(NOW + timedelta(seconds=seconds)):
        finish(person, code(house, EMAIL))
    assert (account(house, EMAIL).epoch == 1) is works


def test_a_code_with_leading_zeros_works(house, person, monkeypatch):
    monkeypatch.setattr(codes.secrets, "randbelow", lambda _: 4217)
    begin(person)
    assert code(house, EMAIL) == "004217"
    assert finish(person, "004217").status_code == 200


def test_a_new_code_comes_after_a_minute_and_does_not_bring_new_tries(house, person):
    begin(person)
    first = code(house, EMAIL)
    for _ in range(4):
        finish(person, wrong(first))
    page = "/settings/password"
    assert person.submit(page, at=page + "/resend").status_code == 429
    with freeze_time(NOW + timedelta(seconds=61)):
        assert person.submit(page, at=page + "/resend").status_code == 303
        second = code(house, EMAIL)
        assert finish(person, wrong(second)).status_code == 422
        assert finish(person, second).status_code == 410


@pytest.mark.parametrize(("seconds", "status"), [(599, 200), (601, 410)])
def test_a_code_that_was_sent_again_has_its_full_ten_minutes(house, person, seconds, status):
    page = "/settings/password"
    begin(person)
    again = NOW + timedelta(minutes=9)
    with freeze_time(again):
        assert person.submit(page, at=page + "/resend").status_code == 303
    assert "10 minutes" in mails(house, EMAIL)[-1].text
    with freeze_time(again + timedelta(seconds=seconds)):
        assert finish(person, code(house, EMAIL)).status_code == status


def test_at_most_five_codes_go_out_within_an_hour(house, person):
    page, sent = "/settings/password", 0
    begin(person)
    for minute in range(1, 9):
        with freeze_time(NOW + timedelta(seconds=61 * minute)):
            sent += person.submit(page, at=page + "/resend").status_code == 303
    assert sent == 4


def test_nobody_uses_the_code_of_another(house, visitor, person):
    member(house, "mallory@example.org")
    begin(person)
    mallory = visitor()
    mallory.log_in("mallory@example.org")
    begin(mallory)
    assert finish(mallory, code(house, EMAIL)).status_code in {422, 410}
    assert account(house, "mallory@example.org").epoch == 0


def test_settings_are_closed_to_strangers(visitor):
    for page in ("", "/password", "/security", "/codes", "/sessions", "/tokens", "/account"):
        answer = visitor().see("/settings" + page)
        assert (answer.status_code, answer.location) == (303, f"/login?next=/settings{page}")
