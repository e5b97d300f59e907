"""The checks of `test_rights` see a right that is gone: five are taken out, one at a time.

Each of these runs the very test that looks after the right, once as things are and once with the
right removed from wherever it is asked.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

import mqtt.decide
import tests.test_rights as matrix
from auth import access
from db.models import Device, Level
from mqtt import topics
from tests.portal import Portal

house, people, tokens, device, things = (
    matrix.house,
    matrix.people,
    matrix.tokens,
    matrix.device,
    matrix.things,
)

ANYBODY = SimpleNamespace(
    **vars(access)
    | {
        "level": lambda _user, _device: Level.OWNER,
        "require": lambda _user, _device, _needed: None,
        "visible": lambda _user, public_id, _needed=Level.VIEWER: access.find(public_id),
    }
)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch):
    """Let anybody do what these modules ask rights for, until the block ends."""

    @contextmanager
    def removed(*modules: str) -> Iterator[None]:
        with monkeypatch.context() as patch:
            for module in (sys.modules[name] for name in modules):  # Dash loads pages itself
                for name, value in list(vars(module).items()):
                    if value is access:
                        patch.setattr(module, name, ANYBODY)
            yield

    return removed


def sees(check, *given) -> bool:
    """Whether a check of the matrix reports something."""
    try:
        check(*given)
    except AssertionError:
        return True
    return False


def test_a_route_without_its_right_is_seen(house: Portal, people, device: Device, without):
    given = (house, people, device, "/data/access-log.csv")
    assert not sees(matrix.test_a_route_refuses_who_may_not, *given)
    with without("dashboard.log_csv", "devices.access_log"):
        assert sees(matrix.test_a_route_refuses_who_may_not, *given)


def test_a_page_without_its_right_is_seen(people, device: Device, without):
    given = (people, device, "/devices/<device_id>/topics")
    assert not sees(matrix.test_a_page_refuses_who_may_not, *given)
    with without("pages.device_topics"):
        assert sees(matrix.test_a_page_refuses_who_may_not, *given)


def test_a_callback_without_its_right_is_seen(house: Portal, people, device: Device, without):
    given = (house, people, device, "pages.device rename")
    assert not sees(matrix.test_a_callback_refuses_who_may_not, *given)
    with without("pages.device", "devices.registry"):
        assert sees(matrix.test_a_callback_refuses_who_may_not, *given)


def test_an_operation_without_its_right_is_seen(
    house: Portal, tokens, device: Device, things, without
):
    given = (house, tokens, device, things, f"GET {matrix.RULE}/share-tokens")
    assert not sees(matrix.test_an_operation_refuses_who_may_not, *given)
    with without("devices.share_tokens", "devices.handed_out"):
        assert sees(matrix.test_an_operation_refuses_who_may_not, *given)


def test_a_topic_without_its_right_is_seen(house: Portal, monkeypatch: pytest.MonkeyPatch):
    given = (house, "gatehouse/c1/commands")
    assert not sees(matrix.test_a_topic_is_for_those_it_is_for, *given)
    everybodys = SimpleNamespace(
        **vars(topics) | {"of": lambda namespace, _own, rest: f"{namespace}/+/{rest}"}
    )
    monkeypatch.setattr(mqtt.decide, "topics", everybodys)
    assert sees(matrix.test_a_topic_is_for_those_it_is_for, *given)


def test_a_way_in_without_an_entry_is_seen(house: Portal, monkeypatch: pytest.MonkeyPatch):
    check = matrix.test_every_way_in_has_an_entry_and_no_entry_is_left_over
    assert not sees(check, house)
    for table, entry in (
        (matrix.ROUTES, "/data/file"),
        (matrix.PAGES, "/devices/<device_id>/files"),
        (matrix.CALLBACKS, "pages.device_files push"),
        (matrix.OPERATIONS, f"PUT {matrix.RULE}/config"),
        (matrix.ROUTES, None),
    ):
        with monkeypatch.context() as patch:
            if entry is None:
                patch.setitem(table, "/data/no-longer-there", matrix.VIEWER)
            else:
                patch.delitem(table, entry)
            assert sees(check, house), entry
