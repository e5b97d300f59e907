"""Passkeys in Chromium with its virtual authenticator, and answers that are played again."""

import json

import pytest
from playwright.sync_api import Page, expect

from auth import passkeys, people
from auth.passkeys import Site
from clock import utcnow
from db.base import db
from db.models import Passkey, PasskeyChallenge
from errors import Invalid
from tests.auth.conftest import HERE, PASSWORD, mails, member

EMAIL = "ana@example.org"


@pytest.fixture
def page(chromium, url):
    """Chromium with a security key plugged in that needs no touch."""
    context = chromium.new_context(base_url=url, locale="en-GB")
    context.set_default_timeout(10_000)
    opened = context.new_page()
    tools = context.new_cdp_session(opened)
    tools.send("WebAuthn.enable")
    tools.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    yield opened
    context.close()


def log_in(page: Page) -> None:
    page.goto("/login")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def add_passkey(page: Page) -> None:
    log_in(page)
    page.goto("/settings/security")
    page.get_by_label("Name").fill("My key")
    page.get_by_role("button", name="Add passkey").click()
    expect(page.locator("[data-recovery-codes] li")).to_have_count(10)


def test_a_passkey_is_made_and_then_replaces_password_and_code(house, page):
    member(house, EMAIL)
    add_passkey(page)
    page.goto("/settings/security")
    expect(page.get_by_text("My key")).to_be_visible()
    assert "passkey was added" in mails(house, EMAIL)[-1].text

    page.context.clear_cookies()
    log_in(page)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()

    page.goto("/login?next=/settings/sessions")
    sent = []
    page.on("request", lambda request: sent.append(request))
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("This browser")).to_be_visible()
    assert page.url.endswith("/settings/sessions")
    played_again(house, sent, page)

    page.goto("/settings/security")
    page.get_by_label("Current password").first.fill(PASSWORD)
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("My key")).to_have_count(0)


def played_again(house, sent, page: Page) -> None:
    """What went over the wire is worth nothing a second time, or to somebody else."""
    form = next(item for item in sent if item.url.endswith("/login/passkey")).post_data_json
    answer, site = (
        json.loads(form["answer"]),
        Site("localhost", page.url.rpartition("/settings")[0]),
    )
    with house.app_context():
        for number in (form["challenge"], "unknown", ""):
            with pytest.raises(Invalid):
                passkeys.login(number, answer, site, now=utcnow(), address=HERE)
        assert db.session.scalars(db.select(PasskeyChallenge)).all() == []
        number = passkeys.login_options(site, now=utcnow())["challenge"]
        with pytest.raises(Invalid):  # another challenge than was signed
            passkeys.login(number, answer, site, now=utcnow(), address=HERE)
        number = passkeys.login_options(site, now=utcnow())["challenge"]
        answer["response"]["userHandle"] = "c29tZWJvZHk"
        with pytest.raises(Invalid):  # the key of one person in the name of another
            passkeys.login(number, answer, site, now=utcnow(), address=HERE)
        number = passkeys.login_options(site, now=utcnow())["challenge"]
        answer["response"]["userHandle"] = "a"
        with pytest.raises(Invalid):  # in the name of nobody
            passkeys.login(number, answer, site, now=utcnow(), address=HERE)


def test_a_passkey_for_another_site_is_refused(house, page, url):
    member(house, EMAIL)
    add_passkey(page)
    with house.app_context():
        key = db.session.scalars(db.select(Passkey)).one()
        assert key.sign_count > 0
    page.context.clear_cookies()
    page.goto("/login")
    page.route("**/login/passkey", lambda route: route.abort())
    with page.expect_request("**/login/passkey") as sent:
        page.get_by_role("button", name="Use a passkey").click()
    form = sent.value.post_data_json
    with house.app_context(), pytest.raises(Invalid):
        passkeys.login(
            form["challenge"],
            json.loads(form["answer"]),
            Site("evil.example", "https://evil.example"),
            now=utcnow(),
            address=HERE,
        )


@pytest.mark.parametrize(
    "answer",
    ["", "[]", "null", "{", '{"rawId": 5}', '{"rawId": "AAAA", "response": 1}', "[" * 9000],
)
def test_broken_answers_are_refused(house, visitor, answer):
    person = visitor()
    page = person.see("/login", base_url="http://localhost").text
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    answered = person.client.post(
        "/login/passkey",
        base_url="http://localhost",
        data={"csrf_token": token, "challenge": "x", "answer": answer},
    )
    assert answered.status_code == 422


def test_there_are_no_passkeys_where_the_site_has_no_name(house, visitor):
    member(house, EMAIL)
    person = visitor()
    assert "passkey" not in person.see("/login", base_url="http://127.0.0.1:8050").text
    assert "data-passkey" in person.see("/login", base_url="http://localhost:8050").text
    with house.app_context():
        assert passkeys.listed(people.by_email(EMAIL)) == []
