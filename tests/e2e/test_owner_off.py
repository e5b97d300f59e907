"""Switching an account off, on the page and in the shell, ends what its devices do at once."""

import itertools
import threading
import time
from dataclasses import dataclass, field

import pytest
import requests
from bs4 import BeautifulSoup

from db.base import db
from db.models import Device, User
from tests.e2e.outside import Outside, Person, outside
from tests.mqtt.conftest import Speaker
from tests.stack import Stack, stack, until

CUT_S = 2.0


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """An installation of its own: it is restarted."""
    with stack(tmp_path_factory.mktemp("owner-off")) as made:
        yield made


@pytest.fixture(scope="module")
def inside(running: Stack):
    with outside(running) as made:
        yield made


@dataclass
class Thing:
    """A device of somebody, with its credentials."""

    house: Stack
    owner: Person
    made: dict
    speakers: list[Speaker] = field(default_factory=list)

    def connect(self) -> Speaker:
        mqtt = self.made["mqtt"]
        speaker = Speaker(self.house.mqtt_port, mqtt["username"], mqtt["password"])
        self.speakers.append(speaker)
        return speaker

    def post(self, path: str, **body) -> int:
        return requests.post(self.house.url + path, timeout=30, **body).status_code

    def http(self) -> list[int]:
        """What the device gets that shows its token, logs in, and sees its apps."""
        mqtt, token = self.made["mqtt"], {"Authorization": f"Bearer {self.made['token']}"}
        app = {"X-App-Token": f"app-of-{self.made['id']}"}
        vouch = {"app_token": app["X-App-Token"]}
        login = {"name": mqtt["username"], "password": mqtt["password"]}
        return [
            self.post(f"/api/v1/devices/{self.made['id']}/app-tokens", headers=token, json=vouch),
            self.post(f"/api/v1/devices/{self.made['id']}/readings", headers=token, json=1),
            self.post("/device_login", json=login),
            requests.get(f"{self.house.url}/api/v1/discover", headers=app, timeout=30).status_code,
        ]

    def email(self, inside: Outside) -> str:
        with inside.app.app_context():
            return db.session.get_one(User, self.owner.user_id).email


@pytest.fixture
def thing(running: Stack, inside: Outside):
    owner = inside.person()
    answer = requests.post(
        f"{running.url}/api/v1/devices",
        headers=owner.rest,
        json={"name": "Door", "kind": "lock"},
        timeout=30,
    )
    assert answer.status_code == 201, answer.text
    made = Thing(running, owner, answer.json())
    yield made
    for speaker in made.speakers:
        speaker.close()


def on_the_page(house: Stack, inside: Outside, thing: Thing, item: str) -> None:
    """An administrator presses a button below the person."""
    admin = inside.person(role="admin")
    with inside.app.app_context():
        public_id = db.session.get_one(User, thing.owner.user_id).public_id
    path = f"{house.url}/admin/users/{public_id}"
    with requests.Session() as browser:
        browser.headers["Cookie"] = admin.browser["Cookie"]
        shown = browser.get(path, timeout=30)
        token = BeautifulSoup(shown.text, "html.parser").select_one("[name=csrf_token]")["value"]
        cookie = "; ".join(f"{one.name}={one.value}" for one in shown.cookies)
        browser.headers["Cookie"] += f"; {cookie}"
        answer = browser.post(f"{path}/do", data={"item": item, "csrf_token": token}, timeout=30)
        assert answer.status_code == 200, answer.text


def in_the_shell(house: Stack, inside: Outside, thing: Thing, item: str) -> None:
    done = house.flask("users", item, thing.email(inside))
    assert done.returncode == 0, done.stderr


def stored(inside: Outside, thing: Thing) -> float:
    """The newest value that the store has of the device's sensor."""
    with inside.app.app_context():
        device = db.session.query(Device).filter_by(public_id=thing.made["id"]).one()
        series = inside.store.series([device.id]).get(device.id, [])
        found = inside.store.newest([one.id for one in series])
        return max((one.value for one in found.values()), default=0)


@pytest.mark.parametrize("switch", [on_the_page, in_the_shell])
def test_its_devices_are_cut_off_and_come_back(running, inside, thing, switch):
    live = thing.connect()
    assert live.is_in
    assert thing.http() == [201, 202, 200, 200]
    live = thing.connect() if live.ended.is_set() else live

    switch(running, inside, thing, "disable")

    assert live.ended.wait(CUT_S)
    assert not thing.connect().is_in
    assert thing.http() == [401, 401, 401, 401]

    switch(running, inside, thing, "enable")

    assert thing.connect().is_in
    assert thing.http() == [201, 202, 200, 200]


def test_readings_that_come_while_it_is_cut_off_trouble_nobody(running, inside, thing):
    """What the broker took is stored, and after the cut nothing more comes."""
    live, taken, ends = thing.connect(), itertools.count(1), threading.Event()
    topic, last = f"{thing.made['mqtt']['topics']['telemetry']}/n", 0

    def talk() -> None:
        nonlocal last
        while not ends.is_set() and live.is_in:
            number = next(taken)
            live.publish(topic, str(number))
            if live.is_in:
                last = number
            ends.wait(0.02)  # oftener than 100 times a second would be a flood

    thread = threading.Thread(target=talk)
    thread.start()
    until(lambda: last >= 20, what="readings")
    in_the_shell(running, inside, thing, "disable")
    assert live.ended.wait(CUT_S)
    ends.set()
    thread.join(20)

    until(lambda: stored(inside, thing) >= last, what="the last reading that the broker took")
    before = stored(inside, thing)
    time.sleep(1)
    assert stored(inside, thing) == before
    assert before <= last + 1
    assert "Traceback" not in running.log()


def test_they_stay_out_when_the_server_is_started_again(running, inside, thing):
    assert thing.connect().is_in
    running.stop()
    in_the_shell(running, inside, thing, "disable")
    for name in ("passwords", "acl"):
        (running.instance / "broker" / name).unlink()
    running.start()
    assert not thing.connect().is_in
    assert thing.http() == [401, 401, 401, 401]
    in_the_shell(running, inside, thing, "enable")
    assert thing.connect().is_in
