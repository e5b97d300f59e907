"""Devices of others on a real broker: announced, accepted, heard and asked."""

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from clock import to_ms, utcnow
from db.base import db, telemetry_engine, transaction
from db.models import Command, Device, Level, User
from db.telemetry.store import TelemetryStore
from devices import commands, mappings, proposals
from devices.foreign.entities import Source
from devices.ports import BrokerAdmin, BrokerIdentity
from errors import Forbidden, Invalid, NotFound
from mqtt import writer
from mqtt.ingest import Ingest
from tests.devices.with_broker.conftest import House
from tests.mqtt.conftest import Speaker
from tests.stack import until

NAMESPACE = "gatehouse"
LOCK = {
    "command_topic": "zigbee2mqtt/garden gate/set",
    "device": {"identifiers": ["zigbee2mqtt_0x01"], "name": "garden gate", "model": "Z1"},
    "name": None,
    "state_locked": "LOCK",
    "state_unlocked": "UNLOCK",
    "state_topic": "zigbee2mqtt/garden gate",
    "value_template": '{{ value_json["state"] }}',
    "availability": [
        {"topic": "zigbee2mqtt/bridge/state", "value_template": "{{ value_json.state }}"}
    ],
}
BATTERY = {
    "device": LOCK["device"],
    "device_class": "battery",
    "unit_of_measurement": "%",
    "state_topic": "zigbee2mqtt/garden gate",
    "value_template": "{{ value_json.battery }}",
}
PLUG = {
    **{"dn": "Heater", "fn": ["Heater"], "mac": "5CCF7F00AA77", "md": "Plug", "sw": "14.1"},
    **{"ofln": "Offline", "onln": "Online", "state": ["OFF", "ON"], "t": "plug77"},
    **{"ft": "%prefix%/%topic%/", "tp": ["cmnd", "stat", "tele"], "rl": [1], "so": {}},
}


@pytest.fixture
def store(context) -> Iterator[TelemetryStore]:
    made = TelemetryStore(telemetry_engine())
    yield made
    made.close()


@pytest.fixture
def ingest(house: House, store: TelemetryStore, server) -> Iterator[Ingest]:
    made = Ingest(server, house.settings, store, house.bus)
    made.start()
    until(lambda: made.health()["connected"], what="the listener is connected")
    yield made
    made.stop()


@pytest.fixture
def admin(house: House) -> User:
    user = house.person("admin")
    with transaction():
        user.role = "admin"
    return user


def bridge(house: House, by: User, *trees: str, name: str = "Bridge") -> tuple[Device, Speaker]:
    """A device of somebody's that may use these branches, connected."""
    made = house.device(by, name, "other")
    give(house, made.device, by, *trees)
    return made.device, house.connect(made.device.mqtt_username, made.mqtt_password)


def give(house: House, device: Device, by: User, *trees: str) -> None:
    mappings.give_trees(
        device, trees, by=by, now=utcnow(), broker=house.broker, namespace=NAMESPACE
    )


def accept(
    house: House,
    store: TelemetryStore,
    by: User,
    public_id: str,
    broker: BrokerAdmin | None = None,
) -> Device:
    return proposals.accept(
        public_id,
        by=by,
        now=utcnow(),
        broker=broker or house.broker,
        keys=house.keys,
        namespace=NAMESPACE,
        store=store,
        bus=house.bus,
    )


def ask(house: House, device: Device, by: User, name: str, **params) -> Command:
    return commands.ask(
        device,
        name,
        params,
        by=by,
        via="page",
        key=uuid.uuid4().hex,
        address="",
        publisher=house.publisher,
        keys=house.keys,
        bus=house.bus,
        namespace=NAMESPACE,
        now=utcnow(),
    )


def proposed(by: User):
    db.session.rollback()
    return proposals.listed(by=by, namespace=NAMESPACE)


def newest(store: TelemetryStore, device: Device) -> dict[str, float | str | None]:
    series = store.series([device.id])[device.id]
    found = store.newest(one.id for one in series)
    return {
        one.name: found[one.id].text if one.kind == "text" else found[one.id].value
        for one in series
        if one.id in found
    }


def state(command: Command) -> str:
    db.session.rollback()
    db.session.refresh(command)
    return command.state


def announce_lock(speaker: Speaker) -> None:
    for kind, config in (("lock", LOCK), ("sensor", BATTERY)):
        speaker.publish(f"homeassistant/{kind}/0x01/{kind}/config", json.dumps(config), retain=True)


def test_a_zigbee_lock_is_accepted_heard_and_unlocked(house, ingest, store, admin):
    _, speaker = bridge(house, admin, "homeassistant", "zigbee2mqtt")
    speaker.publish("zigbee2mqtt/bridge/state", '{"state": "online"}', retain=True)
    announce_lock(speaker)
    until(lambda: [len(found.sources) for _, found in proposed(admin)] == [2])
    device = accept(house, store, admin, proposed(admin)[0][0].public_id)
    assert (device.name, device.kind) == ("garden gate", "lock")
    assert not proposed(admin)
    until(lambda: (row := store.presence([device.id]).get(device.id)) and row.said == "online")
    speaker.publish("zigbee2mqtt/garden gate", '{"state": "LOCK", "battery": 81.5}')
    until(lambda: newest(store, device) == {"garden_gate": "locked", "Battery": 81.5})
    units = {one.name: one.unit for one in store.series([device.id])[device.id]}
    assert units["Battery"] == "%"

    speaker.subscribe("zigbee2mqtt/garden gate/set")
    command = ask(house, device, admin, "unlock")
    until(lambda: ("zigbee2mqtt/garden gate/set", b"UNLOCK") in speaker.got)
    until(lambda: state(command) == "delivered")
    speaker.publish("zigbee2mqtt/garden gate", '{"state": "UNLOCK"}')
    until(lambda: state(command) == "done")
    with pytest.raises(Invalid):
        ask(house, device, admin, "restart")


def test_a_tasmota_plug_is_accepted_heard_and_switched(house, ingest, store, admin):
    trees = ("tasmota/discovery", "cmnd/plug77", "stat/plug77", "tele/plug77")
    _, speaker = bridge(house, admin, *trees, name="Plug account")
    speaker.publish("tasmota/discovery/5CCF7F00AA77/config", json.dumps(PLUG), retain=True)
    sensors = {"sn": {"ENERGY": {"Power": 0, "Total": 1.5}}, "ver": 1}
    speaker.publish("tasmota/discovery/5CCF7F00AA77/sensors", json.dumps(sensors), retain=True)
    until(lambda: any(len(found.sources) > 3 for _, found in proposed(admin)))
    device = accept(house, store, admin, proposed(admin)[0][0].public_id)
    speaker.publish("tele/plug77/LWT", "Online", retain=True)
    speaker.publish("tele/plug77/STATE", '{"POWER": "OFF"}')
    speaker.publish("tele/plug77/SENSOR", '{"ENERGY": {"Power": 23, "Total": 1.6}}')
    wanted = {"Heater": 0.0, "ENERGY.Power": 23.0, "ENERGY.Total": 1.6}
    until(lambda: newest(store, device) == wanted)
    speaker.subscribe("cmnd/plug77/+")
    command = ask(house, device, admin, "on")
    until(lambda: ("cmnd/plug77/Power1", b"ON") in speaker.got)
    speaker.publish("stat/plug77/RESULT", '{"POWER": "ON"}')
    until(lambda: state(command) == "done")
    assert not [one for one in proposed(admin) if one[0].identity.startswith("tasmota-topic")]

    speaker.publish("tasmota/discovery/5CCF7F00AA77/config", "", retain=True)
    until(lambda: db.session.rollback() or not mappings.of(device), what="nothing is mapped")


def test_what_is_announced_while_somebody_accepts_is_not_forgotten(house, ingest, store, admin):
    _, speaker = bridge(house, admin, "homeassistant", "zigbee2mqtt")
    speaker.publish("homeassistant/lock/0x01/lock/config", json.dumps(LOCK), retain=True)
    until(lambda: proposed(admin))

    class Slow:
        """A broker that is told of a device while the device goes on to announce itself."""

        def upsert(self, *identities: BrokerIdentity) -> None:
            house.broker.upsert(*identities)
            speaker.publish("homeassistant/sensor/0x01/b/config", json.dumps(BATTERY), retain=True)
            until(lambda: [len(found.sources) for _, found in proposed(admin)] == [2])

        def __getattr__(self, name: str) -> Any:
            return getattr(house.broker, name)

    device = accept(house, store, admin, proposed(admin)[0][0].public_id, broker=Slow())
    assert {one.sensor for one in mappings.of(device)} == {"garden_gate", "Battery"}
    assert "Battery" in {one.name for one in store.series([device.id])[device.id]}


def test_a_plug_that_comes_back_says_again_what_it_measures(house, ingest, store, admin):
    _, speaker = bridge(house, admin, "tasmota/discovery", name="Plug account")
    sensors = json.dumps({"sn": {"ENERGY": {"Power": 0}}, "ver": 1})

    def announce() -> None:
        for what, text in (("config", json.dumps(PLUG)), ("sensors", sensors)):
            speaker.publish(f"tasmota/discovery/5CCF7F00AA77/{what}", text, retain=True)

    announce()
    until(lambda: any(len(found.sources) > 3 for _, found in proposed(admin)))
    device = accept(house, store, admin, proposed(admin)[0][0].public_id)
    speaker.publish("tasmota/discovery/5CCF7F00AA77/config", "", retain=True)
    until(lambda: db.session.rollback() or not mappings.of(device), what="nothing is mapped")
    announce()
    until(
        lambda: (
            db.session.rollback() or "ENERGY.Power" in {one.sensor for one in mappings.of(device)}
        ),
        5,
    )


def test_a_topic_that_is_mapped_is_listened_to_at_once(house, store, server, admin, monkeypatch):
    monkeypatch.setattr(writer, "TICK_S", 3600.0)
    ingest = Ingest(server, house.settings, store, house.bus)
    ingest.start()
    until(lambda: ingest.health()["connected"], what="the listener is connected")
    device, _ = bridge(house, admin, "meters")
    source = Source("meters/7/state", "", "power")
    mappings.add(device, source, by=admin, now=utcnow(), namespace=NAMESPACE, bus=house.bus)
    until(lambda: "meters/7/state" in ingest._listener._foreign)
    ingest.stop()


def test_devices_announce_themselves_below_the_prefix_that_is_set(house, store, admin, server):
    settings = house.settings.model_copy(update={"discovery_prefix": "home/ha"})
    ingest = Ingest(server, settings, store, house.bus)
    ingest.start()
    try:
        until(lambda: ingest.health()["connected"], what="the listener is connected")
        _, speaker = bridge(house, admin, "homeassistant", "home/ha", "zigbee2mqtt")
        speaker.publish("homeassistant/sensor/0x01/b/config", json.dumps(BATTERY), retain=True)
        speaker.publish("home/ha/lock/0x01/lock/config", json.dumps(LOCK), retain=True)
        until(lambda: proposed(admin))
        device = accept(house, store, admin, proposed(admin)[0][0].public_id)
        assert [one.sensor for one in mappings.of(device)] == ["garden_gate"]
        speaker.publish("home/ha/lock/0x01/lock/config", "", retain=True)
        until(lambda: db.session.rollback() or not mappings.of(device), what="nothing is mapped")
    finally:
        ingest.stop()


def test_a_motion_detector_goes_off_by_itself_even_while_nobody_listens(
    house, ingest, store, admin, server
):
    _, speaker = bridge(house, admin, "homeassistant", "zigbee2mqtt")
    motion = {"device": LOCK["device"], "name": "Motion", "state_topic": "zigbee2mqtt/motion"}
    topic = "homeassistant/binary_sensor/0x01/motion/config"
    speaker.publish(topic, json.dumps(motion | {"off_delay": 1}), retain=True)
    until(lambda: proposed(admin))
    device = accept(house, store, admin, proposed(admin)[0][0].public_id)
    until(lambda: "zigbee2mqtt/motion" in ingest._listener._foreign)
    speaker.publish("zigbee2mqtt/motion", "ON", retain=True)  # now or later
    until(lambda: shown(house) == [1.0, 0.0])
    speaker.publish("zigbee2mqtt/motion", "ON")
    until(lambda: shown(house).count(1.0) == 2)
    ingest.stop()
    again = Ingest(server, house.settings, store, house.bus)
    again.start()
    try:
        until(lambda: shown(house) == [1.0, 0.0, 1.0, 0.0])
    finally:
        again.stop()
    (series,) = store.series([device.id])[device.id]
    times, values = store.window(series.id, 0, to_ms(utcnow()))
    assert values.tolist() == shown(house)
    assert [off - on for on, off in zip(times[::2], times[1::2], strict=True)] == [1000, 1000]


def shown(house: House) -> list[float]:
    """What open pages were told, in order."""
    return [event.data["v"] for event in house.events if event.kind == "reading"]


def test_new_command_topics_wait_for_a_person(house, ingest, store, admin):
    _, speaker = bridge(house, admin, "homeassistant", "zigbee2mqtt")
    announce_lock(speaker)
    until(lambda: [len(found.sources) for _, found in proposed(admin)] == [2])
    device = accept(house, store, admin, proposed(admin)[0][0].public_id)
    moved = LOCK | {"command_topic": "zigbee2mqtt/front door/set"}
    speaker.publish("homeassistant/lock/0x01/lock/config", json.dumps(moved), retain=True)
    until(lambda: proposed(admin), what="a person is asked again")
    with pytest.raises(Invalid):
        ask(house, device, admin, "unlock")


def test_a_topic_is_mapped_by_hand_with_scale_and_path(house, ingest, store, admin):
    device, speaker = bridge(house, admin, "meters")
    source = Source("meters/+/state", "list[0].w", "power", unit="kW", scale=0.001, offset=1.0)
    made = mappings.add(device, source, by=admin, now=utcnow(), namespace=NAMESPACE, bus=house.bus)
    until(lambda: "meters/+/state" in ingest._listener._foreign)
    speaker.publish("meters/7/state", '{"list": [{"w": 2500}]}', retain=True)  # now or later
    until(lambda: newest(store, device) == {"power": 3.5})
    speaker.publish("meters/7/state", '{"list": [{"w": "much"}]}')
    until(lambda: [one.reason for one in store.refusals(device.id)] == ["wrong_kind"])
    mappings.remove(device, made.public_id, by=admin, now=utcnow(), bus=house.bus)
    assert not mappings.of(device)


def test_nobody_maps_or_accepts_what_is_not_theirs(house, ingest, store, admin, stranger):
    device, speaker = bridge(house, admin, "homeassistant", "zigbee2mqtt")
    announce_lock(speaker)
    until(lambda: proposed(admin))
    assert not proposed(stranger)
    with pytest.raises(NotFound):
        accept(house, store, stranger, proposed(admin)[0][0].public_id)
    own = house.device(stranger, "Own", "sensor").device

    def add(topic: str, by: User) -> None:
        now = utcnow()
        source = Source(topic, "", "value")
        mappings.add(own, source, by=by, now=now, namespace=NAMESPACE, bus=house.bus)

    with pytest.raises(Forbidden):
        add("zigbee2mqtt/garden gate", stranger)
    for topic in ("gatehouse/other/telemetry", "#", "$SYS/#", "+/other/telemetry", "gatehouse/#"):
        with pytest.raises(Invalid):
            add(topic, stranger)
    with pytest.raises(Forbidden):
        give(house, own, stranger, "zigbee2mqtt")
    with pytest.raises(Invalid):
        give(house, device, admin, "gatehouse")
    house.allow(stranger, device, Level.MANAGER)
    add("zigbee2mqtt/garden gate", stranger)
