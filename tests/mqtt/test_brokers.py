"""One suite over both ways to make devices known to a real Mosquitto: files and the plugin."""

import itertools
import threading
import time
from dataclasses import dataclass, replace

import pytest
from pydantic import SecretStr

from auth.keys import load
from devices import credentials
from devices.ports import BrokerAdmin, BrokerIdentity
from errors import AppError, Invalid, Unavailable
from mqtt.broker_files import FileBroker
from mqtt.brokers import broker_admin
from mqtt.dynsec import talk
from mqtt.mosquitto import Mosquitto, accounts, folder_of, server_login
from tests.mqtt.conftest import Speaker
from tests.mqtt.remote import Dynsec
from tests.stack import free_port, until


@dataclass
class Site:
    """A broker, the adapter for it, and devices by number."""

    admin: BrokerAdmin
    port: int
    login: tuple[str, str]  # of the server
    keys: object
    mosquitto: object  # has start() and stop()
    lose: object  # loses what the broker knows

    def identity(self, number: int, *, seed: str = "", controller: str = "") -> BrokerIdentity:
        seed = seed or f"seed-{number}"
        return BrokerIdentity(
            f"d{number:015d}",
            credentials.mosquitto_hash(credentials.mqtt_password(self.keys, seed)),
            controller or f"c{number}",
            seed,
        )

    def connect(self, identity: BrokerIdentity, **options) -> Speaker:
        password = credentials.mqtt_password(self.keys, identity.seed)
        self.speakers.append(Speaker(self.port, identity.username, password, **options))
        return self.speakers[-1]

    def server(self, topic: str = "#") -> Speaker:
        own = f"observer-{len(self.speakers)}"
        self.speakers.append(Speaker(self.port, *self.login, client_id=own))
        self.speakers[-1].subscribe(topic)
        return self.speakers[-1]

    def __post_init__(self) -> None:
        self.speakers: list[Speaker] = []


@pytest.fixture
def files(settings, mosquitto):
    known: list[BrokerIdentity] = []
    folder = folder_of(settings)
    admin = FileBroker(
        folder,
        settings.mqtt_namespace,
        accounts=accounts(settings),
        known=lambda: known,
        reload=mosquitto.reload,
    )
    site = Site(
        admin,
        settings.mqtt_port,
        server_login(settings, "listener"),
        load(settings),
        mosquitto,
        lambda: [(folder / name).unlink() for name in ("passwords", "acl")],
    )
    site.known = known
    site.publisher_login = lambda: server_login(settings, "publisher")
    return site


@pytest.fixture
def dynsec(settings, tmp_path):
    remote = Dynsec(tmp_path, free_port())
    remote.start()
    foreign = remote.settings(settings)
    admin = broker_admin(foreign)
    admin.reconcile(())
    kinds = ("publishClientReceive", "subscribePattern", "publishClientSend")
    everything = [{"acltype": kind, "topic": "#", "allow": True} for kind in kinds]
    with talk(foreign) as administrator:  # somebody who is not ours, and hears everything
        administrator.run(
            [
                {"command": "createRole", "rolename": "watching", "acls": everything},
                {
                    "command": "createClient",
                    "username": "watcher",
                    "password": "secret",
                    "roles": [{"rolename": "watching"}],
                },
            ]
        )
    yield Site(admin, remote.port, ("watcher", "secret"), load(settings), remote, remote.lose)
    remote.stop()


@pytest.fixture(params=["files", "dynsec"])
def site(request):
    made = request.getfixturevalue(request.param)
    made.name = request.param
    yield made
    for speaker in made.speakers:
        speaker.close()


def test_a_device_gets_in_with_its_own_password_only(site):
    device = site.identity(1)
    site.admin.upsert(device, site.identity(2))
    assert site.connect(device).is_in
    password = credentials.mqtt_password(site.keys, "seed-2")
    stranger = Speaker(site.port, device.username, password)
    assert not stranger.is_in
    stranger.close()


@pytest.mark.parametrize(
    "rest", ["telemetry", "telemetry/kitchen", "led/red", "status", "commands/ack", "log"]
)
def test_a_device_publishes_its_own_topics(site, rest):
    device = site.identity(1)
    site.admin.upsert(device)
    server = site.server("gatehouse/#")
    site.connect(device).publish(f"gatehouse/c1/{rest}", "1")
    until(lambda: server.got == [(f"gatehouse/c1/{rest}", b"1")])


@pytest.mark.parametrize(
    "topic",
    [
        "gatehouse/c2/telemetry",
        "gatehouse/c2/commands",
        "gatehouse/c1/commands",
        "gatehouse/c1/config",
        "gatehouse/$live/c1",
        "other",
        "gatehouse/c1/telemetry/a/b",
    ],
)
def test_what_a_device_publishes_elsewhere_reaches_nobody(site, topic):
    mine, other = site.identity(1), site.identity(2)
    site.admin.upsert(mine, other)
    server, victim = site.server(), site.connect(other)
    victim.subscribe("gatehouse/c2/commands")
    site.connect(mine).publish(topic, "forged")
    site.connect(mine).publish("gatehouse/c1/telemetry", "own")
    until(lambda: ("gatehouse/c1/telemetry", b"own") in server.got)
    assert [one for one in server.got if one[1] == b"forged"] == []
    assert victim.got == []


@pytest.mark.parametrize("spied", ["#", "gatehouse/#", "gatehouse/+/commands", "$SYS/#"])
def test_a_device_hears_only_what_is_for_it(site, spied):
    mine, other = site.identity(1), site.identity(2)
    site.admin.upsert(mine, other)
    spy = site.connect(mine)
    spy.subscribe(spied)
    spy.subscribe("gatehouse/c1/commands")
    site.connect(other).publish("gatehouse/c2/telemetry", "secret")
    voice = publisher(site)
    voice.publish("gatehouse/c2/commands", "for the other")
    voice.publish("gatehouse/c1/commands", "for me")
    until(lambda: spy.got)
    assert {topic for topic, _ in spy.got} == {"gatehouse/c1/commands"}


TREE = "zigbee2mqtt"


def publisher(site) -> Speaker:
    """Somebody who may publish anything."""
    if site.name == "dynsec":
        return site.server("nothing")
    site.speakers.append(Speaker(site.port, *site.publisher_login()))
    return site.speakers[-1]


@pytest.mark.parametrize("asked", [f"{TREE}/#", f"{TREE}/+", f"{TREE}/lamp"])
def test_a_device_uses_a_branch_that_it_was_given(site, asked):
    bridge = replace(site.identity(1), trees=(TREE,))
    site.admin.upsert(bridge, site.identity(2))
    observer, live = site.server(), site.connect(bridge)
    live.subscribe(asked)
    publisher(site).publish(f"{TREE}/lamp", "for the bridge")
    until(lambda: (f"{TREE}/lamp", b"for the bridge") in live.got)
    live.publish(f"{TREE}/bridge/state", "from the bridge")
    until(lambda: (f"{TREE}/bridge/state", b"from the bridge") in observer.got)
    live.publish("gatehouse/c1/telemetry", "as ever")
    until(lambda: ("gatehouse/c1/telemetry", b"as ever") in observer.got)
    assert live.is_in


def test_a_branch_is_of_no_use_to_others_and_no_way_out_of_it(site):
    bridge, other = replace(site.identity(1), trees=(TREE,)), site.identity(2)
    site.admin.upsert(bridge, other)
    observer, spy, live = site.server(), site.connect(other), site.connect(bridge)
    for speaker in (spy, live):
        for asked in ("#", f"{TREE}/#", "zigbee2mqtt2/lamp", "gatehouse/c2/commands"):
            speaker.subscribe(asked)
    spy.subscribe("gatehouse/c2/config")
    voice = publisher(site)
    for topic in (f"{TREE}/lamp", "zigbee2mqtt2/lamp", "gatehouse/c2/commands"):
        voice.publish(topic, "told")
    voice.publish("gatehouse/c2/config", "the last")
    until(lambda: ("gatehouse/c2/config", b"the last") in spy.got)
    until(lambda: live.got)
    assert {topic for topic, _ in live.got} == {f"{TREE}/lamp"}
    assert f"{TREE}/lamp" not in {topic for topic, _ in spy.got}

    for device, topic in (
        (other, f"{TREE}/lamp/set"),
        (bridge, "zigbee2mqtt2/lamp"),
        (bridge, "gatehouse/c2/telemetry"),
    ):
        site.connect(device).publish(topic, "forged")
    site.connect(bridge).publish(f"{TREE}/x", "allowed")
    until(lambda: (f"{TREE}/x", b"allowed") in observer.got)
    assert [one for one in observer.got if one[1] == b"forged"] == []


def test_a_branch_that_is_taken_back_is_closed_at_once(site):
    bridge = replace(site.identity(1), trees=(TREE,))
    site.admin.upsert(bridge)
    before = site.connect(bridge)
    before.subscribe(f"{TREE}/#")
    site.admin.upsert(site.identity(1))
    observer, after = site.server(), site.connect(site.identity(1))
    after.subscribe(f"{TREE}/#")
    after.subscribe("gatehouse/c1/config")
    voice = publisher(site)
    voice.publish(f"{TREE}/lamp", "told")
    voice.publish("gatehouse/c1/config", "the last")
    until(lambda: ("gatehouse/c1/config", b"the last") in after.got)
    assert f"{TREE}/lamp" not in {topic for topic, _ in before.got + after.got}
    after.publish(f"{TREE}/lamp/set", "forged")
    site.connect(site.identity(1)).publish("gatehouse/c1/log", "own")
    until(lambda: ("gatehouse/c1/log", b"own") in observer.got)
    assert [one for one in observer.got if one[1] == b"forged"] == []


def test_a_lock_hears_the_topic_of_its_login_and_nobody_else_does(site):
    topic = "ab" * 32
    lock, other = replace(site.identity(1), reads=(topic,)), site.identity(2)
    site.admin.upsert(lock, other)
    live, spy = site.connect(lock), site.connect(other)
    for speaker in (live, spy):
        speaker.subscribe(topic)
    spy.subscribe("gatehouse/c2/config")
    voice = publisher(site)
    voice.publish(topic, "trigger")
    voice.publish("gatehouse/c2/config", "the last")
    until(lambda: spy.got and live.got)
    assert (live.got, spy.got) == ([(topic, b"trigger")], [("gatehouse/c2/config", b"the last")])


def test_branches_are_repaired_by_reconciling(site):
    bridge = replace(site.identity(1), trees=(TREE,))
    site.admin.upsert(site.identity(1))
    site.admin.reconcile([bridge])
    live = site.connect(bridge)
    live.subscribe(f"{TREE}/+/state")
    publisher(site).publish(f"{TREE}/lamp/state", "told")
    until(lambda: live.got == [(f"{TREE}/lamp/state", b"told")])


def test_a_new_password_cuts_the_connection_and_stops_the_old_one(site):
    before, after = site.identity(1), site.identity(1, seed="another")
    site.admin.upsert(before)
    live = site.connect(before)
    site.admin.upsert(after)
    assert live.ended.wait(1)
    assert not site.connect(before).is_in
    assert site.connect(after).is_in


def test_revoking_cuts_the_connection_of_one_and_of_nobody_else(site):
    first, second = site.identity(1), site.identity(2)
    site.admin.upsert(first, second)
    live, other = site.connect(first), site.connect(second)
    site.admin.revoke(first.username)
    assert live.ended.wait(1)
    assert not site.connect(first).is_in
    assert other.is_in
    site.admin.revoke(first.username, "never-heard-of")


def test_topics_follow_a_new_controller_id(site):
    site.admin.upsert(site.identity(1))
    moved = site.identity(1, controller="new")
    site.admin.upsert(moved)
    server = site.server("gatehouse/#")
    site.connect(moved).publish("gatehouse/c1/telemetry", "old")
    site.connect(moved).publish("gatehouse/new/telemetry", "new")
    until(lambda: server.got)
    assert server.got == [("gatehouse/new/telemetry", b"new")]


def test_reconciling_repairs_what_was_lost_while_the_broker_was_down(site):
    kept, gone, missed = (site.identity(number) for number in (1, 2, 3))
    site.admin.upsert(kept, gone)
    site.mosquitto.stop()
    site.lose()
    site.mosquitto.start()
    assert not site.connect(kept).is_in

    site.admin.reconcile([kept, missed])

    assert site.connect(kept).is_in
    assert site.connect(missed).is_in
    assert not site.connect(gone).is_in


def test_reconciling_removes_who_is_no_longer_there_and_takes_new_passwords(site):
    stays, gone, changed = (site.identity(number) for number in (1, 2, 3))
    site.admin.upsert(stays, gone, changed)
    live = site.connect(stays)
    fresh = site.identity(3, seed="fresh")

    site.admin.reconcile([stays, fresh])

    assert not site.connect(gone).is_in
    assert not site.connect(changed).is_in
    assert site.connect(fresh).is_in
    assert live.is_in


def test_reconciling_what_is_so_already_disturbs_nobody(site):
    devices = [site.identity(number) for number in range(5)]
    site.admin.reconcile(devices)
    live = [site.connect(device) for device in devices]
    site.admin.reconcile(devices)
    assert all(one.is_in for one in live)


def test_a_borrowed_client_id_takes_over_no_session(site):
    victim, thief = site.identity(1), site.identity(2)
    site.admin.upsert(victim, thief)
    live = site.connect(victim)
    attack = site.connect(thief, client_id=victim.username)
    wrong = Speaker(site.port, victim.username, "wrong", client_id=victim.username)
    site.speakers += [wrong]
    assert not wrong.is_in
    site.connect(site.identity(2))  # whatever happened is over when this is in
    assert live.is_in
    assert attack.reason == 0 or not attack.is_in


@pytest.mark.parametrize("name", ["+", "#", "d/1", "a b", "d\nuser evil", "d:x", "", "x" * 65])
def test_names_that_mean_something_to_a_broker_are_refused(site, name):
    good = site.identity(1)
    for identity in (
        BrokerIdentity(name, good.password_hash, "c1", "s"),
        BrokerIdentity("d1", good.password_hash, name, "s"),
    ):
        with pytest.raises(Invalid):
            site.admin.upsert(identity)
        with pytest.raises(AppError):
            site.admin.reconcile([identity])


def test_one_device_takes_fifty_milliseconds(site):
    numbers = itertools.count()

    def seconds() -> float:
        start = time.perf_counter()
        site.admin.upsert(site.identity(next(numbers)))
        return time.perf_counter() - start

    until(lambda: seconds() <= 0.05)  # once; the machine may be busy with other things


def test_the_last_of_a_thousand_devices_is_let_in(files):
    devices = [files.identity(number) for number in range(1000)]
    files.admin.upsert(*devices)
    speaker = files.connect(devices[999])
    assert speaker.is_in
    speaker.close()


def test_a_damaged_file_loses_nobody(files):
    first, second = files.identity(1), files.identity(2)
    files.known.append(first)
    files.admin.upsert(first)
    files.lose()
    files.admin.upsert(second)
    for identity in (first, second):
        speaker = files.connect(identity)
        assert speaker.is_in
        speaker.close()


def test_changes_from_many_threads_are_all_kept(files):
    threads = [
        threading.Thread(target=files.admin.upsert, args=(files.identity(number),))
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for number in range(20):
        speaker = files.connect(files.identity(number))
        assert speaker.is_in
        speaker.close()


def test_a_broker_that_is_down_still_learns_by_its_files(files):
    device = files.identity(1)
    files.mosquitto.stop()
    files.admin.upsert(device)
    files.mosquitto.start()
    speaker = files.connect(device)
    assert speaker.is_in
    speaker.close()


def test_a_remote_broker_that_is_down_is_told_as_unavailable(dynsec):
    dynsec.mosquitto.stop()
    with pytest.raises(Unavailable):
        dynsec.admin.upsert(dynsec.identity(1))
    dynsec.mosquitto.start()


def test_a_login_that_may_not_administrate_is_unavailable(dynsec, settings):
    device = dynsec.identity(1)
    dynsec.admin.upsert(device)
    for username, password in (
        ("gatekeeper", "wrong"),
        (device.username, credentials.mqtt_password(dynsec.keys, device.seed)),
    ):
        other = settings.model_copy(
            update={
                "mqtt_host": "127.0.0.1",
                "mqtt_port": dynsec.port,
                "mqtt_username": username,
                "mqtt_password": SecretStr(password),
                "mqtt_admin": "dynsec",
            }
        )
        with pytest.raises(Unavailable):
            broker_admin(other).reconcile(())


def test_files_for_a_broker_that_shares_the_folder_have_the_servers_login(settings):
    foreign = settings.model_copy(
        update={
            "mqtt_host": "broker.example.org",
            "mqtt_username": "gate",
            "mqtt_password": SecretStr("secret"),
        }
    )
    broker_admin(foreign).reconcile(())
    lines = (folder_of(foreign) / "passwords").read_text().splitlines()
    [hashed] = [line.removeprefix("gate:") for line in lines if line.startswith("gate:")]
    assert hashed.startswith("$7$101$")  # a person chose it
    assert credentials.matches("secret", hashed)
    assert not Mosquitto(foreign).reload()


def test_an_account_of_somebody_else_is_not_replaced_by_a_device(dynsec, settings):
    for name in ("watcher", "gatekeeper"):
        device = BrokerIdentity(name, dynsec.identity(1).password_hash, "c1", "seed-1")
        dynsec.admin.reconcile([device, dynsec.identity(2)])
    with pytest.raises(Invalid):
        dynsec.admin.upsert(device)
    for login in (("watcher", "secret"), ("gatekeeper", "secret")):
        speaker = Speaker(dynsec.port, *login)
        assert speaker.is_in
        speaker.close()
    speaker = dynsec.connect(dynsec.identity(2))
    assert speaker.is_in
    speaker.close()
