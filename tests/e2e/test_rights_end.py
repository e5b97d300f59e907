"""What somebody could do a moment ago is refused everywhere, soon after the right has ended."""

import secrets
from dataclasses import dataclass

import pytest
import requests

from clock import utcnow
from db.models import User
from tests.dashboard.watching import Watching
from tests.e2e.outside import Outside, Person, outside
from tests.stack import Stack, until

SOON_S = 10.0  # 2 s are promised; machines under test may be busy


@pytest.fixture(scope="module")
def inside(house: Stack):
    with outside(house) as made:
        yield made


@pytest.fixture
def door(inside: Outside) -> str:
    return inside.device(0)


@dataclass
class Calls:
    """Somebody's browser and program, and what they get."""

    house: Stack
    person: Person
    device: str

    def page(self) -> int:
        """What the scripts of a device's page get."""
        path = f"/data/export.csv?device={self.device}"
        return self._call("GET", path, self.person.browser)

    def press(self) -> int:
        """What a button on the page gets."""
        with requests.Session() as browser:
            browser.headers.update(self.person.browser)
            index = browser.get(self.house.url + "/", timeout=30)
            token = index.cookies.get("_csrf_token", "")
            headers = {"X-CSRFToken": token, "Cookie": self._cookies(index)}
            body = {"name": "unlock", "key": secrets.token_hex(16)}
            path = f"/devices/{self.device}/commands"
            return self._call("POST", path, headers, json=body)

    def rest(self) -> int:
        return self._call("GET", f"/api/v1/devices/{self.device}", self.person.rest)

    def command(self) -> int:
        path = f"/api/v1/devices/{self.device}/commands"
        return self._call("POST", path, self.person.rest, json={"name": "unlock"})

    def all(self) -> list[int]:
        return [self.page(), self.press(), self.rest(), self.command()]

    def _cookies(self, index: requests.Response) -> str:
        given = [f"{one.name}={one.value}" for one in index.cookies]
        return "; ".join([self.person.browser["Cookie"], *given])

    def _call(self, method: str, path: str, headers: dict[str, str], **body) -> int:
        return requests.request(
            method,
            self.house.url + path,
            headers=headers,
            allow_redirects=False,
            timeout=30,
            **body,
        ).status_code


def call(house: Stack, person: Person, method: str, path: str, **body) -> requests.Response:
    answer = requests.request(
        method, f"{house.url}/api/v1{path}", headers=person.rest, timeout=30, **body
    )
    assert answer.ok, answer.text
    return answer


def says(house: Stack, owner: Person, device: str, value: float) -> None:
    """Let a device say a number."""
    call(house, owner, "POST", f"/devices/{device}/readings", json=value)


def hears(stream: Watching, value: float) -> bool:
    return value in stream.values()


def test_a_disabled_person_is_refused_everywhere(house, inside, door):
    person = inside.person(door)
    calls, stream = Calls(house, person, door), Watching(house.url, person.cookie)
    assert calls.all() == [200, 202, 200, 202]
    says(house, person, door, 1.5)
    until(lambda: hears(stream, 1.5), SOON_S, "the stream hears the door")

    inside.change(User, person.user_id, disabled_at=utcnow())

    until(lambda: calls.all() == [401, 401, 401, 401], SOON_S, "all is refused")
    assert stream.until("bye", SOON_S).data == {"why": "session"}
    stream.close()


def test_an_engineer_is_refused_everywhere_when_the_token_is_revoked(house, inside, door):
    owner, engineer = inside.person(door), inside.person()
    terms = {"level": "operator", "label": "hinges", "max_uses": 1}
    made = call(house, owner, "POST", f"/devices/{door}/share-tokens", json=terms).json()
    call(house, engineer, "POST", "/share-tokens/redeem", json={"token": made["token"]})
    calls, stream = Calls(house, engineer, door), Watching(house.url, engineer.cookie)
    assert calls.all() == [200, 202, 200, 202]

    call(house, owner, "DELETE", f"/devices/{door}/share-tokens/{made['id']}")

    until(lambda: calls.all() == [404, 404, 404, 404], SOON_S, "all is refused")
    stream.until("device", SOON_S)
    other = Watching(house.url, owner.cookie)
    says(house, owner, door, 2.5)
    until(lambda: hears(other, 2.5), SOON_S, "the owner hears the door")
    assert not hears(stream, 2.5)
    assert not stream.ended
    for one in (stream, other):
        one.close()


def test_an_app_is_refused_everywhere_when_its_token_is_revoked(house, inside, door):
    owner = inside.person(door)
    _row, device = inside.token(door)
    app = {"X-App-Token": secrets.token_hex(16)}
    vouched = requests.post(
        f"{house.url}/api/v1/devices/{door}/app-tokens",
        headers=device,
        json={"app_token": app["X-App-Token"], "level": "operator"},
        timeout=30,
    ).json()

    def all_calls() -> list[int]:
        base = house.url + "/api/v1/discover"
        body = {"name": "unlock"}
        return [
            requests.get(base, headers=app, timeout=30).status_code,
            requests.get(f"{base}/{door}/sensors", headers=app, timeout=30).status_code,
            requests.post(
                f"{base}/{door}/commands", headers=app, json=body, timeout=30
            ).status_code,
        ]

    assert all_calls() == [200, 200, 202]

    call(house, owner, "DELETE", f"/devices/{door}/app-tokens/{vouched['id']}")

    until(lambda: all_calls() == [401, 404, 404], SOON_S, "all is refused")
