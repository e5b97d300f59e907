"""A running installation and a real browser, shared by all stories."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.stack import Stack, stack

PASSWORD = "violet-harbour-stands-41"


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory):
    """A fresh installation that runs for the whole session."""
    with stack(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture
def page(chromium: Browser, house: Stack):
    """A page of a browser that nobody has used; its console must stay free of errors."""
    context = chromium.new_context(
        base_url=house.url, viewport={"width": 1440, "height": 900}, locale="en-GB"
    )
    context.set_default_timeout(10_000)
    opened = context.new_page()
    errors: list[str] = []
    opened.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
    opened.on("pageerror", lambda error: errors.append(error.stack or str(error)))
    opened.console_errors = errors
    yield opened
    context.close()


def sign_up(page: Page, house: Stack, email: str, password: str = PASSWORD) -> None:
    """Register, take the link out of the outbox, confirm, log in."""
    page.goto("/register")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_label("Repeat password").fill(password)
    page.get_by_role("button", name="Register").click()
    page.goto(house.link(email, "/confirm"))
    page.get_by_role("button", name="Confirm my account").click()
    log_in(page, email, password)


def log_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Log in on the page for it and arrive at the dashboard."""
    page.goto("/login")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(re.compile(r"/$"))


def shots(page: Page, folder: Path, name: str) -> None:
    """Keep a picture of the page."""
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png", full_page=True)
