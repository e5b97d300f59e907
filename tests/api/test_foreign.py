"""Mappings and announced devices over REST."""

import json

import wiring
from clock import utcnow
from devices import proposals
from tests.api.test_devices import add
from tests.api.test_errors import problem as refusal

METER = {"topic": "meters/7/state", "path": "power.total", "sensor": "power", "unit": "W"}
CONFIG = {
    "state_topic": "plug/state",
    "command_topic": "plug/set",
    "device": {"identifiers": ["plug-1"], "name": "Desk plug"},
    "name": "Outlet",
}


def problem(answer, status: int, code: str) -> None:
    assert refusal(answer, status)["code"] == code


def announce(topic: str, payload: str) -> None:
    parts = wiring.current()
    proposals.announce(
        topic, payload, namespace="gatehouse", store=parts.store, bus=parts.bus, now=utcnow()
    )


def test_an_administrator_maps_a_topic_lists_it_and_takes_it_back(program):
    root = program("root", role="admin")
    path = f"/devices/{add(root)['id']}/mappings"
    made = root("POST", path, json=METER | {"scale": 0.5})
    assert made.status_code == 201, made.text
    assert (made.json["scale"], made.json["announced"]) == (0.5, False)
    assert root("GET", path).json["items"] == [made.json]
    assert root("DELETE", f"{path}/{made.json['id']}").status_code == 204
    assert root("GET", path).json["items"] == []
    problem(root("DELETE", f"{path}/{made.json['id']}"), 404, "mapping_not_found")


def test_others_map_only_what_lies_in_branches_of_their_devices(program):
    alice = program()
    path = f"/devices/{add(alice)['id']}/mappings"
    problem(alice("POST", path, json=METER), 403, "topic_not_yours")
    for topic in ("gatehouse/other/telemetry", "#", "$SYS/x", "a/#/b"):
        problem(alice("POST", path, json=METER | {"topic": topic}), 422, "topic_invalid")
    problem(program("bob")("GET", path), 404, "device_not_found")
    given = path.replace("mappings", "topics")
    problem(alice("POST", given, json={"topics": ["meters"]}), 403, "admins_only")


def test_a_mapping_that_cannot_work_is_refused(program):
    root = program("root", role="admin")
    path = f"/devices/{add(root)['id']}/mappings"
    problem(root("POST", path, json=METER | {"path": "a["}), 422, "path_invalid")
    problem(root("POST", path, json=METER | {"sensor": "a b"}), 422, "sensor_name_invalid")
    problem(root("POST", path, json=METER | {"scale": 0}), 422, "scale_invalid")
    problem(root("POST", path, json=METER | {"kind": "picture"}), 422, "unit_invalid")


def test_an_announced_device_is_accepted_once(program):
    root, alice = program("root", role="admin"), program()
    announce("homeassistant/switch/plug-1/outlet/config", json.dumps(CONFIG))
    assert alice("GET", "/proposals").json["items"] == []
    (offered,) = root("GET", "/proposals").json["items"]
    assert (offered["name"], offered["state"]) == ("Desk plug", "proposed")
    assert [one["sensor"] for one in offered["sensors"]] == ["Outlet"]
    assert {one["name"] for one in offered["commands"]} == {"on", "off"}
    path = f"/proposals/{offered['id']}"
    problem(alice("POST", f"{path}/accept", json={}), 404, "proposal_not_found")

    device = root("POST", f"{path}/accept", json={"name": "Desk"})
    assert device.status_code == 201, device.text
    assert (device.json["name"], device.json["level"]) == ("Desk", "owner")
    (mapping,) = root("GET", f"/devices/{device.json['id']}/mappings").json["items"]
    assert (mapping["topic"], mapping["announced"]) == ("plug/state", True)
    problem(root("POST", f"{path}/accept", json={}), 409, "proposal_settled")
    assert root("GET", "/proposals").json["items"] == []

    wrong = root("POST", f"/devices/{device.json['id']}/commands", json={"name": "unlock"})
    problem(wrong, 422, "command_unknown")
    announce("homeassistant/switch/plug-1/outlet/config", "")
    assert root("GET", f"/devices/{device.json['id']}/mappings").json["items"] == []


def test_an_ignored_device_is_not_shown_again(program):
    root = program("root", role="admin")
    announce("homeassistant/switch/plug-2/outlet/config", json.dumps(CONFIG))
    (offered,) = root("GET", "/proposals").json["items"]
    assert root("POST", f"/proposals/{offered['id']}/ignore").status_code == 204
    announce("homeassistant/switch/plug-2/outlet/config", json.dumps(CONFIG | {"icon": "x"}))
    assert root("GET", "/proposals").json["items"] == []


def test_announcements_that_name_topics_of_gatehouse_reach_nothing(program):
    root = program("root", role="admin")
    config = CONFIG | {"command_topic": "gatehouse/door/commands", "state_topic": "$SYS/x"}
    announce("homeassistant/switch/evil/outlet/config", json.dumps(config))
    (offered,) = root("GET", "/proposals").json["items"]
    assert (offered["sensors"], offered["commands"]) == ([], [])
