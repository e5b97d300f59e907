"""A whole installation in this process, one for each file of tests."""

from pathlib import Path

import pytest

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
