"""The page that says who gets in."""

import csv
import io
import re
from datetime import timedelta

import pytest

import db.base
import wiring
from clock import utcnow
from db.models import Command, Device, GuestLink, Level, User
from devices import app_tokens, commands
from tests.portal import Portal, parts, press, texts

WHERE = {
    **dict.fromkeys(("create_link", "revoke_link", "copy_link", "turn"), "dashboard.access_guests"),
    **dict.fromkeys(
        ("share", "hand_over", "change_level", "remove", "withdraw"), "dashboard.access_people"
    ),
}
FORM = {
    "link_label_value": "Mia",
    "link_from_value": "2030-07-05T15:00",
    "link_until_value": "2030-07-07T11:00",
    "link_zone_value": "Europe/Berlin",
    "link_days_value": [],
}


@pytest.fixture
def door(portal: Portal, alice) -> Device:
    return portal.device(alice, "Room 1", "lock")


@pytest.fixture(autouse=True)
def _tidy(portal: Portal, alice):
    """Leave no door behind, so that each test has a door of this name."""
    yield
    with portal.server.app_context(), db.base.transaction() as session:
        for device in session.query(Device):
            session.delete(device)


def act(visitor, function, device, **values):
    answer = press(
        visitor,
        WHERE.get(function, "pages.device_access"),
        function,
        access_device_data=device.public_id,
        **values,
    )
    assert answer.status_code in {200, 204}, answer.text
    return answer


def address_in(answer) -> str:
    made = answer.json["response"]["access-made"]["children"]
    [shown] = parts(made, data_guest_link="")
    return shown["children"].partition("/g/")[2]


def rows_of(portal: Portal, model):
    with portal.server.app_context():
        return db.base.db.session.query(model).all()


def test_a_link_is_shown_once_and_opens_the_door_in_its_time_zone(portal, alice, door):
    answer = act(alice, "create_link", door, link_create_n_clicks=1, **FORM)
    token = address_in(answer)
    [link] = rows_of(portal, GuestLink)

    assert link.not_before.isoformat() == "2030-07-05T13:00:00+00:00"
    assert parts(answer.json["response"]["access-made"]["children"], className="gh-qr")
    assert portal.stranger().get(f"/g/{token}").status_code == 200
    page = texts(alice.page(f"/devices/{door.public_id}/access"))
    assert "Mia" in page
    assert "early" in page
    assert token not in str(page)


def test_hours_of_weekdays_and_limits_reach_the_link(portal, alice, door):
    act(
        alice,
        "create_link",
        door,
        link_create_n_clicks=1,
        **FORM
        | {
            "link_days_value": ["fri", "sat"],
            "link_day_from_value": "15:00",
            "link_day_until_value": "11:00",
            "link_uses_value": 3,
            "link_pin_value": "4711",
            "link_language_value": "de",
        },
    )
    [link] = rows_of(portal, GuestLink)
    assert link.weekly == [{"days": ["fri", "sat"], "from": "15:00", "until": "11:00"}]
    assert (link.max_uses, link.language, bool(link.pin_hash)) == (3, "de", True)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"link_label_value": ""},
        {"link_from_value": ""},
        {"link_until_value": "never"},
        {"link_until_value": "2030-07-04T11:00"},
        {"link_zone_value": "Mars/Olympus"},
        {"link_uses_value": 0},
        {"link_uses_value": 1.5},
        {"link_uses_value": "1.5"},
        {"link_uses_value": "-1"},
        {"link_uses_value": "99999"},
        {"link_pin_value": "12"},
        {"link_from_value": ["x"]},
        {"link_days_value": {"a": 1}, "link_day_from_value": "25:00"},
        {"link_email_value": "no address"},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_said_beside_the_form(portal, alice, door, spoilt):
    answer = act(alice, "create_link", door, link_create_n_clicks=1, **FORM | spoilt)
    assert "link-problem" in answer.text
    assert "error" not in answer.text.lower() or "gh-note" in answer.text
    assert rows_of(portal, GuestLink) == []


def test_the_field_for_uses_sends_what_is_typed_whatever_it_is(alice, door):
    [field] = parts(alice.page(f"/devices/{door.public_id}/access"), id="link-uses")
    assert field.get("type", "text") == "text"  # one for numbers keeps "0" and "1.5" to itself


def test_revoking_ends_a_link_and_copying_fills_the_form_for_the_next_guest(portal, alice, door):
    token = address_in(act(alice, "create_link", door, link_create_n_clicks=1, **FORM))
    [link] = rows_of(portal, GuestLink)
    row = link.public_id
    copied = act(alice, "copy_link", door, link_copy_data={"row": row}).json["response"]
    assert copied["link-from"]["value"] == "2030-07-07T11:00"
    assert copied["link-until"]["value"] == "2030-07-09T07:00"
    assert copied["link-label"]["value"] == ""

    answer = act(alice, "revoke_link", door, link_revoke_data={"row": row})
    assert "revoked" in answer.text
    assert portal.stranger().get(f"/g/{token}").status_code == 404


def test_rows_that_came_with_the_page_were_not_pressed(portal, alice, door):
    act(alice, "create_link", door, link_create_n_clicks=1, **FORM)
    for word in (None, 0, "", [], {}, {"row": None}, {"row": 1}):
        answer = act(alice, "revoke_link", door, link_revoke_data=word)
        assert answer.status_code == 204
    assert rows_of(portal, GuestLink)[0].revoked_at is None


def test_people_are_let_in_changed_and_sent_away(portal, alice, bob, door):
    shared = act(
        alice,
        "share",
        door,
        people_share_n_clicks=1,
        people_email_value="bob@example.org",
        people_level_value="operator",
    )
    assert "bob@example.org" in shared.text
    assert "Room 1" in texts(bob.page("/"))

    who = bob.user.public_id
    act(
        alice,
        "change_level",
        door,
        people_change_data={"row": who},
        people_new_level_row=who,
        people_new_level_value="viewer",
    )
    assert not parts(bob.page("/"), data_command="unlock")

    act(alice, "remove", door, people_remove_data={"row": who})
    assert "Room 1" not in texts(bob.page("/"))


def test_an_invitation_can_be_withdrawn(portal, alice, door):
    act(
        alice,
        "share",
        door,
        people_share_n_clicks=1,
        people_email_value="nobody@example.org",
        people_level_value="viewer",
    )
    page = alice.page(f"/devices/{door.public_id}/access")
    assert "invited as Viewer" in texts(page)
    [button] = parts(page, data_press="people-withdraw")
    answer = act(
        alice,
        "withdraw",
        door,
        people_withdraw_data={"row": button["data-row"]},
    )
    assert "nobody@example.org" not in answer.text


def test_a_share_token_is_shown_once_and_can_be_revoked(portal, alice, bob, door):
    answer = act(
        alice,
        "create_token",
        door,
        token_create_n_clicks=1,
        token_label_value="Electrician",
        token_level_value="operator",
        token_uses_value=1,
        token_days_value=7,
    )
    secret = re.search(r"share_[A-Za-z0-9_-]+", answer.text)[0]
    redeemed = press(
        bob, "pages.sharing", "redeem", sharing_redeem_n_clicks=1, sharing_token_value=f" {secret} "
    )
    assert "You have access to Room 1" in redeemed.text
    page = alice.page(f"/devices/{door.public_id}/access")
    assert "Redeemed by bob@example.org" in texts(page)
    assert secret not in str(page)


def test_an_app_is_revoked(portal, alice, door):
    with portal.server.app_context():
        device = db.base.db.session.get_one(Device, door.id)
        app = app_tokens.vouch(device, "a" * 32, Level.OPERATOR, now=utcnow()).public_id
    answer = act(alice, "revoke_app", door, app_revoke_data={"row": app})
    assert "revoked" in answer.text


def ask(portal: Portal, visitor, device: Device, number: int) -> Command:
    with portal.server.app_context():
        found = wiring.current()
        return commands.ask(
            db.base.db.session.get_one(Device, device.id),
            "unlock",
            {},
            by=db.base.db.session.get_one(User, visitor.user.id),
            actor='=HYPERLINK("http://example.org")',
            via="guest",
            key=f"key-{number}",
            address="192.0.2.7",
            publisher=found.publisher,
            keys=found.keys,
            bus=found.bus,
            namespace="gatehouse",
            now=utcnow() + timedelta(seconds=number),
        )


def test_the_log_follows_and_is_drawn_anew_only_when_it_changed(portal, alice, door):
    ask(portal, alice, door, 1)
    first = act(alice, "follow", door, access_tick_n_intervals=1)
    assert "192.0.2.7" in first.text
    mark = first.json["response"]["access-log-mark"]["data"]
    again = act(alice, "follow", door, access_tick_n_intervals=2, access_log_mark_data=mark)
    assert again.status_code == 204


def test_the_log_is_downloaded_by_managers_without_formulas(portal, alice, bob, door):
    for number in range(3):
        ask(portal, alice, door, number)
    path = f"/data/access-log.csv?device={door.public_id}"
    rows = list(csv.DictReader(io.StringIO(alice.get(path).data.decode("utf-8-sig"))))
    assert [row["command"] for row in rows] == ["unlock"] * 3
    assert rows[0]["by"].startswith("'=")
    assert rows[0]["asked_at"] > rows[2]["asked_at"]

    assert bob.get(path).status_code == 404
    portal.share(door, bob, Level.OPERATOR)
    assert bob.get(path).status_code == 403
    assert portal.stranger().get(path).status_code == 401


@pytest.mark.parametrize("level", [None, Level.VIEWER, Level.OPERATOR])
def test_who_does_not_manage_a_device_sees_and_changes_nothing(portal, alice, bob, door, level):
    if level:
        portal.share(door, bob, level)
    token = address_in(act(alice, "create_link", door, link_create_n_clicks=1, **FORM))
    [link] = rows_of(portal, GuestLink)

    assert "Mia" not in texts(bob.page(f"/devices/{door.public_id}/access"))
    assert "/access" not in str(bob.page(f"/devices/{door.public_id}"))
    act(bob, "create_link", door, link_create_n_clicks=1, **FORM)
    act(bob, "revoke_link", door, link_revoke_data={"row": link.public_id})
    act(
        bob,
        "hand_over",
        door,
        people_hand_n_clicks=1,
        people_heir_value="bob@example.org",
    )
    assert "Mia" not in act(bob, "follow", door, access_tick_n_intervals=1).text
    assert [one.revoked_at for one in rows_of(portal, GuestLink)] == [None]
    assert portal.stranger().get(f"/g/{token}").status_code == 200


def test_sensors_have_no_guest_links(portal, alice):
    sensor = portal.device(alice, "Cellar")
    assert "Guest links" not in texts(alice.page(f"/devices/{sensor.public_id}/access"))
