"""Measures how soon a guest sees the page of a door on a slow phone network.

    .venv/bin/python benchmarks/guest_page.py [--count 10]

Chromium's network is throttled to 400 kbit/s with 400 ms there and back, as "slow 3G" is usually
understood.  That latency, which no page can shorten, is taken off the time of the first paint.
"""

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from playwright.sync_api import Browser, sync_playwright  # noqa: E402

import wiring  # noqa: E402
from benchmarks.figures import Figure  # noqa: E402
from clock import utcnow  # noqa: E402
from db.base import db  # noqa: E402
from db.models import Device, User  # noqa: E402
from devices import guests  # noqa: E402
from devices.guest_terms import Terms  # noqa: E402
from tests.browsers import CHROMIUM, PROGRAM  # noqa: E402
from tests.portal import Portal, make  # noqa: E402

LATENCY_MS = 400
SLOW = {
    "offline": False,
    "latency": LATENCY_MS,
    "downloadThroughput": 50_000,
    "uploadThroughput": 50_000,
}
TIMES = """() => {
  const paint = performance.getEntriesByName("first-paint")[0];
  const page = performance.getEntriesByType("navigation")[0];
  return paint && [paint.startTime - page.requestStart, page.transferSize];
}"""


def link(portal: Portal) -> str:
    """Return the path of a page with a PIN and a number of uses."""
    host = portal.person("host@example.org")
    assert host.user
    door = portal.device(host, "Room 1", "lock")
    now = utcnow()
    with portal.server.app_context():
        _, url = guests.create(
            db.session.get_one(Device, door.id),
            Terms("Mia", now, now + timedelta(days=1), "UTC", max_uses=3, pin="4711"),
            by=db.session.get_one(User, host.user.id),
            keys=wiring.current().keys,
            url="",
            now=now,
            address="",
        )
    return url


def measure(browser: Browser, address: str) -> tuple[float, float]:
    """Open the page in a fresh browser: ms until the first paint without latency, bytes."""
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW)
    page.goto(address)
    page.wait_for_function(f"{TIMES}")
    painted, size = page.evaluate(TIMES)
    context.close()
    return painted - LATENCY_MS, size


def figures(count: int = 10) -> Iterator[Figure]:
    """Open the page so often and give medians."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        portal = make(Path(folder))
        address = link(portal)
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=CHROMIUM)
        with portal.served() as url:
            found = [measure(browser, url + address) for _ in range(count)]
        browser.close()
    painted, sizes = (list(values) for values in zip(*found, strict=True))
    yield Figure(
        "guest page on slow 3G: first paint after the network's latency",
        statistics.median(painted),
        "ms",
        at_most=300,
        note=f"{min(painted):.0f} to {max(painted):.0f} ms",
    )
    yield Figure("guest page on the wire", max(sizes), "bytes", at_most=30_000)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10, help="how often to open the page")
    for figure in figures(**vars(parser.parse_args())):
        print(figure.row(), flush=True)


if __name__ == "__main__":
    main()
