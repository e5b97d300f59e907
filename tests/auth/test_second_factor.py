"""After the password an app or a recovery code; each code opens once, no mail switches it off."""

from datetime import timedelta

import pyotp
import pytest
from bs4 import BeautifulSoup
from freezegun import freeze_time

from auth import accounts
from db.base import db
from db.models import RecoveryCode
from errors import AppError
from tests.auth.conftest import HERE, NOW, PASSWORD, account, code, link, mails, member, text
from tests.auth.test_recovery import NEW, ask, reset

EMAIL = "ana@example.org"
SECURITY = "/settings/security"


@pytest.fixture
def ana(house, visitor):
    """A person whose app is on; knows its secret and the recovery codes."""
    member(house, EMAIL)
    with freeze_time(NOW - timedelta(minutes=5)):
        person = visitor()
        person.log_in(EMAIL)
        begin(person)
        shown = BeautifulSoup(person.see(SECURITY).data, "html.parser")
        person.secret = shown.select_one("main p > code").text
        assert shown.select_one("main img")["src"].startswith("data:image/svg+xml")
        answer = person.submit(SECURITY, at=SECURITY + "/app/confirm", code=now_code(person, -300))
        person.codes = [
            item.text for item in BeautifulSoup(answer.data, "html.parser").select("li code")
        ]
    return person


def now_code(person, seconds: int = 0) -> str:
    return pyotp.TOTP(person.secret).at(NOW + timedelta(seconds=seconds))


def second_step(visitor, said: str, **fields: object):
    """Give the password, then the code."""
    person = visitor()
    shown = person.log_in(EMAIL, **fields)
    assert shown.status_code == 200
    assert not person.is_in()
    form = BeautifulSoup(shown.data, "html.parser").select_one("main form")
    values = {item["name"]: item.get("value", "") for item in form.select("input[name]")}
    answer = person.client.post(
        form["action"], data={**values, "code": said}, environ_base={"REMOTE_ADDR": HERE}
    )
    return person, answer


def test_after_the_password_the_code_of_the_app_is_asked_for(house, visitor, ana):
    with freeze_time(NOW):
        person, answer = second_step(visitor, now_code(ana), next="/settings")
        assert (answer.status_code, answer.location) == (303, "/settings")
        assert person.is_in()
    assert len(ana.codes) == 10
    assert "security of your account" in mails(house, EMAIL)[-1].subject


def test_a_code_of_the_app_works_once(visitor, ana):
    with freeze_time(NOW):
        assert second_step(visitor, now_code(ana))[1].status_code == 303
        assert second_step(visitor, now_code(ana))[1].status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(-30, 303), (30, 303), (-90, 401), (90, 401)])
def test_clocks_may_differ_by_half_a_minute(visitor, ana, seconds, status):
    with freeze_time(NOW):
        assert second_step(visitor, now_code(ana, seconds))[1].status_code == status


def test_five_wrong_codes_pause_the_second_step(visitor, ana):
    with freeze_time(NOW):
        statuses = [second_step(visitor, "000000")[1].status_code for _ in range(6)]
        assert statuses == [401] * 5 + [429]
        assert second_step(visitor, now_code(ana))[1].status_code == 429


def test_a_recovery_code_works_once_and_is_told_of(house, visitor, ana):
    with freeze_time(NOW):
        assert second_step(visitor, ana.codes[3].upper())[1].status_code == 303
        assert second_step(visitor, ana.codes[3])[1].status_code == 401
        assert second_step(visitor, ana.codes[4].replace("-", " "))[1].status_code == 303
    assert "recovery code was used" in mails(house, EMAIL)[-1].text


def test_the_second_step_ends_after_five_minutes(visitor, ana):
    person = visitor()
    with freeze_time(NOW) as clock:
        form = BeautifulSoup(person.log_in(EMAIL).data, "html.parser").select_one("main form")
        values = {item["name"]: item.get("value", "") for item in form.select("input[name]")}
        clock.tick(timedelta(seconds=301))
        answer = person.client.post(form["action"], data={**values, "code": now_code(ana, 301)})
    assert answer.status_code == 410
    assert not person.is_in()


def test_recovery_by_mail_leaves_the_second_factor_on(house, visitor, ana):
    ask(house)
    with freeze_time(NOW):
        reset(visitor(), link(house, EMAIL), code(house, EMAIL))
        answer = visitor().log_in(EMAIL, NEW)
    assert "Second step" in text(answer)


def test_programs_give_the_code_with_the_password(house, ana):
    def said(otp: str | None) -> str:
        try:
            with house.app_context():
                accounts.authenticate(EMAIL, PASSWORD, now=NOW, address=HERE, otp=otp)
        except AppError as error:
            return error.code
        return "in"

    assert said(None) == "second_factor_needed"
    assert said("000000") == "code_wrong"
    with freeze_time(NOW):
        assert said(now_code(ana)) == "in"


def test_switching_off_needs_the_password_and_forgets_the_codes(house, visitor, ana):
    with freeze_time(NOW - timedelta(minutes=4)):
        path = SECURITY + "/off"
        assert ana.submit(SECURITY, at=path, password="wrong-wrong-wrong").status_code == 422
        assert account(house, EMAIL).totp_confirmed_at is not None
        ana.submit(SECURITY, at=path, password=PASSWORD)
    assert visitor().log_in(EMAIL).status_code == 303
    with house.app_context():
        assert db.session.scalars(db.select(RecoveryCode)).all() == []


def test_new_recovery_codes_replace_the_old_ones(visitor, ana):
    with freeze_time(NOW - timedelta(minutes=4)):
        answer = ana.submit(SECURITY, at=SECURITY + "/codes", password=PASSWORD)
    fresh = [item.text for item in BeautifulSoup(answer.data, "html.parser").select("li code")]
    with freeze_time(NOW):
        assert second_step(visitor, ana.codes[0])[1].status_code == 401
        assert second_step(visitor, fresh[0])[1].status_code == 303


def test_switching_on_ends_the_other_sessions(house, visitor):
    member(house, EMAIL)
    with freeze_time(NOW):
        person, other = visitor(), visitor()
        person.log_in(EMAIL)
        other.log_in(EMAIL)
        begin(person)
        shown = BeautifulSoup(person.see(SECURITY).data, "html.parser")
        person.secret = shown.select_one("main p > code").text
        assert (
            person.submit(SECURITY, at=SECURITY + "/app/confirm", code="000000").status_code == 422
        )
        assert other.is_in()
        person.submit(SECURITY, at=SECURITY + "/app/confirm", code=now_code(person))
        assert not other.is_in()
        assert person.is_in()


def test_neither_secret_nor_codes_are_in_the_database_in_clear(house, settings, ana):
    stored = (settings.instance_dir / "app.sqlite").read_bytes()
    stored += (settings.instance_dir / "app.sqlite-wal").read_bytes()
    for word in (ana.secret, *ana.codes, *(word.replace("-", "") for word in ana.codes)):
        assert word.encode() not in stored


def test_a_way_in_is_added_only_soon_after_password_or_passkey(house, visitor):
    member(house, EMAIL)
    with freeze_time(NOW) as clock:
        person = visitor()
        person.log_in(EMAIL)
        assert "Set up" in person.see(SECURITY).text

        clock.tick(timedelta(minutes=11))
        assert "Set up" not in person.see(SECURITY).text
        begin(person)
        assert account(house, EMAIL).totp_secret is None
        assert new_passkey(person).status_code == 403
        answer = person.submit(SECURITY, at=SECURITY + "/add", password="wrong-wrong-wrong")
        assert "The password is wrong" in text(answer)
        shown = BeautifulSoup(answer.data, "html.parser").select_one("[aria-current=page]")
        assert shown.text == "Security"
        assert "Set up" not in person.see(SECURITY).text

        person.submit(SECURITY, at=SECURITY + "/add", password=PASSWORD)
        begin(person)
        assert account(house, EMAIL).totp_secret
        assert new_passkey(person).status_code == 200

        clock.tick(timedelta(minutes=11))
        secret = BeautifulSoup(person.see(SECURITY).data, "html.parser").select("main code")
        assert secret == []
        person.submit(SECURITY, at=SECURITY + "/app/confirm", code="123456")
        assert account(house, EMAIL).totp_confirmed_at is None


def begin(person) -> None:
    person.submit(SECURITY, at=SECURITY + "/app", item="begin")


def new_passkey(person):
    return person.submit(SECURITY, at="http://localhost" + SECURITY + "/passkeys/options")
