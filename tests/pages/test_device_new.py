"""Adding a device on the web."""

import pytest
from sqlalchemy import select

import db.base
from db.models import Device, Grant, Level
from tests.portal import texts

CREATE = (
    "..device_new-form.children...device_new-made.children"
    "...device_new-device.data...device_new-poll.disabled.."
)


def create(visitor, name, kind="lock"):
    return visitor.call(
        CREATE,
        device_new_create_n_clicks=1,
        device_new_name_value=name,
        device_new_kind_value=kind,
    )


def waits(portal, visitor, public_id, ticks=1):
    output = next(one for one in portal.app.callback_map if "device_new-arrived" in one)
    answer = visitor.call(
        output, device_new_poll_n_intervals=ticks, device_new_device_data=public_id
    )
    assert answer.status_code == 200
    return answer.json["response"]


def test_a_new_device_shows_its_credentials_and_belongs_to_who_made_it(portal, alice):
    answer = create(alice, "Front door")
    made = answer.json["response"]
    words = texts(made["device_new-made"]["children"])

    with portal.server.app_context():
        device = db.base.db.session.scalar(select(Device).where(Device.name == "Front door"))
        grant = db.base.db.session.scalar(select(Grant).where(Grant.device_id == device.id))
    assert (grant.user_id, grant.level) == (alice.user.id, Level.OWNER)
    assert made["device_new-device"]["data"] == device.public_id
    assert made["device_new-form"]["children"] is None
    for text in (device.mqtt_username, f"gatehouse/{device.controller_id}/telemetry", "dev_"):
        assert text in words
    assert "mosquitto_pub" in words
    assert "PubSubClient" in words
    assert "Waiting for the first message" in words


def test_no_credential_lands_in_the_browsers_store(portal, alice):
    made = create(alice, "Back door").json["response"]

    assert set(made["device_new-device"]) == {"data"}
    assert len(made["device_new-device"]["data"]) == 16


@pytest.mark.parametrize("name", ["", "   ", None, "x" * 81, 7, ["a"], {"a": 1}])
def test_a_name_that_is_none_is_refused_beside_the_form(portal, alice, name):
    answer = create(alice, name)

    if isinstance(name, str | None):
        assert "device_new-problem" in answer.json["sideUpdate"]
        assert "response" not in answer.json or CREATE not in answer.text
    assert answer.status_code in {200, 204}


@pytest.mark.parametrize("kind", ["", None, "rocket", ["lock"]])
def test_a_kind_that_does_not_exist_is_refused(portal, alice, kind):
    answer = create(alice, f"Rocket {kind}", kind)

    assert "device_new-problem" in answer.json["sideUpdate"]


def test_a_name_is_used_once(portal, alice, bob):
    create(alice, "Side door")

    assert "Another device of yours has this name." in create(alice, "Side door").text
    assert "mosquitto_pub" in create(bob, "Side door").text


def test_the_page_waits_and_then_shows_the_first_message(portal, alice):
    public_id = create(alice, "Porch", "sensor").json["response"]["device_new-device"]["data"]

    assert "Waiting" in str(waits(portal, alice, public_id))
    with portal.server.app_context():
        device = db.base.db.session.scalar(select(Device).where(Device.public_id == public_id))
    portal.says(device, "temperature", 21.5, unit="°C")

    shown = waits(portal, alice, public_id, 2)
    assert "The first message is here." in str(shown)
    assert "21.5" in str(shown)
    assert shown["device_new-poll"] == {"disabled": True}


def test_nobody_waits_for_a_device_of_somebody_else(portal, alice, bob):
    public_id = create(alice, "Attic").json["response"]["device_new-device"]["data"]
    output = next(one for one in portal.app.callback_map if "device_new-arrived" in one)
    answer = bob.call(output, device_new_poll_n_intervals=1, device_new_device_data=public_id)

    assert "Attic" not in answer.text
    assert "There is no such device." in answer.text
