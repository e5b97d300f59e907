"""Logging in and out: limits that lock nobody out for long, and ways on that stay on this site."""

import concurrent.futures
from datetime import timedelta

import pytest
from freezegun import freeze_time

from auth import accounts, passwords
from auth.passwords import LONGEST
from errors import AppError, TooMany
from tests.auth.conftest import HERE, NOW, PASSWORD, change, member, register, text

EMAIL, WRONG = "ana@example.org", "wrong-wrong-wrong"


def outcome(email: str, password: str, now, address: str = HERE) -> str:
    """What the service says to a login."""
    try:
        accounts.check_password(email, password, now=now, address=address)
    except TooMany as error:
        return f"wait {error.retry_after}"
    except AppError as error:
        return error.code
    return "in"


def test_a_wrong_password_is_refused(house, visitor):
    member(house, EMAIL)
    answer = visitor().log_in(EMAIL, PASSWORD[:-1])
    assert answer.status_code == 401
    assert "E-mail or password is wrong." in text(answer)
    assert PASSWORD[:-1] not in answer.text


def test_the_sixth_wrong_try_in_five_minutes_pauses_the_account(house, visitor):
    member(house, EMAIL)
    member(house, "bo@example.org")
    with freeze_time(NOW):
        statuses = [visitor().log_in(EMAIL, WRONG).status_code for _ in range(6)]
        assert statuses == [401] * 5 + [429]
        answer = visitor().log_in(EMAIL)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
        assert "Please try again in 1 min." in text(answer)
        assert visitor().log_in("bo@example.org").status_code == 303
    with freeze_time(NOW + timedelta(seconds=61)):
        assert visitor().log_in(EMAIL).status_code == 303


def test_strangers_cannot_keep_the_owner_out_of_a_browser_used_before(house, visitor):
    member(house, EMAIL)
    member(house, "bo@example.org")
    with freeze_time(NOW):
        owner, bo = visitor(), visitor()
        owner.log_in(EMAIL)
        owner.submit("/logout")
        bo.log_in("bo@example.org")
        bo.submit("/logout")
        for _ in range(6):
            visitor().log_in(EMAIL, WRONG)
        assert bo.log_in(EMAIL).status_code == 429  # known, but not for this account
        assert [owner.log_in(EMAIL, WRONG).status_code for _ in range(2)] == [401, 401]
        assert owner.log_in(EMAIL).status_code == 303
        forger = visitor()
        forger.client.set_cookie("gatehouse_known", "x.y")
        assert forger.log_in(EMAIL).status_code == 429


def test_an_unknown_address_is_paused_just_the_same(house, visitor):
    with freeze_time(NOW):
        statuses = [visitor().log_in("no@example.org", WRONG).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


def test_pauses_grow_to_a_quarter_of_an_hour_and_no_further(inside):
    member(inside, EMAIL)
    now, pauses = NOW, []
    with freeze_time(now) as clock:
        for _ in range(5):
            outcome(EMAIL, WRONG, now)
        for number in range(7):
            said = outcome(EMAIL, WRONG, now, f"192.0.2.{number}")
            pauses.append(int(said.removeprefix("wait ")))
            now += timedelta(seconds=pauses[-1] + 1)
            clock.move_to(now)
            assert outcome(EMAIL, WRONG, now, f"192.0.2.{number}") == "wrong_credentials"
    assert pauses == [60, 120, 240, 480, 900, 900, 900]


def test_the_right_password_after_a_pause_forgets_the_wrong_ones(inside):
    member(inside, EMAIL)
    with freeze_time(NOW) as clock:
        for _ in range(6):
            outcome(EMAIL, WRONG, NOW)
        later = NOW + timedelta(seconds=61)
        clock.move_to(later)
        assert outcome(EMAIL, PASSWORD, later) == "in"
        assert [outcome(EMAIL, WRONG, later) for _ in range(5)] == ["wrong_credentials"] * 5


def test_twenty_tries_at_once_are_twenty_tries(house):
    member(house, EMAIL)

    def attempt(number: int) -> str:
        with house.app_context():
            return outcome(EMAIL, WRONG, NOW, f"192.0.2.{number}")

    with freeze_time(NOW), concurrent.futures.ThreadPoolExecutor(20) as pool:
        said = list(pool.map(attempt, range(20)))
    assert said.count("wrong_credentials") == 5
    assert sum(word.startswith("wait") for word in said) == 15


def test_one_address_of_the_network_cannot_try_many_accounts(inside):
    with freeze_time(NOW):
        said = [outcome(f"n{number}@example.org", WRONG, NOW) for number in range(22)]
    assert said[:20] == ["wrong_credentials"] * 20
    assert said[20].startswith("wait")


def test_many_tries_at_once_from_one_address_are_as_many_tries(house, monkeypatch):
    compared = []
    verify = passwords.verify
    monkeypatch.setattr(passwords, "verify", lambda *given: compared.append(1) or verify(*given))

    def guess(number: int) -> None:
        with house.app_context(), pytest.raises(AppError):
            accounts.check_password(f"p{number}@example.org", "wrong-one", now=NOW, address=HERE)

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        list(pool.map(guess, range(40)))
    assert len(compared) == 20


def test_a_forged_forwarded_header_does_not_help(house, visitor):
    with freeze_time(NOW):
        answers = []
        for number in range(21):
            person = visitor()
            person.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"198.51.100.{number}"
            answers.append(person.log_in(f"n{number}@example.org", WRONG).status_code)
    assert answers == [401] * 20 + [429]


def test_limits_hold_while_the_shared_counters_are_away(inside, settings, caplog):
    import wiring

    parts = wiring.current()
    parts.settings = settings.model_copy(update={"limits_storage_url": "redis://127.0.0.1:1/0"})
    member(inside, EMAIL)
    with freeze_time(NOW):
        said = [outcome(EMAIL, WRONG, NOW) for _ in range(6)]
    assert said == ["wrong_credentials"] * 5 + ["wait 60"]
    assert "shared counters are away" in caplog.text


@pytest.mark.parametrize(("size", "status"), [(0, 400), (10_000, 400), (LONGEST, 401)])
def test_empty_and_huge_passwords_are_refused(house, visitor, size, status):
    member(house, EMAIL)
    assert visitor().log_in(EMAIL, "x" * size).status_code == status


def test_a_huge_password_is_refused_before_anything_waits(house, visitor, monkeypatch):
    monkeypatch.setattr("auth.accounts.check_password", None)  # calling it would raise
    member(house, EMAIL)
    answer = visitor().log_in(EMAIL, "x" * 10_000)
    assert "This password is too long." in answer.text


def test_a_huge_password_is_not_hashed(inside, monkeypatch):
    import bcrypt

    monkeypatch.setattr(bcrypt, "hashpw", None)  # calling it would raise
    assert outcome(EMAIL, "x" * 10_000, NOW) == "password_too_long"


def test_a_disabled_person_learns_of_it_only_with_the_right_password(inside):
    member(inside, EMAIL)
    change(inside, EMAIL, disabled_at=NOW)
    assert outcome(EMAIL, WRONG, NOW) == "wrong_credentials"
    assert outcome(EMAIL, PASSWORD, NOW) == "disabled"


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "http:///evil.example",
        "https:///evil.example",
        "https://evil.example/",
        "//good@evil.example",
        " //evil.example",
        "javascript:alert(1)",
        "/nowhere",
        "",
    ],
)
def test_the_way_on_never_leaves_this_site(house, visitor, wanted):
    member(house, EMAIL)
    assert visitor().log_in(EMAIL, next=wanted).location == "/"


def test_the_way_on_is_the_page_that_was_asked_for(house, visitor):
    member(house, EMAIL)
    person = visitor()
    to_login = person.see("/settings/sessions").location
    answer = person.submit(to_login, email=EMAIL, password=PASSWORD)
    assert answer.location == "/settings/sessions"
    assert person.see("/login").location == "/"


def test_a_get_does_not_log_out_but_the_button_does(house, visitor):
    member(house, EMAIL)
    person = visitor()
    person.log_in(EMAIL)
    assert "Log out" in person.see("/logout").text
    assert person.is_in()
    person.submit("/logout")
    assert not person.is_in()


def test_forms_of_other_sites_are_refused(house, visitor):
    member(house, EMAIL)
    person = visitor()
    assert (
        person.client.post("/login", data={"email": EMAIL, "password": PASSWORD}).status_code == 400
    )
    person.log_in(EMAIL)
    assert person.client.post("/logout").status_code == 400
    assert person.is_in()


def test_every_refused_login_is_in_the_book_without_the_password(house, visitor):
    from db.base import db
    from db.models import AuditEvent

    register(house, EMAIL)
    visitor().log_in("evil\nforged line", WRONG)
    visitor().log_in(EMAIL, WRONG)
    with house.app_context():
        rows = db.session.scalars(db.select(AuditEvent).filter_by(action="login.fail")).all()
        assert [(row.user_id is None, row.result, row.address) for row in rows] == [
            (True, "refused", HERE),
            (False, "refused", HERE),
        ]
        assert WRONG not in str([vars(row) for row in rows])


def test_a_lockout_is_in_the_book_once_a_minute(house, visitor):
    from db.base import db
    from db.models import AuditEvent

    register(house, EMAIL)
    answers = [visitor().log_in(EMAIL, WRONG).status_code for _try in range(12)]
    assert answers.count(429) > 1
    with house.app_context():
        [row] = db.session.scalars(db.select(AuditEvent).filter_by(action="login.locked"))
        assert (row.user_id is None, row.result, row.address) == (False, "refused", HERE)


def test_the_language_of_the_browser_and_the_chosen_one(house, visitor):
    person = visitor()
    german = person.see("/login", headers={"Accept-Language": "de-AT,de;q=0.9"})
    assert 'lang="de"' in german.text
    shown = person.see("/login").text
    token = shown.split('name="csrf-token" content="')[1].split('"')[0]
    answer = person.client.post(
        "/language", data={"item": "fr", "csrf_token": token, "next": "/register"}
    )
    assert answer.location == "/register"
    assert 'lang="fr"' in person.see("/login").text


def test_a_form_whose_browser_lost_its_cookie_says_so_and_leads_back(visitor):
    answer = visitor().client.post("/login?next=/export", data={"email": "ana@example.org"})
    assert answer.status_code == 400
    assert "This page was open for too long. Please try again." in text(answer)
    assert 'href="/login?next=/export"' in answer.text


@pytest.mark.parametrize(
    ("path", "page"),
    [
        ("/settings/password/resend", "/settings/password"),
        ("/settings/security/app", "/settings/security"),
        ("/settings/security/app/confirm", "/settings/security"),
        ("/settings/security/off", "/settings/security"),
        ("/settings/codes/confirm", "/settings/codes"),
        ("/login/code", "/login"),
        ("/login/passkey", "/login"),
        ("/language", "/login"),
        ("/reset", "/reset?token=abc&amp;check=def"),
    ],
)
def test_a_form_without_its_cookie_leads_back_to_the_page_it_stands_on(visitor, path, page):
    kept = {"token": "abc", "check": "def"}
    answer = visitor().client.post(path, data=kept if path == "/reset" else {})
    assert answer.status_code == 400
    assert f'href="{page}"' in answer.text.partition("<main")[2]


@pytest.mark.parametrize("path", ["/login/code", "/language"])
def test_who_opens_the_address_of_a_mere_form_is_sent_to_the_login(visitor, path):
    answer = visitor().see(path)
    assert (answer.status_code, answer.location) == (303, "/login")
