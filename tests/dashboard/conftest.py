"""A whole installation in this process, one for each file of tests."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.dashboard.browsing import Tab, signed_in
from tests.dashboard.watching import Person, Watched, watched
from tests.portal import Portal, Visitor, make


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Portal:
    folder: Path = tmp_path_factory.mktemp("portal")
    return make(folder)


@pytest.fixture
def alice(portal: Portal) -> Visitor:
    return portal.person("alice@example.org")


@pytest.fixture
def bob(portal: Portal) -> Visitor:
    return portal.person("bob@example.org")


@pytest.fixture
def stranger(portal: Portal) -> Visitor:
    return portal.stranger()


@pytest.fixture(scope="module")
def live_house(tmp_path_factory: pytest.TempPathFactory):
    """The live stream under the real web server, with a small page."""
    with watched(tmp_path_factory.mktemp("live")) as served:
        yield served


@pytest.fixture
def visit(live_house: Watched, chromium: Browser):
    """Opens the small page for somebody, by default for a new person in a new browser."""
    contexts = []
    tabs = []

    def open_tab(person: Person | None = None, context: BrowserContext | None = None, **options):
        person = person or live_house.person()
        if context is None:
            context = chromium.new_context(
                locale="en-GB", viewport={"width": 1000, "height": 1000}, **options
            )
            contexts.append(context)
            signed_in(context, live_house, person)
        tab = Tab(context.new_page(), live_house, person)
        tabs.append(tab)
        return tab

    yield open_tab
    assert not [error for tab in tabs for error in tab.errors]
    for context in contexts:
        context.close()
