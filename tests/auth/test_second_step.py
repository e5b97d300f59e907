"""The second step names what the person has, and takes each of it: passkey, app, recovery code."""

import json

import pyotp
import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Page, expect
from webauthn.helpers import bytes_to_base64url

from auth import accounts, passkeys, people, second_factor
from auth.passkeys import Site
from clock import utcnow
from db.base import db, transaction
from db.models import UserSession
from errors import Gone, Invalid
from tests.auth.conftest import HERE, PASSWORD, member
from tests.auth.test_passkeys import EMAIL, add_passkey, log_in, page

__all__ = ["page"]

APP = {"en": "authenticator app", "de": "Authenticator-App"}
KEY = {"en": "Use a passkey", "de": "Passkey verwenden"}
CODES = {"en": "recovery codes", "de": "Wiederherstellungscodes"}
STEP = {"en": "Second step", "de": "Zweiter Schritt"}
NATIVE = {"en": "English", "de": "Deutsch"}


def recovery_codes(page: Page) -> list[str]:
    return page.locator("[data-recovery-codes] li").all_inner_texts()


def at_the_second_step(page: Page, language: str, *, remember: bool = False) -> None:
    """Give the password, then choose the language on the page of the second step."""
    page.context.clear_cookies()
    page.goto("/login?next=/settings/sessions")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    if remember:
        page.get_by_label("Remember me").check()
    page.get_by_role("button", name="Log in", exact=True).click()
    expect(page.get_by_role("heading", name=STEP["en"])).to_be_visible()
    page.get_by_role("button", name=NATIVE[language]).click()
    expect(page.get_by_role("heading", name=STEP[language])).to_be_visible()


@pytest.mark.parametrize("language", ["en", "de"])
def test_who_has_only_passkeys_is_offered_a_passkey(house, page, language):
    member(house, EMAIL)
    add_passkey(page)
    at_the_second_step(page, language, remember=True)
    said = page.locator("main").inner_text()
    assert APP[language] not in said
    assert CODES[language] in said
    page.get_by_role("button", name=KEY[language]).click()
    page.wait_for_url("**/settings/sessions")
    with house.app_context():
        newest = db.session.scalars(db.select(UserSession).order_by(UserSession.id.desc())).first()
        assert newest.remember


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_recovery_code_stands_in_for_the_passkey(house, page, language):
    member(house, EMAIL)
    add_passkey(page)
    codes = recovery_codes(page)
    at_the_second_step(page, language)
    page.get_by_label("Code").fill(codes[0])
    page.locator("form[action='/login/code'] button").click()
    page.wait_for_url("**/settings/sessions")


@pytest.mark.parametrize("language", ["en", "de"])
def test_who_has_both_is_offered_both(house, page, language):
    member(house, EMAIL)
    add_passkey(page)
    secret = set_up_app(house)
    at_the_second_step(page, language)
    assert APP[language] in page.locator("main").inner_text()
    expect(page.get_by_role("button", name=KEY[language])).to_be_visible()
    page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    page.locator("form[action='/login/code'] button").click()
    page.wait_for_url("**/settings/sessions")


def test_a_passkey_that_is_refused_leaves_the_person_at_the_second_step(house, page):
    member(house, EMAIL)
    add_passkey(page)
    at_the_second_step(page, "en")
    page.evaluate("document.querySelector('[data-passkey] [name=answer]').value = '{}'")
    page.evaluate("HTMLFormElement.prototype.submit.call(document.querySelector('[data-passkey]'))")
    expect(page.get_by_role("alert").filter(has_text="not accepted")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/settings/sessions")


def test_no_code_is_asked_for_that_does_not_exist(house, page):
    member(house, EMAIL)
    add_passkey(page)
    for code in recovery_codes(page):
        with house.app_context():
            second_factor.check(people.by_email(EMAIL), code, now=utcnow(), address=HERE)
    at_the_second_step(page, "en")
    expect(page.get_by_label("Code")).to_have_count(0)
    assert "recovery" not in page.locator("main").inner_text()
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/settings/sessions")


def test_a_passkey_of_somebody_else_does_not_do(house, page):
    member(house, EMAIL)
    add_passkey(page)
    member(house, "eve@example.org")
    page.context.clear_cookies()
    page.goto("/login")
    page.route("**/login/passkey", lambda route: route.abort())
    with page.expect_request("**/login/passkey") as sent:
        page.get_by_role("button", name="Use a passkey").click()
    form, site = sent.value.post_data_json, Site("localhost", page.url.rpartition("/login")[0])
    with house.app_context():
        eve = people.by_email("eve@example.org")
        assert passkeys.login_options(site, of=eve, now=utcnow())["options"][
            "allowCredentials"
        ] in (
            None,
            [],
        )
        with pytest.raises(Invalid):
            passkeys.login(
                form["challenge"],
                json.loads(form["answer"]),
                site,
                of=eve,
                now=utcnow(),
                address="",
            )


def test_the_browser_is_asked_for_the_persons_own_passkeys(house, page):
    member(house, EMAIL)
    add_passkey(page)
    at_the_second_step(page, "en")
    page.route("**/login/passkey", lambda route: route.fulfill(status=204))  # stay here
    with page.expect_response("**/login/passkey/options") as answer:
        page.get_by_role("button", name="Use a passkey").click()
    with house.app_context():
        [key] = passkeys.listed(people.by_email(EMAIL))
        [named] = answer.value.json()["options"]["allowCredentials"]
        assert named["id"] == bytes_to_base64url(key.credential_id)


def test_without_scripts_the_recovery_codes_are_left(house, chromium, url, page):
    member(house, EMAIL)
    add_passkey(page)
    codes = recovery_codes(page)
    context = chromium.new_context(base_url=url, locale="en-GB", java_script_enabled=False)
    plain = context.new_page()
    log_in(plain)
    assert "<noscript>" in plain.content()
    expect(plain.get_by_role("button", name="Use a passkey")).to_be_hidden()
    plain.get_by_label("Code").fill(codes[0])
    plain.get_by_role("button", name="Log in", exact=True).click()
    plain.wait_for_url(url + "/")
    context.close()


def set_up_app(house) -> str:
    with house.app_context():
        user = people.by_email(EMAIL)
        second_factor.begin(user)
        secret = second_factor.secret(user)
        with transaction():
            user.totp_confirmed_at = utcnow()
    return secret


def test_who_has_only_the_app_sees_no_passkey(house, visitor):
    member(house, EMAIL)
    set_up_app(house)
    person = visitor()
    shown = person.submit("http://localhost/login", email=EMAIL, password=PASSWORD)
    main = BeautifulSoup(shown.data, "html.parser").main
    assert "authenticator app shows." in main.get_text()
    assert "recovery" not in main.get_text()
    assert main.select_one("[data-passkey]") is None
    assert "passkeys.js" not in shown.text


def test_a_second_step_that_took_too_long_begins_again_at_the_login(house, visitor):
    member(house, EMAIL)
    set_up_app(house)
    person = visitor()
    person.log_in(EMAIL, next="/settings")
    token = BeautifulSoup(person.see("/login").data, "html.parser").select_one("[name=csrf_token]")
    sent = {"csrf_token": token["value"], "token": "forged", "code": "1", "next": "/settings"}
    for path in ("/login/code", "/login/passkey", "/language"):
        answer = person.client.post(path, data=sent, base_url="http://localhost")
        shown = BeautifulSoup(answer.data, "html.parser")
        assert answer.status_code == 410, path
        assert "That took too long. Please log in again." in shown.main.get_text()
        assert shown.select_one("main form")["action"] == "/login"
        assert shown.select_one("main form [name=next]")["value"] == "/settings"


def test_a_first_step_is_over_when_the_password_is_another(house):
    member(house, EMAIL)
    with house.app_context():
        user = people.by_email(EMAIL)
        token = accounts.second_step(user, now=utcnow(), address=HERE)
        assert accounts.after_first_step(token, now=utcnow()) == user
        with transaction():
            user.epoch += 1
        with pytest.raises(Gone):
            accounts.after_first_step(token, now=utcnow())
