"""Cutting connections at a broker that asks over HTTP; here one that lets everybody in."""

import pytest

from devices.ports import BrokerIdentity
from mqtt.brokers import broker_admin
from tests.mqtt.conftest import Speaker
from tests.mqtt.remote import Open
from tests.stack import free_port, until

DOORS = [BrokerIdentity(f"d{number:015d}", "", f"c{number}") for number in range(30)]


@pytest.fixture
def broker(tmp_path):
    made = Open(tmp_path, free_port())
    made.start()
    yield made
    made.stop()


@pytest.fixture
def connect(broker):
    made: list[Speaker] = []

    def connect(identity: BrokerIdentity) -> Speaker:
        made.append(Speaker(broker.port, identity.username, "password"))
        return made[-1]

    yield connect
    for speaker in made:
        speaker.close()


@pytest.mark.parametrize("change", ["revoke", "upsert"])
def test_connections_are_cut_so_that_the_broker_asks_anew(broker, settings, connect, change):
    admin = broker_admin(broker.settings(settings))
    live, other = [connect(door) for door in DOORS[:20]], connect(DOORS[20])
    of = DOORS[:20] if change == "upsert" else [door.username for door in DOORS[:20]]
    getattr(admin, change)(*of)
    assert all(one.ended.wait(2) for one in live)
    assert other.is_in


def test_what_the_broker_held_for_a_device_is_thrown_away(broker, settings, connect):
    admin, door = broker_admin(broker.settings(settings)), DOORS[0]
    kept = Speaker(broker.port, door.username, "", clean_session=False)
    kept.subscribe("gatehouse/c0/commands")
    kept.close()
    connect(DOORS[1]).publish("gatehouse/c0/commands", "unlock")
    admin.revoke(door.username)
    again = Speaker(broker.port, door.username, "", clean_session=False)
    again.subscribe("gatehouse/c0/config")
    connect(DOORS[2]).publish("gatehouse/c0/config", "the last")
    until(lambda: ("gatehouse/c0/config", b"the last") in again.got)
    assert ("gatehouse/c0/commands", b"unlock") not in again.got
    again.close()


def test_a_broker_that_is_away_is_no_error(tmp_path, settings, caplog):
    away = Open(tmp_path, free_port())
    broker_admin(away.settings(settings)).revoke(DOORS[0].username)
    assert "the broker is away" in caplog.text
