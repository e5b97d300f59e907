"""Sharing with real browsers: every button of the giver's and the receiver's page is pressed."""

import json

import pytest
from playwright.sync_api import Page, expect

import db.base
import wiring
from clock import utcnow
from db.models import Device, User
from devices import app_tokens, configs
from devices.sharing import Level
from notify.language import LANGUAGES
from tests.e2e.test_languages import TOO_WIDE, WIDTH
from tests.pages.test_in_browser import AXE
from tests.portal import COOKIE

WHO = ("giver@example.org", "receiver@example.org")


@pytest.fixture(scope="module")
def address(portal):
    with portal.served() as url:
        yield url


@pytest.fixture
def browsers(portal, chromium, address):
    """Opens a page as one of the two; nothing may go wrong on any."""
    complaints, contexts = [], []

    def opened(email: str, path: str, **options) -> Page:
        context = chromium.new_context(base_url=address, **({"locale": "en-GB"} | options))
        contexts.append(context)
        token = portal.person(email).token
        context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(error.stack))
        page.goto(path)
        page.locator("h1").first.wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def pair(portal, browsers):
    """A new gate, its owner on the page of who gets in, the other on the page of sharing."""
    gate = portal.device(portal.person(WHO[0]), f"Gate {len(portal.people)} of the yard", "gate")
    giver = browsers(WHO[0], f"/devices/{gate.public_id}/access")
    receiver = browsers(WHO[1], "/sharing")
    yield gate, giver.get_by_role("region", name="Who has access"), giver, receiver
    with portal.server.app_context(), db.base.transaction() as session:
        session.delete(session.get_one(Device, gate.id))


def again(page: Page) -> Page:
    """The page as it is now."""
    page.reload()
    page.get_by_role("heading", name="Sharing", exact=True).wait_for()
    return page


def share(people, email: str, level: str) -> None:
    people.get_by_label("E-mail", exact=True).fill(email)
    people.get_by_label("Level", exact=True).select_option(level)
    people.get_by_role("button", name="Share", exact=True).click()


def test_somebody_is_let_in_has_another_level_leaves_and_is_put_out(pair):
    gate, people, _giver, receiver = pair
    share(people, WHO[1], "viewer")
    row = people.get_by_role("article", name=WHO[1])
    expect(row).to_contain_text("Viewer")
    given = again(receiver).get_by_role("article", name=gate.name)
    expect(given).to_contain_text(f"Viewer, of {WHO[0]}")

    row.get_by_label(f"Level of {WHO[1]}").select_option("manager")
    row.get_by_role("button", name="Change").click()
    expect(row.locator(".gh-muted").first).to_have_text("Manager")
    given = again(receiver).get_by_role("region", name="Shared with you")
    expect(given).to_contain_text(f"Manager, of {WHO[0]}")

    given.get_by_text("Leave …").click()
    given.get_by_role("button", name="Leave", exact=True).click()
    expect(given.get_by_text("Nobody shares a device with you.")).to_be_visible()

    share(people, WHO[1], "operator")  # the page still shows who has left
    expect(row).to_contain_text("Operator")
    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_count(0)
    expect(again(receiver).get_by_text("Nobody shares a device with you.")).to_be_visible()


def test_a_press_is_answered_though_the_list_is_drawn_anew_meanwhile(pair):
    _gate, people, giver, _receiver = pair
    row = people.get_by_role("article", name=WHO[1])
    share(people, WHO[1], "viewer")
    expect(row).to_be_visible()
    share(people, "future@example.org", "viewer")
    expect(people).to_contain_text("future@example.org")
    held = []

    def hold(route):
        inputs = json.dumps(route.request.post_data_json["inputs"])
        if "people-remove" in inputs and '"value"' in inputs and not held:
            held.append(route)
        else:
            route.continue_()

    giver.route("**/_dash-update-component*", hold)
    row.get_by_role("button", name="Remove").click()
    people.get_by_role("button", name="Withdraw").click()
    expect(people).not_to_contain_text("future@example.org")
    held[0].continue_()
    expect(row).to_have_count(0)


def test_an_address_without_an_account_is_invited_and_the_invitation_withdrawn(pair):
    _gate, people, _giver, _receiver = pair
    share(people, "not an address", "viewer")
    expect(people.get_by_role("alert")).not_to_be_empty()
    share(people, "future@example.org", "operator")
    row = people.get_by_role("article", name="future@example.org")
    expect(row).to_contain_text("invited as Operator")
    row.get_by_label("Level of future@example.org").select_option("viewer")
    row.get_by_role("button", name="Change").click()
    expect(row).to_contain_text("invited as Viewer")
    row.get_by_role("button", name="Withdraw").click()
    expect(row).to_have_count(0)


def test_a_device_is_handed_over_declined_and_accepted(pair):
    gate, people, _giver, receiver = pair
    offer = receiver.get_by_role("region", name="Offered to you")
    for answer in ("Decline", "Accept"):
        if not people.get_by_label("E-mail of the new owner").is_visible():
            people.get_by_text("Hand this device over …").click()
        people.get_by_label("E-mail of the new owner").fill(WHO[1])
        people.get_by_role("button", name="Offer", exact=True).click()
        expect(people.get_by_text(f"Offered to {WHO[1]}")).to_be_visible()
        expect(again(receiver).get_by_text("hands this device over to you")).to_be_visible()
        offer.get_by_role("button", name=answer).click()
        expect(offer).to_have_count(0)
    mine = receiver.get_by_role("region", name="Shared by you")
    expect(mine.get_by_role("article", name=gate.name)).to_contain_text(f"{WHO[0]} (Manager)")


def test_an_engineer_redeems_a_token_that_is_revoked_then(pair):
    gate, people, giver, receiver = pair
    tokens = giver.get_by_role("region", name="Tokens for engineers")
    tokens.get_by_text("New share token …").click()
    tokens.get_by_label("What it is for").fill("Hinges")
    tokens.get_by_label("Number of people").fill("2")
    tokens.get_by_role("button", name="Create share token").click()
    secret = tokens.locator("code", has_text="share_").inner_text()

    receiver.get_by_label("Token", exact=True).fill(f" {secret} ")
    receiver.get_by_role("button", name="Redeem").click()
    expect(receiver.get_by_text(f"You have access to {gate.name} now.")).to_be_visible()
    shown = receiver.get_by_role("region", name="Shared with you")
    expect(shown.get_by_role("article", name=gate.name)).to_contain_text("Operator")

    tokens.get_by_role("button", name="Revoke").click()
    expect(tokens.get_by_text("revoked")).to_be_visible()
    expect(people).not_to_contain_text(WHO[1])
    expect(again(receiver).get_by_text(gate.name)).to_have_count(0)
    receiver.get_by_label("Token", exact=True).fill(secret)
    receiver.get_by_role("button", name="Redeem").click()
    expect(receiver.get_by_text("unknown, used up or has ended")).to_be_visible()


@pytest.fixture(scope="module")
def full(portal):
    """Everything that the pages of sharing and files can show; the device."""
    giver, receiver = map(portal.person, WHO)
    gate = portal.device(giver, "The gate at the far end of the northern orchard", "gate")
    portal.share(gate, receiver, Level.MANAGER)
    with portal.server.app_context():
        parts = wiring.current()
        own = db.base.db.session.get_one(Device, gate.id)
        by = db.base.db.session.get_one(User, giver.user.id)
        app_tokens.vouch(own, "token-of-a-phone-app", Level.OPERATOR, now=utcnow())
        for pin in (1, 2):
            configs.push(
                own,
                {"pin": pin, "description": "a" * 120},
                by=by,
                store=parts.store,
                publisher=parts.publisher,
                keys=parts.keys,
                namespace="gatehouse",
                now=utcnow(),
                address="",
            )
    return gate


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_pages_fit_a_telephone_in_every_language(browsers, full, code):
    pages = [
        (WHO[0], f"/devices/{full.public_id}/access"),
        (WHO[0], f"/devices/{full.public_id}/files?show=2&against=1"),
        (WHO[0], f"/devices/{full.public_id}/files?show=1"),
        (WHO[1], "/sharing"),
    ]
    for who, path in pages:
        page = browsers(who, path, locale=code, viewport={"width": WIDTH, "height": 844})
        assert page.evaluate(TOO_WIDE) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH, path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_are_usable_by_everybody(browsers, full, scheme):
    for path in (f"/devices/{full.public_id}/files?show=2&against=1", "/sharing"):
        page = browsers(WHO[0], path, color_scheme=scheme)
        page.evaluate(AXE)
        found = page.evaluate("axe.run().then((run) => run.violations)")
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], path
