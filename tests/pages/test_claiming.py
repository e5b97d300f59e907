"""A device registers itself; its QR code is opened by somebody who is not even signed in."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from auth import passwords
from db.base import db, transaction
from db.models import Device, Grant, Level, User
from tests.portal import COOKIE, texts

AXE = (Path(__file__).parent.parent / "vendor/axe.min.js").read_text()
EMAIL, PASSWORD = "claimer@example.org", "a quiet place by the sea"
SIZES = [("light", {"width": 1440, "height": 900}), ("dark", {"width": 390, "height": 844})]


@pytest.fixture(scope="module")
def address(portal):
    person = portal.person(EMAIL)
    with portal.server.app_context(), transaction() as session:
        session.get_one(User, person.user.id).password_hash = passwords.hash_password(PASSWORD)
    with portal.served() as url:
        yield url


@pytest.fixture
def page(chromium, address):
    """A browser that nobody is signed in with; afterwards nothing may have gone wrong."""
    complaints: list[str] = []
    context = chromium.new_context(base_url=address, locale="en-US")
    opened = context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error.stack)))
    yield opened
    context.close()
    assert not complaints


def registered(portal, hardware_id: str) -> dict[str, str]:
    """What a device that registers is told about its claiming."""
    boot = {
        "hardware_id": hardware_id,
        "controller_id": hardware_id,
        "firmware": "1",
        "claim_secret": f"secret of {hardware_id}",
    }
    answer = portal.server.test_client().post("/api/v1/devices/register", json=boot)
    assert answer.status_code == 201, answer.text
    return answer.json["claim"]


def owner_of(portal, controller_id: str) -> str | None:
    with portal.server.app_context():
        query = db.session.query(User.email).join(Grant).join(Device)
        query = query.filter(Device.controller_id == controller_id, Grant.level == Level.OWNER)
        return query.scalar()


def test_a_qr_code_leads_through_the_login_to_the_claim(portal, page: Page):
    url = urlsplit(registered(portal, "gate-7")["url"])
    page.goto(f"{url.path}?{url.query}")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()

    expect(page.get_by_label("Code of the device")).to_have_value(re.compile(r"\w{4}-\w{4}"))
    assert owner_of(portal, "gate-7") is None  # opening an address changes nothing
    page.get_by_role("button", name="Claim device").click()
    expect(page.get_by_text("gate-7 is yours now.")).to_be_visible()
    assert owner_of(portal, "gate-7") == EMAIL

    page.get_by_role("link", name="Open its page").click()
    expect(page.get_by_role("heading", name="gate-7")).to_be_visible()


@pytest.mark.parametrize(("theme", "size"), SIZES, ids=["light-wide", "dark-narrow"])
def test_the_page_is_usable_by_everybody(portal, page: Page, address, theme, size):
    token = portal.person(EMAIL).token
    page.context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size(size)
    page.goto("/devices/new?claim=ABCD-EFGH")
    page.get_by_role("heading", name="Claim a device").wait_for()
    page.evaluate(AXE)
    assert page.evaluate("axe.run()")["violations"] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.get_by_label("Code of the device").press("Enter")
    expect(page.get_by_role("alert").filter(has_text="No device waits")).to_be_visible()


def test_a_wrong_code_is_refused_beside_the_form_and_tries_are_limited(portal, bob):
    output = next(one for one in portal.app.callback_map if "device_new-form" in one and "@" in one)
    answers = [
        bob.call(output, device_new_claim_n_clicks=1, device_new_code_value=f"WRONG-{number}")
        for number in range(6)
    ]
    assert "No device waits" in answers[0].text
    assert "device_new-refused" in answers[0].json["sideUpdate"]
    assert "No device waits" not in texts(answers[-1].json["sideUpdate"])
    assert "No device waits" not in answers[-1].text
