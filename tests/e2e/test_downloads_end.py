"""A download ends in the middle of the file when the right to it ends, whoever takes it."""

import contextlib
import select
import socket
import time

import pytest
import requests

from clock import utcnow
from db.models import DeviceToken, Level, User, UserSession
from devices.file_fetch import RENEW_S
from tests.e2e.outside import Outside, Person, outside
from tests.stack import Stack, until

READINGS = 80_000  # more than all buffers between server and reader hold, in each form
LARGE = 8_000_000  # bytes of a file; as much
SOON_S = 10.0  # 2 s are promised; machines under test may be busy


@pytest.fixture(scope="module")
def inside(house: Stack):
    with outside(house) as made:
        yield made


@pytest.fixture(scope="module")
def tank(inside: Outside) -> str:
    """A device with a long history."""
    return inside.device(READINGS)


class Slow:
    """Somebody who begins a download and reads no further."""

    def __init__(self, house: Stack, path: str, headers: dict[str, str]) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.settimeout(30)
        self.socket.connect(("127.0.0.1", house.port))
        lines = [f"GET {path} HTTP/1.1", f"Host: localhost:{house.port}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self.got = b""
        while b"\r\n\r\n" not in self.got:
            self.got += self.socket.recv(1000)
        assert b" 200 " in self.got.split(b"\r\n")[0], self.got

    def broken(self) -> bool:
        """Whether the server has broken the connection, whatever is still to be read."""
        poll = select.poll()
        poll.register(self.socket, select.POLLRDHUP)
        return bool(poll.poll(0))

    def rest(self) -> bytes:
        """All that still comes."""
        parts = [self.got]
        with contextlib.suppress(ConnectionResetError):
            while part := self.socket.recv(1_000_000):
                parts.append(part)
        return b"".join(parts)


@pytest.fixture
def slow(house: Stack):
    begun: list[Slow] = []

    def begin(path: str, headers: dict[str, str]) -> Slow:
        begun.append(Slow(house, path, headers))
        return begun[-1]

    yield begin
    for one in begun:
        one.socket.close()


def log_out(inside: Outside, person: Person) -> None:
    inside.change(UserSession, person.session_id, revoked_at=utcnow())


def disable(inside: Outside, person: Person) -> None:
    inside.change(User, person.user_id, disabled_at=utcnow())


def revoke(house: Stack, person: Person) -> None:
    body = {"refresh_token": person.program.refresh_token}
    assert requests.post(house.url + "/api/v1/auth/revoke", json=body, timeout=30).ok


PAGE = {
    "csv": "/data/export.csv",
    "gzip": "/data/export.csv?gzip=1",
    "parquet": "/data/export.parquet",
}
REST = "/api/v1/export?from=1970-01-01T00:00:00Z&to=2030-01-01T00:00:00Z"
GZIP = {"Accept-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("form", "end"),
    [
        ("csv", log_out),
        ("gzip", Outside.take_away),
        ("parquet", disable),
    ],
)
def test_a_download_of_the_page_ends_with_the_right(inside, tank, slow, form, end):
    person = inside.person(tank, level=Level.VIEWER)
    download = slow(PAGE[form], person.browser)
    assert not download.broken()

    end(inside, person)

    until(download.broken, SOON_S, "the connection is broken")
    assert not download.rest().endswith(b"0\r\n\r\n")


@pytest.mark.parametrize(
    ("form", "headers", "end"),
    [("csv", {}, "revoke"), ("csv", GZIP, "take_away"), ("parquet", {}, "disable")],
)
def test_a_download_of_a_program_ends_with_the_right(house, inside, tank, slow, form, headers, end):
    person = inside.person(tank, level=Level.VIEWER)
    download = slow(f"{REST}&format={form}", person.rest | headers)
    assert not download.broken()

    {
        "revoke": lambda: revoke(house, person),
        "take_away": lambda: inside.take_away(person),
        "disable": lambda: disable(inside, person),
    }[end]()

    until(download.broken, SOON_S, "the connection is broken")
    assert not download.rest().endswith(b"0\r\n\r\n")


def test_a_download_of_a_device_ends_with_its_token(inside, tank, slow):
    token, header = inside.token(tank)
    query = REST.partition("?")[2]
    path = f"/api/v1/devices/{tank}/readings?sensor=said&format=csv&{query}"
    download = slow(path, header)

    inside.change(DeviceToken, token, revoked_at=utcnow())

    until(download.broken, SOON_S, "the connection is broken")


def test_a_download_ends_when_a_device_in_it_is_deleted_and_no_other_does(inside, tank, slow):
    small = inside.device(1)
    loser, keeper = inside.person(tank, small), inside.person(tank, level=Level.VIEWER)
    download, other = slow(PAGE["csv"], loser.browser), slow(PAGE["csv"], keeper.browser)

    inside.delete(small)

    until(download.broken, SOON_S, "the connection is broken")
    assert not other.broken()
    whole = other.rest()
    assert whole.endswith(b"0\r\n\r\n")
    assert whole.count(b'"said"') >= READINGS - 1000  # some lie across the borders of parts


@pytest.mark.parametrize("channel", ["page", "program"])
def test_a_file_of_a_device_ends_with_the_level_that_it_needs(inside, slow, channel):
    device = inside.device(1)
    file, person = inside.file(device, b"\0" * LARGE), inside.person(device, level=Level.MANAGER)
    path, headers = {
        "page": (f"/data/file?device={device}&file={file}", person.browser),
        "program": (f"/api/v1/files/{file}", person.rest),
    }[channel]
    download = slow(path, headers)
    assert not download.broken()

    inside.lower(person, Level.OPERATOR)

    until(download.broken, SOON_S, "the connection is broken")
    sent = len(download.rest())
    assert sent < LARGE


def test_a_device_that_is_shut_out_gets_no_more_of_a_file(inside, slow):
    device, address = inside.device(1), "a" * 43
    inside.file(device, b"\0" * LARGE, address)
    download = slow(f"/api/v1/transfers/{address}", {})

    inside.shut_out(device)
    time.sleep(RENEW_S)

    sent = len(download.rest())
    assert sent < LARGE
