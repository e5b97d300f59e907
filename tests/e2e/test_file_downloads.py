"""Whatever becomes of a server or a reader, a file's download is not blocked for long."""

import contextlib
import secrets
import subprocess
import time

import pytest
import requests
from urllib3.exceptions import ProtocolError

from tests.e2e.outside import outside
from tests.stack import Stack, until

LARGE = secrets.token_bytes(8_000_000)  # more than all buffers between server and reader hold
BLOCKED_S = 30.0  # ten seconds are promised; machines under test may be busy


@pytest.fixture
def address(house: Stack):
    """Where a device fetches LARGE."""
    with outside(house) as inside:
        token = secrets.token_urlsafe(32)
        inside.file(inside.device(0), LARGE, token)
    return f"{house.url}/api/v1/transfers/{token}"


@contextlib.contextmanager
def reading(address: str):
    """Somebody who has read the first bytes of a download and reads no further."""
    with requests.get(address, stream=True, timeout=30) as answer:
        assert answer.status_code == 200
        assert LARGE.startswith(answer.raw.read(1000))
        yield answer


def fetched(address: str) -> bool:
    """Whether a download from the first byte on was possible, and was whole."""
    answer = requests.get(address, timeout=60)
    if answer.status_code == 200:
        assert answer.content == LARGE
        return True
    assert answer.status_code in {429, 502, 503}
    return False


def tries(address: str) -> bool:
    try:
        return fetched(address)
    except requests.ConnectionError:  # the server is not back yet
        return False


def test_a_reader_who_hangs_up_blocks_nobody(address: str):
    with reading(address):
        assert not fetched(address)
    until(lambda: fetched(address), BLOCKED_S)


def test_a_reader_who_stands_still_blocks_nobody_for_long(address: str):
    with reading(address) as stalled:
        began = time.monotonic()
        assert not fetched(address)
        until(lambda: fetched(address), BLOCKED_S)
        assert time.monotonic() - began > 5
        with pytest.raises(ProtocolError):  # its own ends before the last byte
            stalled.raw.read()


def test_a_server_killed_in_the_middle_blocks_nobody_for_long(house: Stack, address: str):
    with reading(address):
        found = subprocess.run(
            ["pgrep", "-P", str(house.process.pid), "-f", "gunicorn"],
            capture_output=True,
            text=True,
        )
        [server] = found.stdout.split()
        found = subprocess.run(["pgrep", "-P", server], capture_output=True, text=True)
        subprocess.run(["kill", "-9", *found.stdout.split()], check=True)
    until(lambda: tries(address), BLOCKED_S)
