import itertools
import time

import pytest
from sqlalchemy import func, select

from auth import tokens
from clock import utcnow
from db.base import db
from db.models import AuditEvent, Command, Device, DeviceToken, Grant, Level
from db.models.device import opaque_username
from db.telemetry.store import TelemetryStore
from devices import admission, credentials, registry
from errors import AppError, Conflict, Forbidden, Invalid, NotFound, Unavailable
from mqtt.mosquitto import server_login
from tests.stack import until


@pytest.fixture
def store():
    return TelemetryStore(db.engines["telemetry"])


def count(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


def test_a_new_device_belongs_to_its_maker_and_the_broker_lets_it_in(house, owner):
    made = house.device(owner)

    db.session.rollback()
    device = db.session.scalars(select(Device)).one()
    grant = db.session.scalars(select(Grant)).one()
    assert (grant.user_id, grant.device_id, grant.level) == (owner.id, device.id, Level.OWNER)
    assert made.topics == f"gatehouse/{device.controller_id}"
    assert device.controller_id.startswith("front-door-")
    assert house.connect(device.mqtt_username, made.mqtt_password).is_in


def test_no_secret_of_a_device_is_kept_in_clear(house, owner):
    made = house.device(owner)
    db.session.rollback()
    rows = db.session.connection().connection.dbapi_connection.iterdump()
    text = "\n".join(rows)
    for secret in (made.mqtt_password, made.command_key, made.token):
        assert secret not in text
    assert made.mqtt_password not in repr(made)


def test_a_device_has_a_token_for_http(house, owner):
    made = house.device(owner)
    assert tokens.authenticate_device(made.token, utcnow()).device_id == made.device.id


def test_making_a_device_is_written_down(house, owner):
    made = house.device(owner, address="192.0.2.1")
    line = db.session.scalars(select(AuditEvent)).one()
    assert (line.action, line.object_id) == ("device.create", made.device.public_id)
    assert (line.actor, line.address) == (owner.email, "192.0.2.1")


@pytest.mark.parametrize("name", ["Front door", "front DOOR", "  Front   door "])
def test_a_person_has_no_two_devices_of_one_name(house, owner, name):
    house.device(owner)
    with pytest.raises(Conflict) as caught:
        house.device(owner, name)
    assert caught.value.code == "device_name_taken"
    assert count(Device) == 1


def test_case_makes_no_other_name_in_any_script(house, owner):
    house.device(owner, "Врата")
    with pytest.raises(Conflict):
        house.device(owner, "ВРАТА")


def test_two_people_may_use_the_same_name(house, owner, stranger):
    first, second = house.device(owner), house.device(stranger)
    assert first.device.controller_id != second.device.controller_id


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\x00b", "a\u202eb", None, 5])
def test_names_that_nobody_can_read_are_refused(house, owner, name):
    with pytest.raises(Invalid) as caught:
        house.device(owner, name)
    assert caught.value.details["field"] == "name"


@pytest.mark.parametrize(
    "controller_id", ["+", "#", "a/b", "a b", "$live", "\u00e9", "x" * 65, "a\n"]
)
def test_a_controller_id_cannot_change_the_meaning_of_a_topic(house, owner, controller_id):
    with pytest.raises(Invalid) as caught:
        house.device(owner, controller_id=controller_id)
    assert caught.value.code == "controller_id_invalid"


def test_wildcards_in_a_name_never_reach_a_topic(house, owner):
    made = house.device(owner, "Gate #1 + / Ω")
    assert made.device.name == "Gate #1 + / Ω"
    assert made.device.controller_id.startswith("gate-1-")


def test_a_name_without_latin_letters_gets_a_controller_id_too(house, owner):
    assert house.device(owner, "Врата").device.controller_id.startswith("device-")


def test_ids_are_taken_once(house, owner, stranger):
    house.device(owner, controller_id="c1", hardware_id="h1")
    with pytest.raises(Conflict) as caught:
        house.device(stranger, controller_id="c1")
    assert caught.value.code == "controller_id_taken"
    with pytest.raises(Conflict) as caught:
        house.device(stranger, hardware_id="h1")
    assert caught.value.code == "hardware_id_taken"


def test_an_unknown_kind_is_refused(house, owner):
    with pytest.raises(Invalid):
        house.device(owner, kind="toaster")


def test_renaming_has_three_answers(house, owner):
    device = house.device(owner).device
    house.device(owner, "Back door")

    assert registry.rename(device, "Main door", by=owner, now=utcnow(), bus=house.bus)
    assert not registry.rename(device, "Main door", by=owner, now=utcnow())
    with pytest.raises(Conflict):
        registry.rename(device, "back door", by=owner, now=utcnow())

    db.session.rollback()
    assert device.name == "Main door"
    assert [event.data for event in house.events] == [{"change": "renamed"}]


def test_a_device_may_change_the_case_of_its_own_name(house, owner):
    device = house.device(owner).device
    assert registry.rename(device, "FRONT DOOR", by=owner, now=utcnow())


def test_topics_follow_the_controller_id(house, owner):
    made = house.device(owner, controller_id="before")
    registry.update(made.device, by=owner, now=utcnow(), broker=house.broker, controller_id="after")
    listener = house.connect(*server_login(house.settings, "listener"))
    listener.subscribe("gatehouse/#")
    house.connect(made.device.mqtt_username, made.mqtt_password).publish(
        "gatehouse/before/telemetry", "1"
    )
    house.connect(made.device.mqtt_username, made.mqtt_password).publish(
        "gatehouse/after/telemetry", "2"
    )
    until(lambda: listener.got)
    assert listener.got == [("gatehouse/after/telemetry", b"2")]


def test_a_user_name_is_the_first_controller_id_and_stays(house, owner):
    device = house.device(owner, controller_id="c1").device
    registry.update(device, by=owner, now=utcnow(), broker=house.broker, controller_id="c2")
    db.session.rollback()
    assert (device.mqtt_username, device.controller_id) == ("c1", "c2")


@pytest.mark.parametrize("gone", [True, False])
def test_a_user_name_is_never_given_to_a_second_device(house, owner, store, gone):
    first = house.device(owner, controller_id="c1").device
    change = {"by": owner, "now": utcnow(), "broker": house.broker}
    registry.update(first, controller_id="c2", **change)
    if gone:
        registry.delete(first, store=store, **change)
    second = house.device(owner, "Back door", controller_id="c1")
    assert second.device.mqtt_username != "c1"

    listener = house.connect(*server_login(house.settings, "listener"))
    listener.subscribe("gatehouse/#")
    house.connect(second.device.mqtt_username, second.mqtt_password).publish(
        "gatehouse/c1/telemetry", "1"
    )
    until(lambda: listener.got == [("gatehouse/c1/telemetry", b"1")])


def test_nobody_takes_a_name_that_was_given_by_chance(house, owner):
    given = opaque_username()
    assert house.device(owner, controller_id=given).device.mqtt_username != given


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("expected_interval_s", 0),
        ("expected_interval_s", True),
        ("retention_days", 40_000),
        ("notes", "x" * 4001),
        ("timezone", "Mars/Olympus"),
        ("hold_to_act", "yes"),
    ],
)
def test_settings_out_of_bounds_are_refused_by_name(house, owner, field, value):
    device = house.device(owner).device
    with pytest.raises(Invalid) as caught:
        registry.update(device, by=owner, now=utcnow(), **{field: value})
    assert caught.value.details["field"] == field


def test_settings_are_kept(house, owner):
    device = house.device(owner).device
    given = {
        "expected_interval_s": 5,
        "retention_days": None,
        "notes": "left of\nthe gate",
        "timezone": "Europe/Belgrade",
        "hold_to_act": True,
    }
    assert registry.update(device, by=owner, now=utcnow(), **given)
    db.session.rollback()
    assert {field: getattr(device, field) for field in given} == given


def test_rotating_cuts_the_connection_and_stops_the_old_password(house, owner):
    made = house.device(owner)
    username = made.device.mqtt_username
    live = house.connect(username, made.mqtt_password)

    fresh = registry.rotate(
        made.device, by=owner, now=utcnow(), broker=house.broker, keys=house.keys
    )

    assert live.ended.wait(1)
    assert not house.connect(username, made.mqtt_password).is_in
    assert house.connect(username, fresh).is_in


def test_revoking_cuts_the_connection_and_ends_the_token_within_a_second(house, owner):
    made = house.device(owner)
    username = made.device.mqtt_username
    live = house.connect(username, made.mqtt_password)

    registry.revoke(made.device, by=owner, now=utcnow(), broker=house.broker)

    assert live.ended.wait(1)
    assert not house.connect(username, made.mqtt_password).is_in
    assert tokens.authenticate_device(made.token, utcnow()) is None
    assert admission.identities() == []


def test_a_deleted_device_leaves_nothing_but_its_audit_lines(house, owner, store):
    made = house.device(owner)
    username, public_id = made.device.mqtt_username, made.device.public_id
    live = house.connect(username, made.mqtt_password)

    registry.delete(made.device, by=owner, now=utcnow(), broker=house.broker, store=store)

    assert live.ended.wait(1)
    assert [count(model) for model in (Device, Grant, DeviceToken, Command)] == [0, 0, 0, 0]
    lines = db.session.scalars(select(AuditEvent.object_id)).all()
    assert set(lines) == {public_id}


def test_readings_are_deleted_though_the_broker_is_away(house, owner, store):
    """What nobody may see any longer is gone, whatever else fails."""
    device = house.device(owner).device
    store.add_series(device.id, "temperature", "number")
    key = device.id
    house.broker.revoke = away
    with pytest.raises(Unavailable):
        registry.delete(device, by=owner, now=utcnow(), broker=house.broker, store=store)
    assert store.series([key]) == {key: []}


def away(*_usernames):
    raise Unavailable("broker_away", "The broker is away.")


@pytest.mark.parametrize("level", [None, Level.VIEWER, Level.OPERATOR, Level.MANAGER])
def test_only_an_owner_deletes(house, owner, stranger, store, level):
    device = house.device(owner).device
    if level:
        house.allow(stranger, device, level)
    with pytest.raises(Forbidden if level else NotFound):
        registry.delete(device, by=stranger, now=utcnow(), broker=house.broker, store=store)
    assert count(Device) == 1


@pytest.mark.parametrize("level", [None, Level.VIEWER, Level.OPERATOR])
def test_nobody_below_manager_changes_a_device(house, owner, stranger, level):
    device = house.device(owner).device
    if level:
        house.allow(stranger, device, level)
    common = {"by": stranger, "now": utcnow()}
    for attempt in (
        lambda: registry.rename(device, "Mine", **common),
        lambda: registry.update(device, notes="x", **common),
        lambda: registry.rotate(device, broker=house.broker, keys=house.keys, **common),
        lambda: registry.revoke(device, broker=house.broker, **common),
    ):
        with pytest.raises(AppError) as caught:
            attempt()
        assert caught.value.status in {403, 404}


def test_what_the_broker_must_know_is_what_lets_devices_in(house, owner):
    made = house.device(owner)
    identity = admission.identities()[0]
    assert identity == credentials.identity(made.device)
    assert credentials.matches(made.mqtt_password, identity.password_hash)
    assert registry.by_controller(identity.controller_id).id == made.device.id
    assert registry.by_controller("unheard-of") is None


def test_a_device_is_made_in_fifty_milliseconds(house, owner):
    numbers = itertools.count()

    def seconds() -> float:
        start = time.perf_counter()
        house.device(owner, f"Sensor {next(numbers)}")
        return time.perf_counter() - start

    until(lambda: seconds() <= 0.05)  # once; the machine may be busy with other things
