"""Codes go where the person wants, once the number or chat has proved to be theirs."""

import pytest
from freezegun import freeze_time

import notify.post
import wiring
from tests.auth.conftest import NOW, PASSWORD, account, code, mails, member, wrong

EMAIL, CHAT, NUMBER = "ana@example.org", "12345678", "+4915112345678"


@pytest.fixture
def person(house, visitor, settings):
    secret = type(settings.mail_password)
    with house.app_context():
        wiring.current().settings = notify.post.current().settings = settings.model_copy(
            update={
                "telegram_bot_token": secret("123456789:abc"),
                "twilio_account_sid": "AC0",
                "twilio_auth_token": secret("t"),
                "twilio_from": "+15005550006",
            }
        )
    member(house, EMAIL)
    with freeze_time(NOW):
        someone = visitor()
        someone.log_in(EMAIL)
        yield someone


def choose(person, channel: str, target: str = ""):
    page = "/settings/codes"
    return person.submit(page, at=page, channel=channel, target=target)


def confirm(person, said: str):
    return person.submit("/settings/codes", at="/settings/codes/confirm", code=said)


@pytest.mark.parametrize(
    ("channel", "typed", "target"),
    [
        ("telegram", CHAT, CHAT),
        ("sms", "+49 (151) 123-45678", None),
        ("sms", "+49 151 12345678", NUMBER),
    ],
)
def test_a_number_or_chat_is_used_after_its_code_came_back(house, person, channel, typed, target):
    answer = choose(person, channel, typed)
    if target is None:
        assert answer.status_code == 422
        return
    assert account(house, EMAIL).code_channel == "mail"
    assert [mail.channel for mail in mails(house, target)] == [channel]
    assert target in person.see("/settings/codes").text
    assert confirm(person, wrong(code(house, target))).status_code == 422
    assert confirm(person, code(house, target)).status_code == 303
    assert account(house, EMAIL).code_channel == channel
    assert "way in which codes reach you" in mails(house, EMAIL)[-1].text

    person.submit("/settings/password", password=PASSWORD)
    assert mails(house, target)[-1].fallback == EMAIL


def test_codes_come_by_mail_again_when_the_person_wants(house, person):
    choose(person, "telegram", CHAT)
    confirm(person, code(house, CHAT))
    assert choose(person, "mail").status_code == 303
    assert account(house, EMAIL).code_channel == "mail"
    assert choose(person, "telegram", CHAT).status_code == 303  # known already, no new code
    assert account(house, EMAIL).code_channel == "telegram"
    assert len(mails(house, CHAT)) == 1


@pytest.mark.parametrize(
    ("channel", "target"),
    [
        ("sms", "12345"),
        ("sms", ""),
        ("telegram", "@name"),
        ("pigeon", "x"),
    ],
)
def test_what_is_no_number_or_chat_is_refused(house, person, channel, target):
    assert choose(person, channel, target).status_code in {400, 422}
    assert account(house, EMAIL).code_channel == "mail"


def test_limits_count_over_all_channels(house, person):
    for number in range(5):
        assert (
            choose(
                person, "telegram" if number % 2 else "sms", [NUMBER, CHAT][number % 2]
            ).status_code
            == 303
        )
    assert choose(person, "telegram", CHAT).status_code == 429
    assert person.submit("/settings/password", password=PASSWORD).status_code == 429


def test_what_is_not_set_up_is_not_offered(house, visitor, settings):
    with house.app_context():
        wiring.current().settings = notify.post.current().settings = settings
    member(house, EMAIL)
    someone = visitor()
    someone.log_in(EMAIL)
    assert "Telegram" not in someone.see("/settings/codes").text
    assert choose(someone, "telegram", CHAT).status_code == 400
