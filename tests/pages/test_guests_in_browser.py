"""The guest links of a door in Chromium: the calendar leads to them, and they are copied on."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import wiring
from db.base import db
from db.models import Device, User
from devices import guests
from devices.guest_terms import Terms
from tests.portal import COOKIE

AXE = (Path(__file__).parent.parent / "vendor/axe.min.js").read_text()
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def first_monday(months: int) -> datetime:
    """15:00 on the first Monday of a month, so many months from now: a few presses away."""
    now = datetime.now(UTC)
    year, month = divmod(now.year * 12 + now.month - 1 + months, 12)
    first = datetime(year, month + 1, 1, 15, tzinfo=UTC)
    return first + timedelta(days=-first.weekday() % 7)


def minute(moment: datetime) -> str:
    """As a field for a date and a time has it."""
    return f"{moment:%Y-%m-%dT%H:%M}"


MONDAY = first_monday(3)
MONTH = f"{MONDAY:%B %Y}"
WEEK = f"Week from {MONDAY:%B} {MONDAY.day}, {MONDAY.year}"


def day(number: int) -> str:
    """A day counted from the first Monday, as the calendar writes it."""
    moment = MONDAY + number * DAY
    return f"{moment:%b} {moment.day}"


@pytest.fixture(scope="module")
def address(portal):
    with portal.served() as url:
        yield url


@pytest.fixture(scope="module")
def door(portal) -> Device:
    """A lock with the links of two guests who overlap, one who was here, and a cleaner."""
    owner = portal.person("owner@example.org")
    made = portal.device(owner, "Room 1", "lock")
    with portal.server.app_context():
        own, by = db.session.get_one(Device, made.id), db.session.get_one(User, owner.user.id)

        def link(label: str, begins: datetime, ends: datetime, **more) -> None:
            guests.create(
                own,
                Terms(label, begins, ends, "UTC", **more),
                by=by,
                keys=wiring.current().keys,
                url="http://localhost",
                now=min(begins, datetime.now(UTC)),
                address="",
            )

        link("Mia", MONDAY, MONDAY + 3 * DAY)
        link("Otto", MONDAY + 2 * DAY, MONDAY + 8 * DAY, max_uses=7)
        link("Ada", MONDAY - 3000 * DAY, MONDAY - 2990 * DAY)
        weekly = [{"days": ["fri"], "from": "09:00", "until": "12:00"}]
        link("Cleaner", MONDAY - 50 * DAY, MONDAY + 50 * DAY, weekly=weekly)
    return made


@pytest.fixture
def visit(chromium, portal, address, door):
    """Opens the access page of the door as its owner; afterwards nothing may have gone wrong."""
    complaints: list[str] = []
    contexts = []

    def opened(**options) -> Page:
        context = chromium.new_context(
            **({"base_url": address, "viewport": WIDE, "locale": "en-US"} | options)
        )
        contexts.append(context)
        owner = portal.person("owner@example.org")
        context.add_cookies([{"name": COOKIE, "value": owner.token, "url": address}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error.stack)))
        page.on("console", lambda one: complaints.append(one.text) if one.type == "error" else 0)
        page.clock.set_fixed_time(MONDAY)
        page.goto(f"/devices/{door.public_id}/access")
        page.get_by_role("region", name="Calendar of the guest links").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


def calendar(page: Page):
    return page.get_by_role("region", name="Calendar of the guest links")


def bar(place, guest: str):
    return place.get_by_role("link", name=re.compile(f"^{guest} ")).first


def turn_to(page: Page, title: str) -> None:
    """Press "Later" until the calendar shows this month."""
    while (shown := calendar(page).get_by_role("heading").inner_text()) != title:
        calendar(page).get_by_role("button", name="Later").click()
        expect(calendar(page).get_by_role("heading")).not_to_have_text(shown)


@pytest.mark.parametrize(
    ("theme", "size"), [("light", WIDE), ("dark", NARROW)], ids=["light-wide", "dark-narrow"]
)
def test_the_calendar_is_usable_by_everybody(visit, theme, size):
    page = visit(color_scheme=theme, viewport=size)
    turn_to(page, MONTH)
    page.evaluate(AXE)
    found = page.evaluate("axe.run()")["violations"]
    assert not [
        (problem["id"], [node["html"][:120] for node in problem["nodes"]]) for problem in found
    ]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    first = calendar(page).get_by_role("list", name=WEEK)
    assert [" ".join(one.split()) for one in first.get_by_role("listitem").all_inner_texts()] == [
        f"Cleaner early {day(-50)} 15:00 – {day(50)} 15:00",
        f"free: {day(0)} 00:00 – {day(0)} 15:00",
        f"Mia early {day(0)} 15:00 – {day(3)} 15:00 overlaps with Otto",
        f"Otto early {day(2)} 15:00 – {day(8)} 15:00 overlaps with Mia",
    ]


def test_bars_lie_where_the_days_of_their_links_are(visit):
    page = visit()
    turn_to(page, MONTH)
    week = calendar(page).get_by_role("list", name=WEEK)
    whole, mia, otto = (
        one.bounding_box()
        for one in (
            week,
            bar(week, "Mia"),
            bar(week, "Otto"),
        )
    )
    day = whole["width"] / 7
    assert mia["x"] - whole["x"] == pytest.approx(15 / 24 * day, abs=3)
    assert mia["width"] == pytest.approx(3 * day, abs=4)
    assert otto["x"] + otto["width"] == pytest.approx(whole["x"] + whole["width"], abs=3)
    assert otto["y"] > mia["y"]


def test_a_week_a_month_and_the_way_back_are_shown_with_the_keyboard(visit):
    page = visit()
    heading = calendar(page).get_by_role("heading")
    now = heading.inner_text()
    expect(calendar(page).get_by_role("button", name="Month")).to_have_attribute(
        "aria-pressed", "true"
    )
    calendar(page).get_by_role("button", name="Week", exact=True).press("Enter")
    expect(calendar(page).get_by_role("button", name="Week", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.locator(".gh-week")).to_have_count(1)
    label = page.locator(".gh-bars").get_attribute("aria-label")
    calendar(page).get_by_role("button", name="Earlier").press("Enter")
    expect(page.locator(".gh-bars")).not_to_have_attribute("aria-label", label)
    calendar(page).get_by_role("button", name="Today").press("Enter")
    expect(page.locator(".gh-bars")).to_have_attribute("aria-label", label)
    calendar(page).get_by_role("button", name="Month").press("Enter")
    expect(heading).to_have_text(now)


@pytest.mark.parametrize("guest", ["Otto", "Cleaner"])
def test_a_bar_leads_to_the_details_of_its_link(visit, guest):
    page = visit()
    turn_to(page, MONTH)
    bar(calendar(page), guest).press("Enter")
    details = page.get_by_role("article", name=guest)
    expect(details).to_be_focused()
    expect(details).to_be_in_viewport()


def test_a_bar_of_what_is_over_opens_the_past_links(visit):
    page = visit()
    page.get_by_text("Past links: 1").wait_for()
    expect(page.get_by_role("article", name="Ada")).to_be_hidden()
    page.evaluate("location.hash = document.querySelector('[aria-label=Ada]').id")
    expect(page.get_by_role("article", name="Ada")).to_be_visible()


def test_a_link_is_copied_for_the_next_guest_and_the_form_is_at_hand(visit):
    page = visit()
    page.get_by_role("article", name="Otto").get_by_role("button", name="Copy").press("Enter")

    note = page.get_by_text("Filled in as for Otto")
    expect(note).to_be_focused()
    expect(page.get_by_label("From", exact=True)).to_have_value(minute(MONDAY + 8 * DAY))
    expect(page.get_by_label("Until", exact=True)).to_have_value(minute(MONDAY + 14 * DAY))
    expect(page.get_by_label("Number of uses")).to_have_value("7")
    page.get_by_label("Name of the guest").fill("Ivo")
    page.get_by_role("button", name="Create guest link").click()

    expect(page.get_by_role("heading", name="Link for Ivo")).to_be_visible()
    expect(note).to_have_count(0)
    page.get_by_role("article", name="Ivo").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("article", name="Ivo")).to_be_hidden()
