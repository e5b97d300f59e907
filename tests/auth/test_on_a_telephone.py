"""Account pages on a narrow screen: nothing is cut, and wide tables stay in their card."""

import pytest
from playwright.sync_api import Page

from notify.language import LANGUAGES
from tests.auth.conftest import PASSWORD, change, member, register

BOSS = "boss@example.org"
CUT = """() => [...document.querySelectorAll(".gh-nav-word")]
  .filter((one) => one.scrollWidth > one.clientWidth || one.scrollHeight > one.clientHeight)
  .map((one) => one.textContent)"""
LINES = """() => [...document.querySelectorAll(".gh-nav-word")]
  .map((one) => one.getClientRects().length && one.offsetHeight
    / parseFloat(getComputedStyle(one).lineHeight))"""
OUTSIDE = """() => {
  const links = document.querySelector(".gh-nav-links").getBoundingClientRect();
  return [...document.querySelectorAll(".gh-nav-word")]
    .filter((one) => one.getBoundingClientRect().bottom > links.bottom)
    .map((one) => one.textContent);
}"""
SPILLS = """() => {
  const card = document.querySelector("main").getBoundingClientRect();
  return [...document.querySelectorAll("main > *")]
    .filter((one) => one.getBoundingClientRect().right > card.right)
    .map((one) => one.outerHTML.slice(0, 120));
}"""


@pytest.fixture
def page(chromium, url, house):
    """Chromium on a telephone, with an administrator who is logged in."""
    member(house, BOSS, role="admin")
    context = chromium.new_context(base_url=url, viewport={"width": 390, "height": 844})
    context.set_default_timeout(10_000)
    opened = context.new_page()
    opened.goto("/login")
    opened.locator("input[name=email]").fill(BOSS)
    opened.locator("input[name=password]").fill(PASSWORD)
    opened.locator("main form button[type=submit]").first.click()
    opened.wait_for_url(lambda address: "/login" not in address)
    yield opened
    context.close()


def test_the_names_of_the_pages_are_whole_in_every_language(page: Page, house):
    for code in LANGUAGES:
        change(house, BOSS, language=code)
        for width in (390, 360):
            page.set_viewport_size({"width": width, "height": 844})
            page.goto("/settings")

            assert page.evaluate(CUT) == [], (code, width)
            assert page.evaluate(OUTSIDE) == [], (code, width)
            assert max(page.evaluate(LINES)) < 2.5, (code, width)


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_table_of_mails_stays_in_its_card(page: Page, house, code: str):
    register(house, f"{'long' * 12}@{'orchard' * 6}.example.org")
    change(house, BOSS, language=code)
    page.goto("/admin/mail")

    assert page.evaluate(SPILLS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for head in page.locator("th").all():
        assert head.evaluate("one => one.offsetHeight") < 40, head.inner_text()
