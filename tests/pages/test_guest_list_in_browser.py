"""The page for many guests in Chromium: a file is chosen, checked, made into links and printed."""

import csv
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from db.base import db
from db.models import GuestLink
from tests.portal import COOKIE

AXE = (Path(__file__).parent.parent / "vendor/axe.min.js").read_text()
HEAD = "device;guest;from;until;uses\n"
STAY = "2030-07-05 15:00;2030-07-07 11:00"
GOOD = f"{HEAD}Room 1;Mia;{STAY};\nRoom 2;Otto;{STAY};5\n"
SIZES = [("light", {"width": 1440, "height": 900}), ("dark", {"width": 390, "height": 844})]


@pytest.fixture(scope="module")
def address(portal):
    owner = portal.person("owner@example.org")
    for name in ("Room 1", "Room 2"):
        portal.device(owner, name, "lock")
    with portal.served() as url:
        yield url


@pytest.fixture
def visit(chromium, portal, address):
    """Opens the page as the owner of two rooms; afterwards nothing may have gone wrong."""
    complaints: list[str] = []
    contexts = []

    def opened(**options) -> Page:
        context = chromium.new_context(base_url=address, locale="en-US", **options)
        contexts.append(context)
        owner = portal.person("owner@example.org")
        context.add_cookies([{"name": COOKIE, "value": owner.token, "url": address}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error.stack)))
        page.on("console", lambda one: complaints.append(one.text) if one.type == "error" else 0)
        page.goto("/devices/guest-links")
        page.get_by_role("heading", name="Links for many guests").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


def findings(page: Page):
    page.evaluate(AXE)
    return [
        (problem["id"], [node["html"][:120] for node in problem["nodes"]])
        for problem in page.evaluate("axe.run()")["violations"]
    ]


def links(portal) -> list[str]:
    with portal.server.app_context():
        return [link.label for link in db.session.query(GuestLink).order_by(GuestLink.id)]


def choose(page: Page, text: str) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_text("Choose a file", exact=True).click()
    chooser.value.set_files([{"name": "a.csv", "mimeType": "text/csv", "buffer": text.encode()}])
    expect(page.get_by_label("List")).to_have_value(text)


@pytest.mark.parametrize(("theme", "size"), SIZES, ids=["light-wide", "dark-narrow"])
def test_a_list_with_errors_says_where_and_makes_nothing(visit, portal, theme, size):
    page = visit(color_scheme=theme, viewport=size)
    before = links(portal)
    choose(page, GOOD + "Room 9;Ada;2030-07-05 15:00;2030-07-07 11:00;\n")
    for button in ("Check", "Create all links"):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_text("Lines that cannot be used: 1.")).to_be_visible()
        expect(page.get_by_role("row", name="4 Room 9")).to_contain_text("There is no such device.")
    assert findings(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert links(portal) == before


def test_what_is_no_list_is_said_beside_the_buttons(visit):
    page = visit()
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Columns are missing")).to_be_visible()


def test_the_links_are_shown_once_to_be_kept_or_printed(visit, portal, tmp_path):
    page = visit()
    page.evaluate("window.print = () => { window.printed = true; }")
    page.get_by_label("List").fill(GOOD)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("Every line can be used: 2.")).to_be_visible()
    page.get_by_role("button", name="Create all links").dblclick()
    expect(page.get_by_text("Links made: 2")).to_be_visible()
    assert links(portal)[-2:] == ["Mia", "Otto"]
    assert links(portal).count("Mia") == 1

    sheet = page.get_by_role("article", name="Room 2, Otto")
    url = sheet.locator("[data-guest-link]").inner_text()
    assert portal.stranger().get(f"/g/{url.partition('/g/')[2]}").status_code == 200
    expect(sheet.get_by_alt_text("QR code")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    download.value.save_as(tmp_path / "links.csv")
    rows = list(csv.DictReader((tmp_path / "links.csv").read_text("utf-8-sig").splitlines()))
    assert [(row["device"], row["guest"]) for row in rows] == [
        ("Room 1", "Mia"),
        ("Room 2", "Otto"),
    ]
    assert rows[1]["link"] == url

    page.get_by_role("button", name="Print").click()
    assert page.evaluate("window.printed")
    assert findings(page) == []
    page.emulate_media(media="print")
    expect(sheet).to_be_visible()
    expect(page.get_by_role("button", name="Create all links")).to_be_hidden()
    page.emulate_media(media="screen")
    page.reload()
    page.get_by_role("heading", name="Links for many guests").wait_for()
    assert url not in page.content()
