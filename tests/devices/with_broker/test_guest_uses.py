"""A use of a guest link is spent on what reached a door, and on nothing else."""

from datetime import timedelta

import pytest

import notify.post
import wiring
from auth.keys import sha256
from clock import utcnow
from db.base import db
from db.models import GuestLink
from devices import guest_pages, guest_visits, guests, progress
from devices.guest_terms import Terms
from errors import NotFound
from tests.devices.with_broker.conftest import state
from tests.stack import until

HOUR = timedelta(hours=1)


@pytest.fixture
def door(house, owner):
    return house.device(owner)


@pytest.fixture
def token(server, house, owner, door) -> str:
    """Of a link for one use, open now."""
    parts = (house.settings, house.keys, None, house.bus, house.publisher, house.broker)
    wiring.attach(server, wiring.Wiring(*parts))
    notify.post.init_app(server, house.settings)
    now = utcnow()
    terms = Terms("Mia", now - HOUR, now + HOUR, "UTC", max_uses=1)
    _, url = guests.create(
        door.device, terms, by=owner, keys=house.keys, url="", now=now, address=""
    )
    return url.rpartition("/")[2]


@pytest.fixture
def press(house, token):
    """Presses the button of a page that was just shown."""

    def pressed():
        now = utcnow()
        return guest_visits.press(
            token,
            nonce=guest_pages.mark(link(token), keys=house.keys, now=now),
            pin="",
            keys=house.keys,
            publisher=house.publisher,
            bus=house.bus,
            namespace=house.settings.mqtt_namespace,
            now=now,
            address="",
        )

    return pressed


def link(token: str) -> GuestLink:
    db.session.rollback()
    return db.session.query(GuestLink).filter_by(token_hash=sha256(token)).one()


def test_a_use_comes_back_when_nobody_heard_the_press(press, token, house, door):
    first = press()
    until(lambda: state(first) == "no_answer")
    assert link(token).uses == 0

    speaker = house.connect(door.device.mqtt_username, door.mqtt_password)
    speaker.subscribe(f"{door.topics}/commands")
    second = press()
    until(lambda: state(second) == "delivered")
    assert link(token).uses == 1
    with pytest.raises(NotFound):
        press()


def test_a_use_comes_back_when_the_broker_is_away(press, token, house):
    house.mosquitto.stop()
    until(lambda: not house.publisher.connected)
    for _ in range(2):
        assert state(press()) == "failed"
        assert link(token).uses == 0


def test_a_use_is_spent_on_a_door_that_may_have_heard_it(press, token, house, door):
    sleeper = house.connect(door.device.mqtt_username, door.mqtt_password, clean_session=False)
    sleeper.subscribe(f"{door.topics}/commands")
    sleeper.close()
    command = press()
    until(lambda: state(command) == "sent" and command.detail == progress.DEAF)
    assert link(token).uses == 1
