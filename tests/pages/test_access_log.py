"""The access log names who, by which right, on which way and from where: in all its forms."""

import csv
import io
import itertools
from datetime import timedelta

import pytest

import db.base
import wiring
from auth import refresh
from clock import utcnow
from db.models import Command, Device, GuestLink, Level, User
from devices import app_tokens, guests, share_tokens, sharing
from devices.guest_terms import Terms
from tests import guest
from tests.portal import Portal, Visitor, press, texts

HOUR = timedelta(hours=1)
NUMBERS = itertools.count(1)


@pytest.fixture
def door(portal: Portal, alice) -> Device:
    return portal.device(alice, f"Room {next(NUMBERS)}", "lock")


@pytest.fixture
def eve(portal: Portal) -> Visitor:
    return portal.person("eve@example.org")


def program(portal: Portal, visitor: Visitor) -> dict[str, str]:
    """The headers of somebody's program."""
    with portal.server.app_context():
        user = db.base.db.session.get_one(User, visitor.user.id)
        pair = refresh.begin(user, keys=wiring.current().keys, label="test", now=utcnow())
    return {"Authorization": f"Bearer {pair.access_token}"}


def click(visitor: Visitor, door: Device, key: str) -> None:
    answer = visitor.client.post(
        f"/devices/{door.public_id}/commands",
        json={"name": "unlock", "key": key},
        headers=visitor.csrf(),
    )
    assert answer.status_code == 202, answer.text


def given(portal: Portal, door: Device, owner: Visitor, to: Visitor) -> str:
    """Give somebody a share token, who redeems it; returns its id."""
    with portal.server.app_context():
        own = db.base.db.session.get_one(Device, door.id)
        token, secret = share_tokens.create(
            own,
            level=Level.OPERATOR,
            max_uses=1,
            expires_at=utcnow() + HOUR,
            label="Electrician",
            by=db.base.db.session.get_one(User, owner.user.id),
            now=utcnow(),
            address="",
        )
        share_tokens.redeem(
            secret,
            by=db.base.db.session.get_one(User, to.user.id),
            bus=wiring.current().bus,
            now=utcnow(),
            address="",
        )
        return token.public_id


def linked(portal: Portal, door: Device, owner: Visitor) -> str:
    """A guest link for Mia; returns the path of its page."""
    with portal.server.app_context():
        _, url = guests.create(
            db.base.db.session.get_one(Device, door.id),
            Terms("Mia", utcnow() - HOUR, utcnow() + HOUR, "UTC"),
            by=db.base.db.session.get_one(User, owner.user.id),
            keys=wiring.current().keys,
            url="",
            now=utcnow(),
            address="",
        )
    return url


def entries(portal: Portal, owner: Visitor, door: Device) -> list[dict[str, str]]:
    """The log as programs get it, oldest first."""
    path = f"/api/v1/devices/{door.public_id}/access-log"
    answer = portal.stranger().get(path, headers=program(portal, owner))
    assert answer.status_code == 200
    return answer.json["items"][::-1]


def test_every_right_and_every_way_is_named_alike_everywhere(portal, alice, bob, eve, door):
    portal.share(door, bob, Level.MANAGER)
    token_id = given(portal, door, alice, eve)
    with portal.server.app_context():
        own = db.base.db.session.get_one(Device, door.id)
        app_id = app_tokens.vouch(own, "a" * 32, Level.OPERATOR, now=utcnow()).public_id
    api = f"/api/v1/devices/{door.public_id}/commands"

    click(alice, door, "a" * 32)
    assert alice.client.post(api, json={"name": "unlock"}, headers=program(portal, alice)).json
    click(bob, door, "b" * 32)
    click(eve, door, "e" * 32)
    assert guest.press(portal.server, linked(portal, door, alice)).status_code == 303
    found = portal.stranger().client.post(
        f"/api/v1/discover/{door.public_id}/commands",
        json={"name": "unlock"},
        headers={"X-App-Token": "a" * 32},
        environ_base={"REMOTE_ADDR": "192.0.2.7"},
    )
    assert found.status_code == 202

    with portal.server.app_context():
        link = db.base.db.session.query(GuestLink).filter_by(device_id=door.id).one()
    here = "127.0.0.1"
    wanted = [
        ("alice@example.org", "owner", "", "", "page", here),
        ("alice@example.org", "owner", "", "", "api", here),
        ("bob@example.org", "manager", "", "", "page", here),
        ("eve@example.org", "share_token", token_id, "Electrician", "page", here),
        ("Mia", "guest_link", link.public_id, "Mia", "guest", here),
        (f"app {app_id}", "app_token", app_id, "", "app", "192.0.2.7"),
    ]
    names = ("by", "via", "via_id", "via_label", "channel", "address")

    rest = entries(portal, alice, door)
    assert [tuple(one[name] for name in names) for one in rest] == wanted

    sheet = alice.get(f"/data/access-log.csv?device={door.public_id}").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(sheet)))[::-1]
    assert [tuple(row[name] for name in names) for row in rows] == wanted

    page = f"/devices/{door.public_id}/access"
    live = press(
        alice,
        "pages.device_access",
        "follow",
        access_tick_n_intervals=1,
        access_device_data=door.public_id,
    ).json["response"]["access-log"]["children"]
    for shown in (texts(alice.page(page)), texts(live)):
        for words in (
            "alice@example.org Owner Page 127.0.0.1 unlock",
            "alice@example.org Owner API 127.0.0.1 unlock",
            "bob@example.org Manager Page 127.0.0.1 unlock",
            "eve@example.org Share token: Electrician Page 127.0.0.1 unlock",
            "Mia Guest link Guest page 127.0.0.1 unlock",
            f"app {app_id} App App 192.0.2.7 unlock",
        ):
            assert words in shown


def test_a_level_that_was_given_by_hand_since_is_the_right(portal, alice, eve, door):
    given(portal, door, alice, eve)
    with portal.server.app_context():
        sharing.change(
            db.base.db.session.get_one(Device, door.id),
            eve.user.public_id,
            Level.MANAGER,
            by=db.base.db.session.get_one(User, alice.user.id),
            bus=wiring.current().bus,
            now=utcnow(),
            address="",
        )
    click(eve, door, "e" * 32)
    assert [one["via"] for one in entries(portal, alice, door)] == ["manager"]


def test_the_right_stays_written_down_when_the_link_is_gone(portal, alice, door):
    guest.press(portal.server, linked(portal, door, alice))
    with portal.server.app_context(), db.base.transaction() as session:
        link = session.query(GuestLink).filter_by(device_id=door.id).one()
        gone = link.public_id
        session.delete(link)
    [one] = entries(portal, alice, door)
    assert (one["via"], one["via_id"], one["via_label"]) == ("guest_link", gone, "Mia")


def test_what_was_asked_before_rights_were_written_down_says_so(portal, alice, door):
    click(alice, door, "a" * 32)
    with portal.server.app_context(), db.base.transaction() as session:
        session.query(Command).filter_by(device_id=door.id).update({"by_right": ""})
    [one] = entries(portal, alice, door)
    assert (one["via"], one["channel"]) == ("", "page")
    assert "alice@example.org – Page" in texts(alice.page(f"/devices/{door.public_id}/access"))


def test_who_sees_a_command_does_not_see_from_where_it_was_asked(portal, alice, bob, door):
    portal.share(door, bob, Level.VIEWER)
    click(alice, door, "a" * 32)
    [one] = entries(portal, alice, door)
    path = f"/api/v1/devices/{door.public_id}/commands/{one['id']}"
    shown = portal.stranger().get(path, headers=program(portal, bob)).json
    assert (shown["by"], shown["via"], shown["channel"]) == ("alice@example.org", "owner", "page")
    assert "127.0.0.1" not in str(shown)
    log = f"/api/v1/devices/{door.public_id}/access-log"
    assert portal.stranger().get(log, headers=program(portal, bob)).status_code == 403
