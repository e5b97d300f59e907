"""Every page in every language: it says so, it is translated, and it fits a telephone."""

import pytest
from playwright.sync_api import Browser, BrowserContext

from notify.language import LANGUAGES, client_texts
from tests.e2e.conftest import PASSWORD, sign_up
from tests.stack import Stack

WIDTH = 390
EMAIL = "polyglot@example.org"
DEVICE = "Gate at the far end of the northern orchard"
STRANGERS = ["/login", "/register", "/recover", "/confirm", "/outbox"]
OWN = [
    "/settings",
    "/settings/account",
    "/settings/activity",
    "/settings/codes",
    "/settings/email",
    "/settings/password",
    "/settings/security",
    "/settings/sessions",
    "/settings/tokens",
]
TAGS = {"sr": "sr-Latn"}
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
  .filter((one) => getComputedStyle(one).position !== "absolute")
  .filter((one) => !one.closest("pre, table, svg, .table-responsive, .js-plotly-plot"))
  .map((one) => one.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def account(chromium: Browser, house: Stack):
    """The cookies of a person who has a device."""
    context = chromium.new_context(base_url=house.url, locale="en-GB")
    page = context.new_page()
    sign_up(page, house, EMAIL)
    house.flask("devices", "add", DEVICE, "--kind", "lock", "--owner", EMAIL)
    yield context.storage_state()
    context.close()


def telephone(chromium: Browser, house: Stack, code: str, **more: object) -> BrowserContext:
    context = chromium.new_context(
        base_url=house.url,
        locale=code,
        viewport={"width": WIDTH, "height": 844},
        **more,
    )
    context.set_default_timeout(10_000)
    return context


def check(page, path: str, code: str) -> None:
    page.goto(path)
    assert page.locator("html").get_attribute("lang") == TAGS.get(code, code), path
    page.locator("h1").first.wait_for()
    assert page.evaluate(TOO_WIDE) == [], path
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH, path


@pytest.mark.parametrize("code", LANGUAGES)
def test_pages_for_strangers_fit_a_telephone(chromium: Browser, house: Stack, code: str):
    context = telephone(chromium, house, code)
    page = context.new_page()
    titles = set()
    for path in STRANGERS:
        check(page, path, code)
        titles.add(page.locator("h1").first.inner_text())
    context.close()
    assert len(titles) == len(STRANGERS)


@pytest.mark.parametrize("code", LANGUAGES)
def test_pages_behind_the_login_fit_a_telephone(
    chromium: Browser, house: Stack, account: dict, code: str
):
    context = telephone(chromium, house, code, storage_state=account)
    page = context.new_page()
    page.goto("/settings")
    page.locator("select[name=language]").select_option(code)
    page.locator("main form button[type=submit]").last.click()
    for path in OWN:
        check(page, path, code)

    check(page, "/", code)
    page.get_by_role("region", name=DEVICE).wait_for()
    assert page.evaluate("JSON.parse(document.getElementById('texts').textContent)") == (
        client_texts(code)
    )
    assert page.evaluate(TOO_WIDE) == []
    check(page, "/devices/new", code)
    context.close()


def test_a_stranger_can_change_the_language(chromium: Browser, house: Stack):
    context = telephone(chromium, house, "en")
    page = context.new_page()
    page.goto("/login")
    page.get_by_role("button", name="Deutsch").click()

    assert page.locator("html").get_attribute("lang") == "de"
    page.get_by_label("E-Mail").fill(EMAIL)
    page.get_by_label("Passwort", exact=True).fill(PASSWORD + "x")
    page.get_by_role("button", name="Anmelden", exact=True).click()
    page.get_by_text("E-Mail-Adresse oder Passwort ist falsch.").wait_for()
    page.goto("/register")
    assert page.locator("html").get_attribute("lang") == "de"
    context.close()
