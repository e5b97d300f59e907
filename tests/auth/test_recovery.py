"""A forgotten password comes back by link and code together, and everything else ends."""

from datetime import timedelta

import pytest
from freezegun import freeze_time

from auth import recovery
from db.base import db
from db.models import CodeRequest
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
    wrong,
)
from tests.auth.test_login import WRONG
from tests.auth.test_registration import anonymous

EMAIL, NEW = "ana@example.org", "umbrella granite whistle orbit"


@pytest.fixture
def ana(house):
    member(house, EMAIL)
    return EMAIL


def ask(house, email: str = EMAIL, now=NOW) -> None:
    with house.app_context():
        recovery.ask(email, language="en", now=now, address=HERE)


def reset(person, path: str, code: str, password: str = NEW):
    return person.submit(path, code=code, password=password, repeat=password)


def test_link_and_code_bring_a_new_password_and_end_everything(house, visitor, ana):
    person, thief = visitor(), visitor()
    thief.log_in(ana)
    person.submit("/recover", email=ana)
    answer = reset(person, link(house, ana), code(house, ana))
    assert "Your password is changed" in answer.text
    assert not thief.is_in()
    assert not person.is_in()
    assert person.log_in(ana).status_code == 401
    assert person.log_in(ana, NEW).status_code == 303
    assert "password was changed" in mails(house, ana)[-1].subject
    assert all(NEW not in mail.text + mail.html for mail in mails(house, ana))


def test_known_and_unknown_addresses_get_the_same_answer(house, visitor, ana):
    register(house, "waiting@example.org")
    answers = {
        repr(anonymous(visitor().submit("/recover", email=email), email))
        for email in (ana, "waiting@example.org", "nobody@example.org")
    }
    assert len(answers) == 1
    assert mails(house, "nobody@example.org") == []


def test_the_code_alone_or_the_link_alone_is_not_enough(house, visitor, ana):
    ask(house)
    with freeze_time(NOW):
        path, right = link(house, ana), code(house, ana)
        assert reset(visitor(), path, wrong(right)).status_code == 422
        assert reset(visitor(), "/reset?token=a.b.c&check=x", right).status_code == 410
        assert reset(visitor(), path.partition("&check=")[0], right).status_code == 410
    assert account(house, ana).epoch == 0


def test_after_five_wrong_codes_the_right_one_is_refused(house, visitor, ana):
    ask(house)
    with freeze_time(NOW):
        path, right = link(house, ana), code(house, ana)
        statuses = [reset(visitor(), path, wrong(right)).status_code for _ in range(5)]
        assert statuses == [422] * 5
        assert reset(visitor(), path, right).status_code == 410


def test_a_password_that_is_easily_guessed_costs_no_try(house, visitor, ana):
    ask(house)
    with freeze_time(NOW):
        path, right = link(house, ana), code(house, ana)
        for _ in range(6):
            assert reset(visitor(), path, right, "letmein123").status_code == 400
        assert reset(visitor(), path, right).status_code == 200


def test_the_newest_of_two_links_works_and_then_both_are_dead(house, visitor, ana):
    ask(house)
    ask(house)
    with freeze_time(NOW):
        newest = code(house, ana)
        first, second = link(house, ana, 1), link(house, ana, 2)
        assert reset(visitor(), first, newest).status_code == 410
        assert reset(visitor(), second, newest).status_code == 200
        assert reset(visitor(), second, newest).status_code == 410
        assert reset(visitor(), first, newest).status_code == 410


@pytest.mark.parametrize(("seconds", "status"), [(1799, 200), (1801, 410)])
def test_link_and_code_live_for_half_an_hour(house, visitor, ana, seconds, status):
    ask(house)
    with freeze_time(NOW + timedelta(seconds=seconds)):
        assert reset(visitor(), link(house, ana), code(house, ana)).status_code == status


def test_links_of_one_kind_do_not_work_as_the_other(house, visitor):
    register(house, EMAIL)
    confirming = link(house, EMAIL)
    ask(house)
    with freeze_time(NOW):
        resetting = link(house, EMAIL)
        swapped = resetting.replace("/reset", "/confirm")
        assert visitor().submit(swapped).status_code == 410
        swapped = confirming.replace("/confirm", "/reset")
        assert reset(visitor(), swapped, code(house, EMAIL)).status_code == 410


def test_the_way_back_works_while_wrong_passwords_pause_the_login(house, visitor, ana):
    with freeze_time(NOW):
        for _ in range(6):
            visitor().log_in(ana, WRONG)
        assert visitor().log_in(ana).status_code == 429
        ask(house)
        assert reset(visitor(), link(house, ana), code(house, ana)).status_code == 200
        assert visitor().log_in(ana, NEW).status_code == 303


def test_a_disabled_account_gets_no_mail_and_its_link_dies(house, visitor, ana):
    ask(house)
    change(house, ana, disabled_at=NOW)
    with freeze_time(NOW):
        assert reset(visitor(), link(house, ana), code(house, ana)).status_code == 410
        before = len(mails(house, ana))
        ask(house)
        assert len(mails(house, ana)) == before


def test_a_code_that_goes_by_another_channel_is_not_in_the_mail(house, visitor, ana, settings):
    import notify.post
    import wiring

    with_bot = settings.model_copy(
        update={"telegram_bot_token": type(settings.mail_password)("123456789:abc")}
    )
    with house.app_context():
        wiring.current().settings = notify.post.current().settings = with_bot
    change(house, ana, code_channel="telegram", telegram_chat="12345678")
    ask(house)
    with freeze_time(NOW):
        (chat,) = mails(house, "12345678")
        right = code(house, "12345678")
        assert chat.channel == "telegram"
        assert right not in mails(house, ana)[-1].text
        assert reset(visitor(), link(house, ana), right).status_code == 200


def test_codes_are_kept_as_hmac_and_everything_is_in_the_book(house, visitor, ana):
    ask(house)
    right = code(house, ana)
    with house.app_context():
        row = db.session.scalars(db.select(CodeRequest)).one()
        assert right not in str(vars(row))
    assert [(row.result, row.address) for row in book(house, "account.recover")] == [("ok", HERE)]


def test_opening_the_link_uses_nothing_up(house, visitor, ana):
    ask(house)
    with freeze_time(NOW):
        path = link(house, ana)
        for _ in range(10):
            answer = visitor().see(path)
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert reset(visitor(), path, code(house, ana)).status_code == 200
        assert PASSWORD not in text(answer)


@pytest.mark.parametrize(
    "path", ["/confirm", "/reset", "/confirm/email", "/confirm/email/undo", "/register/invitation"]
)
def test_a_dead_link_says_so_when_it_is_opened(house, visitor, ana, path):
    answer = visitor().see(f"{path}?token=a.b.c&check=x")
    assert answer.status_code == 410
    assert "This link does not work any more." in text(answer)
    assert 'name="password"' not in answer.text


def test_a_link_whose_code_was_tried_out_is_dead_when_it_is_opened(house, visitor, ana):
    ask(house)
    person = visitor()
    with freeze_time(NOW):
        path, right = link(house, ana), code(house, ana)
        for _ in range(5):
            assert reset(person, path, wrong(right)).status_code == 422
        answer = person.see(path)
    assert answer.status_code == 410
    assert 'href="/recover"' in answer.text
