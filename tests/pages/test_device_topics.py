"""The page of a device's further topics."""

from sqlalchemy import select

import db.base
from db.models import Device
from tests.portal import texts

ADD = "..topics-list.children...topics-added.children.."


def add(visitor, device, **values):
    return visitor.call(
        ADD,
        topics_add_n_clicks=1,
        topics_device_data=device.public_id,
        **{"topics_scale_value": 1, "topics_offset_value": 0}
        | {f"topics_{name}_value": value for name, value in values.items()},
    )


def test_a_mapping_is_added_shown_and_removed(portal):
    admin = portal.person("topics-admin@example.org", role="admin")
    device = portal.device(admin, "Meter")
    answer = add(admin, device, topic="meters/7/state", path="power", sensor="power", unit="W")
    assert answer.status_code == 200, answer.text
    shown = texts(answer.json["response"]["topics-list"]["children"])
    assert "meters/7/state" in shown
    page = admin.page(f"/devices/{device.public_id}/topics")
    assert "meters/7/state" in texts(page)
    assert "Branches of the topic tree" in texts(page)


def test_branches_are_given_by_administrators_only(portal, alice):
    admin = portal.person("topics-admin@example.org", role="admin")
    device = portal.device(admin, "Bridge")
    values = {
        "topics_give_n_clicks": 1,
        "topics_trees_value": "homeassistant\nzigbee2mqtt/",
        "topics_device_data": device.public_id,
    }
    assert alice.call("topics-given.children", **values).status_code == 403
    assert admin.call("topics-given.children", **values).status_code == 200
    with portal.server.app_context():
        query = select(Device.topic_trees).where(Device.public_id == device.public_id)
        assert db.base.db.session.scalar(query) == ["homeassistant", "zigbee2mqtt"]
    own = portal.device(alice, "Own meter")
    assert "Branches of the topic tree" not in texts(alice.page(f"/devices/{own.public_id}/topics"))


def test_a_stranger_sees_no_topics(portal, alice, bob):
    device = portal.device(alice, "Private meter")
    page = bob.page(f"/devices/{device.public_id}/topics")
    assert "Private meter" not in texts(page)
