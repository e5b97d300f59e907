"""The devices of an account that is switched off are shut out, on every kind of broker."""

import threading

import pytest
from flask import current_app

from clock import utcnow
from db.base import db
from db.models import Level, User
from devices import admission, mappings, registry
from devices.ports import BrokerIdentity
from mqtt.mosquitto import Mosquitto
from tests.devices.switching import Site, site_of
from tests.mqtt.remote import Dynsec, Open
from tests.stack import free_port

SOON_S = 2.0


@pytest.fixture(params=["files", "dynsec", "http"])
def site(request, context, settings, tmp_path):
    """An installation for each kind of broker, all of them real Mosquittos."""
    if request.param == "files":
        mosquitto = Mosquitto(settings)
    else:
        mosquitto = {"dynsec": Dynsec, "http": Open}[request.param](tmp_path, free_port())
        settings = mosquitto.settings(settings)
    mosquitto.start()
    made = site_of(context, settings, request.param, mosquitto)
    made.parts.broker.reconcile(())
    yield made
    for speaker in made.speakers:
        speaker.close()
    mosquitto.stop()


@pytest.fixture
def owner(site: Site) -> User:
    return site.person("owner")


def test_its_connections_are_cut_and_come_back_with_the_same_credentials(site, owner):
    neighbour = site.person("neighbour")
    doors = [site.device(owner, name) for name in ("Front door", "Back door")]
    other = site.device(neighbour)
    live = [site.connect(made) for made in doors]
    foreign = site.connect(other)
    assert all(one.is_in for one in [*live, foreign])

    site.switch(owner, False)

    assert all(one.ended.wait(SOON_S) for one in live)
    assert not any(site.lets_in(made) for made in doors)
    assert foreign.is_in

    site.switch(owner, True)

    assert all(site.lets_in(made) for made in doors)
    assert foreign.is_in


def test_a_device_that_was_revoked_stays_out_when_the_account_is_on_again(site, owner):
    made = site.device(owner)
    registry.revoke(made.device, by=owner, now=utcnow(), broker=site.parts.broker)
    site.switch(owner, False)
    site.switch(owner, True)
    assert not site.lets_in(made)


def test_nothing_that_a_manager_does_lets_it_in(site, owner):
    manager, boss = site.person("manager"), site.person("boss", role="admin")
    made = site.device(owner)
    site.allow(manager, made, Level.MANAGER)
    site.switch(owner, False)
    change = {"by": manager, "now": utcnow(), "broker": site.parts.broker}

    registry.update(made.device, controller_id="elsewhere", **change)
    assert not site.lets_in(made)
    fresh = registry.rotate(made.device, keys=site.parts.keys, **change)
    again = type(made)(made.device, made.topics, fresh, "", "")
    assert not site.lets_in(again)
    give = {"namespace": "gatehouse", **change, "by": boss}
    mappings.give_trees(made.device, ["zigbee2mqtt"], **give)
    assert not site.lets_in(again)

    site.switch(owner, True)
    assert site.lets_in(again)


def test_the_broker_is_told_of_it_anew_after_a_restart(site, owner):
    if site.kind == "http":
        return  # it is never told
    made, kept = site.device(owner), site.device(site.person("neighbour"))
    site.switch(owner, False)
    site.mosquitto.stop()
    if site.kind == "files":
        for name in ("passwords", "acl"):
            (site.parts.settings.instance_dir / "broker" / name).unlink()
    else:
        site.mosquitto.lose()
    site.mosquitto.start()
    site.parts.broker.reconcile(admission.each_identity())
    assert not site.lets_in(made)
    assert site.lets_in(kept)


def test_a_change_that_is_under_way_does_not_let_it_in_again(site, owner):
    """Somebody rotates the password; the account is switched off before the broker hears of it."""
    made, broker, keys = site.device(owner), site.parts.broker, site.parts.keys
    server = current_app._get_current_object()
    reached, go_on = threading.Event(), threading.Event()

    class Slow:
        def __init__(self) -> None:
            self.held = False

        def upsert(self, *identities: BrokerIdentity) -> None:
            if not self.held:
                self.held = True
                reached.set()
                assert go_on.wait(20)
            broker.upsert(*identities)

        def revoke(self, *usernames: str) -> None:
            broker.revoke(*usernames)

    fresh: list[str] = []
    owner_id = owner.id
    db.session.commit()

    def rotate() -> None:
        with server.app_context():
            device = registry.by_controller(made.device.controller_id)
            by = db.session.get(User, owner_id)
            fresh.append(registry.rotate(device, by=by, now=utcnow(), broker=Slow(), keys=keys))

    thread = threading.Thread(target=rotate)
    thread.start()
    assert reached.wait(20)
    site.switch(owner, False)
    go_on.set()
    thread.join(20)
    again = type(made)(made.device, made.topics, fresh[0], "", "")
    assert not site.lets_in(again)
