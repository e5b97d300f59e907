"""What the devices of an account that is switched off are refused, and what others are told."""

from datetime import timedelta

import pytest

from auth import tokens
from clock import utcnow
from db.base import db, transaction
from db.models import Level, User
from devices import (
    admission,
    app_tokens,
    asking,
    commands,
    files,
    guests,
    handshake,
    link_states,
    submission,
)
from devices.guest_terms import Terms
from devices.payloads import Limits
from errors import Conflict, Forbidden, NotFound, Unauthenticated, Unavailable
from tests.devices.switching import site_of

NS = "gatehouse"
FROM = "192.0.2.1"


@pytest.fixture
def plain(context, settings):
    """An installation whose broker is never started: the files are written all the same."""
    return site_of(context, settings, "files", None)


@pytest.fixture
def door(plain):
    return plain.device(plain.person("landlord"))


def landlord() -> User:
    return db.session.query(User).filter_by(email="landlord@example.org").one()


def test_its_tokens_for_http_are_refused_and_work_again(plain, door):
    row = tokens.authenticate_device(door.token, utcnow())
    assert row is not None
    assert tokens.alive([row.id])
    plain.switch(landlord(), False)
    assert tokens.authenticate_device(door.token, utcnow()) is None
    assert not tokens.alive([row.id])
    plain.switch(landlord(), True)
    assert tokens.authenticate_device(door.token, utcnow()) is not None


def test_they_are_not_waited_for_where_others_listen_too(plain, door):
    with transaction():
        door.device.topic_trees = ["shelly/hall"]
    topic = "shelly/hall/command"
    assert asking.listeners(db.session(), topic) == [door.device.mqtt_username]
    plain.switch(landlord(), False)
    assert asking.listeners(db.session(), topic) == []


def log_in(plain, door) -> handshake.Login:
    return handshake.login(
        door.device.mqtt_username,
        door.mqtt_password,
        now=utcnow(),
        address=FROM,
        broker=plain.parts.broker,
        publisher=plain.parts.publisher,
        keys=plain.parts.keys,
        bus=plain.parts.bus,
        namespace=NS,
    )


def ping(plain, token: str) -> None:
    handshake.ping(
        token,
        now=utcnow(),
        address=FROM,
        publisher=plain.parts.publisher,
        keys=plain.parts.keys,
        namespace=NS,
    )


def test_its_logins_and_pings_are_refused_and_work_again(plain, door):
    told = log_in(plain, door)
    ping(plain, told.token)
    plain.switch(landlord(), False)
    with pytest.raises(Unauthenticated):
        ping(plain, told.token)
    with pytest.raises(Unauthenticated):
        log_in(plain, door)
    plain.switch(landlord(), True)
    ping(plain, told.token)
    log_in(plain, door)


def test_its_apps_are_refused_and_work_again(plain, door):
    app = "an-app-made-this-token"
    app_tokens.vouch(door.device, app, Level.OPERATOR, now=utcnow())
    assert app_tokens.discover(app, now=utcnow())
    plain.switch(landlord(), False)
    with pytest.raises(Unauthenticated):
        app_tokens.discover(app, now=utcnow())
    with pytest.raises(NotFound):
        app_tokens.require(app, door.device.public_id, Level.VIEWER)
    plain.switch(landlord(), True)
    assert app_tokens.discover(app, now=utcnow())
    assert app_tokens.require(app, door.device.public_id, Level.VIEWER)


def test_an_app_keeps_the_devices_of_others(plain, door):
    app, other = "an-app-made-this-token", plain.device(plain.person("neighbour"))
    for made in (door, other):
        app_tokens.vouch(made.device, app, Level.OPERATOR, now=utcnow())
    plain.switch(landlord(), False)
    assert [device for device, _ in app_tokens.discover(app, now=utcnow())] == [other.device]


def ask(plain, door, by: User) -> str:
    command = commands.ask(
        door.device,
        "unlock",
        {},
        by=by,
        via="page",
        key=str(utcnow()),
        address=FROM,
        publisher=plain.parts.publisher,
        keys=plain.parts.keys,
        bus=plain.parts.bus,
        namespace=NS,
        now=utcnow(),
    )
    return command.state


def test_others_are_told_why_it_does_nothing(plain, door):
    friend = plain.person("friend")
    plain.allow(friend, door, Level.MANAGER)
    assert ask(plain, door, friend) == "sent"
    plain.switch(landlord(), False)
    with pytest.raises(Conflict) as caught:
        ask(plain, door, friend)
    assert caught.value.code == "owner_disabled"
    assert "switched off" in caught.value.message
    with pytest.raises(Forbidden) as refused:
        submission.take(
            door.device,
            b"1",
            by=friend,
            publisher=plain.parts.publisher,
            namespace=NS,
            limits=Limits(payload=100),
            now=utcnow(),
        )
    assert refused.value.code == "owner_disabled"
    plain.switch(landlord(), True)
    assert ask(plain, door, friend) == "sent"


@pytest.mark.parametrize("maker", ["landlord", "friend"])
def test_guest_links_open_nothing_and_open_again(plain, door, maker):
    now = utcnow()
    friend = plain.person("friend")
    plain.allow(friend, door, Level.MANAGER)
    by = landlord() if maker == "landlord" else friend
    terms = Terms("Ana", now - timedelta(hours=1), now + timedelta(hours=1), "UTC")
    keys = plain.parts.keys
    link, _url = guests.create(
        door.device, terms, by=by, keys=keys, url="http://x", now=now, address=""
    )
    assert link_states.state(link, now=now) == "open"
    plain.switch(landlord(), False)
    assert link_states.state(link, now=now) == "ended"
    plain.switch(landlord(), True)
    assert link_states.state(link, now=now) == "open"


def test_a_broker_that_is_away_is_named_and_the_account_is_off(plain, door):
    class Away:
        def revoke(self, *_usernames: str) -> None:
            raise Unavailable

    plain.parts.broker = Away()
    with pytest.raises(Unavailable):
        plain.switch(landlord(), False)
    db.session.rollback()
    assert landlord().disabled_at is not None
    assert admission.identities() == []


def test_an_account_without_devices_needs_no_broker(plain):
    user = plain.person("somebody")
    plain.parts.broker = None
    plain.switch(user, False)
    plain.switch(user, True)


def test_switching_on_what_is_on_disturbs_nobody(plain, door):
    plain.parts.broker = None
    plain.switch(landlord(), True)


def test_an_address_for_a_file_leads_nowhere_and_leads_there_again(plain, door):
    said = {"name": "log.txt", "size": 1, "digest": "0" * 64, "direction": "upload"}
    offer = files.announce(door.device, **said, by=door.device, now=utcnow(), address=FROM)
    assert files.by_token(offer.token, "waiting", now=utcnow())
    plain.switch(landlord(), False)
    with pytest.raises(NotFound):
        files.by_token(offer.token, "waiting", now=utcnow())
    plain.switch(landlord(), True)
    assert files.by_token(offer.token, "waiting", now=utcnow())
