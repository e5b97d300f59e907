"""Sessions live on the server: they end when they are ended, wherever the cookie is copied to."""

import sqlite3
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from freezegun import freeze_time

from auth import browsers
from clock import utcnow
from db.base import db
from db.models import UserSession
from notify import worker
from tests.auth.conftest import NOW, PASSWORD, account, change, code, link, member, register, text

EMAIL = "ana@example.org"
COOKIE = "gatehouse_session"


@pytest.fixture
def ana(house):
    member(house, EMAIL)
    return EMAIL


def cookie(person) -> str:
    return person.client.get_cookie(COOKIE).value


def with_cookie(visitor, value: str):
    person = visitor()
    person.client.set_cookie(COOKIE, value)
    return person


def session_line(answer) -> str:
    """How a login sets the cookie of the session."""
    lines = answer.headers.getlist("Set-Cookie")
    return next(line for line in lines if COOKIE in line or "__Host-gatehouse" in line)


def test_a_cookie_copied_before_the_logout_is_worth_nothing_after(visitor, ana):
    person = visitor()
    person.log_in(ana)
    copy = with_cookie(visitor, cookie(person))
    assert copy.is_in()
    person.submit("/logout")
    assert not copy.is_in()
    assert not person.is_in()


def test_every_login_has_a_new_cookie_and_ends_the_session_before(visitor, ana):
    person = visitor()
    person.log_in(ana)
    first = cookie(person)
    other = with_cookie(visitor, "chosen-by-somebody-else")
    other.log_in(ana)
    assert cookie(other) not in {first, "chosen-by-somebody-else"}


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(house, visitor, ana, settings):
    import wiring

    line = session_line(visitor().log_in(ana))
    assert line.startswith(COOKIE + "=")
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert "Expires" not in line
    with house.app_context():
        wiring.current().settings = settings.model_copy(
            update={"app_url": "https://house.example.org"}
        )
    line = session_line(visitor().log_in(ana))
    assert line.startswith("__Host-gatehouse=")
    assert "Secure" in line
    assert "Path=/;" in line
    assert "Domain" not in line


def test_only_a_hash_of_the_cookie_is_stored(house, visitor, ana):
    person = visitor()
    person.log_in(ana)
    with house.app_context():
        row = db.session.scalars(db.select(UserSession)).one()
        assert cookie(person) not in str(vars(row))


def test_a_dump_of_the_database_holds_no_secret_once_the_mail_is_out(house, visitor, settings):
    register(house, "bo@example.org")
    path = link(house, "bo@example.org")
    person = visitor()
    person.submit(path)
    person.log_in("bo@example.org")
    person.submit("/settings/password", password=PASSWORD)
    said = code(house, "bo@example.org")
    with house.app_context():
        worker.run_once(NOW + timedelta(minutes=1))
    with sqlite3.connect(settings.instance_dir / "app.sqlite") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    assert "bo@example.org" in dump
    token = parse_qs(path.partition("?")[2])["token"][0]
    assert not [word for word in (said, token, cookie(person), PASSWORD) if word in dump]


def test_a_session_ends_after_half_an_hour_of_doing_nothing(visitor, ana):
    person = visitor()
    with freeze_time(NOW) as clock:
        person.log_in(ana)
        clock.tick(timedelta(minutes=29))
        assert person.see("/settings").status_code == 200
        clock.tick(timedelta(minutes=29))
        assert person.is_in()
        clock.tick(timedelta(minutes=2))
        assert not person.is_in()


def test_what_a_page_does_by_itself_does_not_keep_a_session_alive(visitor, ana):
    person = visitor()
    with freeze_time(NOW) as clock:
        person.log_in(ana)
        for _ in range(5):
            clock.tick(timedelta(minutes=7))
            answers = [person.see("/live"), person.see("/settings", headers={"X-Background": "1"})]
        assert [answer.status_code for answer in answers] == [401, 303]


def test_a_session_ends_after_twelve_hours_whatever_one_does(visitor, ana):
    person = visitor()
    with freeze_time(NOW) as clock:
        person.log_in(ana)
        for _ in range(35):
            clock.tick(timedelta(minutes=20))
            assert person.see("/settings").status_code == 200
        clock.tick(timedelta(minutes=25))
        assert person.see("/settings").status_code == 303


def test_a_remembered_browser_comes_back_with_a_new_cookie_for_thirty_days(visitor, ana):
    person = visitor()
    with freeze_time(NOW) as clock:
        person.log_in(ana, remember="y")
        first = cookie(person)
        clock.tick(timedelta(days=3))
        assert person.see("/settings").status_code == 200
        assert cookie(person) != first
        clock.tick(timedelta(days=26))
        assert person.see("/settings").status_code == 200
        clock.tick(timedelta(days=1, minutes=1))
        assert person.see("/settings").status_code == 303


def test_a_replaced_cookie_that_comes_back_later_ends_the_session(visitor, ana):
    person = visitor()
    with freeze_time(NOW) as clock:
        person.log_in(ana, remember="y")
        thief = with_cookie(visitor, cookie(person))
        tab = with_cookie(visitor, cookie(person))
        clock.tick(timedelta(hours=1))
        assert person.see("/settings").status_code == 200
        clock.tick(timedelta(seconds=2))
        assert tab.see("/settings").status_code == 200  # opened at the same moment
        assert person.is_in()
        clock.tick(timedelta(minutes=5))
        assert thief.see("/settings").status_code == 303
        assert not person.is_in()


def test_one_of_three_browsers_is_ended_and_only_that_one(house, visitor, ana):
    people = [visitor() for _ in range(3)]
    for person, agent in zip(people, ("Firefox/1 Linux", "Chrome/1 Windows", "x"), strict=True):
        person.client.environ_base["HTTP_USER_AGENT"] = agent
        person.log_in(ana)
    shown = text(people[0].see("/settings/sessions"))
    assert "Firefox, Linux" in shown
    assert "Chrome, Windows" in shown
    assert "Unknown browser" in shown
    with house.app_context():
        second = db.session.scalars(
            db.select(UserSession).where(UserSession.user_agent.contains("Chrome"))
        ).one()
    people[0].submit("/settings/sessions", item=second.public_id)
    assert [person.is_in() for person in people] == [True, False, True]
    people[0].submit("/settings/sessions", item="others")
    assert [person.is_in() for person in people] == [True, False, False]


def test_nobody_ends_the_session_of_another(house, visitor, ana):
    member(house, "mallory@example.org")
    victim, mallory = visitor(), visitor()
    victim.log_in(ana)
    mallory.log_in("mallory@example.org")
    with house.app_context():
        row = browsers.listed(account(house, ana), now=utcnow())[0]
    answer = mallory.submit("/settings", at="/settings/sessions", item=row.public_id)
    assert answer.status_code == 404
    assert victim.is_in()


@pytest.mark.parametrize("values", [{"disabled_at": NOW}, {"epoch": 1}, {"confirmed_at": None}])
def test_what_is_done_to_an_account_ends_its_sessions_at_once(house, visitor, ana, values):
    person = visitor()
    person.log_in(ana)
    with house.app_context():
        session = browsers.listed(account(house, ana), now=utcnow())[0]
        assert browsers.alive([session.id], now=utcnow())
    change(house, ana, **values)
    with house.app_context():
        assert not browsers.alive([session.id], now=utcnow())
    assert not person.is_in()


def test_rows_of_ended_sessions_are_forgotten_after_a_while(house, visitor, ana):
    with freeze_time(NOW):
        for person in (one := visitor(), two := visitor()):
            person.log_in(ana)
        one.submit("/logout")
    with house.app_context():
        assert browsers.forget_ended(now=NOW + timedelta(days=1)) == 0
        assert browsers.forget_ended(now=NOW + timedelta(days=7, seconds=1)) == 1
    assert two.client is not one.client


def test_settings_are_kept_and_shown(house, visitor, ana):
    person = visitor()
    person.log_in(ana)
    person.submit("/settings", language="de", theme="dark", timezone="Europe/Belgrade")
    shown = person.see("/settings").text
    assert 'lang="de"' in shown
    assert 'data-bs-theme="dark"' in shown
    user = account(house, ana)
    assert (user.language, user.theme, user.timezone) == ("de", "dark", "Europe/Belgrade")
    answer = person.submit("/settings", language="xx", theme="pink", timezone="Mars/Base")
    assert answer.status_code == 400
    assert PASSWORD not in shown
