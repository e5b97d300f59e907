"""Each page holds whatever the callbacks need that its parts may start."""

import re
from typing import Any

import pytest

from db.models import Kind, Level
from tests.portal import Visitor

PAGES = ["/", "/devices/new", "/devices/proposals", "/devices/guest-links", "/export", "/sharing"]
OF_A_DEVICE = ["", "/access", "/files", "/topics"]
HASH = re.compile(r"@[0-9a-f]{64}$")  # of an output that several callbacks have


def identities(component: Any) -> dict[str, bool]:
    """The ids in a part of a page, those in lists left out, and which can start something."""
    if isinstance(component, dict):
        component = component.get("props", {})
        own = component.get("id")
        found = identities(list(component.values()))
        return found | {own: not component.get("disabled")} if isinstance(own, str) else found
    found = {}
    for one in component if isinstance(component, list) else ():
        found |= identities(one)
    return found


def lacking(visitor: Visitor, path: str) -> list[tuple[str, set[str]]]:
    """The callbacks that the page can start, and what they need that is not there."""
    there = identities(visitor.page(path)) | identities(visitor.get("/_dash-layout").json)
    found = []
    for one in visitor.get("/_dash-dependencies").json:
        starting = {item["id"] for item in one["inputs"]}
        needed = {item["id"] for item in one["state"]} | {
            HASH.sub("", part).rpartition(".")[0] for part in one["output"].strip(".").split("...")
        }
        needed = {name for name in needed if not name.startswith("{")}
        if all(there.get(name) for name in starting) and needed - set(there):
            found.append((one["output"], needed - set(there)))
    return found


@pytest.mark.parametrize("path", PAGES)
def test_a_page_holds_what_its_callbacks_need(alice, path):
    assert lacking(alice, path) == []


@pytest.mark.parametrize("kind", list(Kind))
def test_the_pages_of_a_device_hold_what_their_callbacks_need(portal, alice, kind):
    device = portal.device(alice, f"A {kind}", kind)
    portal.says(device, "temperature", 20.0)
    assert {
        path: missing
        for path in OF_A_DEVICE
        if (missing := lacking(alice, f"/devices/{device.public_id}{path}"))
    } == {}
    for level in (Level.VIEWER, Level.OPERATOR, Level.MANAGER):
        other = portal.person(f"{level.name.lower()}@example.org")
        portal.share(device, other, level)
        assert lacking(other, f"/devices/{device.public_id}") == []
