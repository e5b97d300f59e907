"""The page of what is shared."""

import db.base
from auth import access
from db.models import Device, Level, User
from tests.portal import parts, press, texts

PAGE = "pages.sharing"
ACCESS = "dashboard.access_people"


def row_of(page, kind: str) -> str:
    """The row of the only button of a kind."""
    [button] = parts(page, data_press=kind)
    return str(button["data-row"])


def level(portal, visitor, device):
    with portal.server.app_context():
        session = db.base.db.session
        return access.level(
            session.get_one(User, visitor.user.id), session.get_one(Device, device.id)
        )


def offer(visitor, device, email):
    return press(
        visitor,
        ACCESS,
        "hand_over",
        access_device_data=device.public_id,
        people_hand_n_clicks=1,
        people_heir_value=email,
    )


def test_a_device_changes_hands_when_the_receiver_says_so(portal, alice, bob):
    device = portal.device(alice, "Boat house", "lock")
    assert "Offered to bob@example.org" in offer(alice, device, "bob@example.org").text
    assert level(portal, alice, device) is Level.OWNER
    assert level(portal, bob, device) is None

    page = bob.page("/sharing")
    assert "hands this device over to you" in texts(page)
    row = row_of(page, "offer-accept")
    press(bob, PAGE, "accept", offer_accept_data=None)
    assert level(portal, bob, device) is None
    press(bob, PAGE, "accept", offer_accept_data={"row": row})
    assert level(portal, bob, device) is Level.OWNER
    assert level(portal, alice, device) is Level.MANAGER


def test_an_offer_is_declined_and_is_nobody_elses(portal, alice, bob):
    carol = portal.person("carol@example.org")
    device = portal.device(alice, "Sauna", "lock")
    offer(alice, device, "bob@example.org")
    row = row_of(bob.page("/sharing"), "offer-accept")

    stolen = press(carol, PAGE, "accept", offer_accept_data={"row": row})
    assert "This invitation has ended." in stolen.text
    assert level(portal, carol, device) is None
    press(bob, PAGE, "decline", offer_decline_data={"row": row})
    assert "Sauna" not in texts(bob.page("/sharing"))
    assert level(portal, alice, device) is Level.OWNER


def test_what_is_shared_can_be_left(portal, alice, bob):
    device = portal.device(alice, "Tennis court", "gate")
    portal.share(device, bob, Level.OPERATOR)
    page = bob.page("/sharing")
    assert "Operator, of alice@example.org" in texts(page)
    assert "bob@example.org (Operator)" in texts(alice.page("/sharing"))

    press(bob, PAGE, "leave", share_leave_data={"row": device.public_id})
    assert level(portal, bob, device) is None
    left = press(alice, PAGE, "leave", share_leave_data={"row": device.public_id})
    assert "Hand the device over" in left.text
    assert level(portal, alice, device) is Level.OWNER


def test_a_wrong_token_is_said_beside_the_field(bob):
    answer = press(
        bob, PAGE, "redeem", sharing_redeem_n_clicks=1, sharing_token_value="share_wrong"
    )
    assert "unknown, used up or has ended" in answer.text
    assert "sharing-problem" in answer.text
