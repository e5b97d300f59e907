"""Measures what a person feels: start, first page, publish to page, click to device.

    .venv/bin/python benchmarks/live.py [--count 60]

Starts an installation of its own in a temporary folder and a headless Chromium.  Clocks are those
of one machine, so times of different processes compare.  The page is asked every 4 ms, which is
the resolution of "publish to page".
"""

import argparse
import json
import queue
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402
from paho.mqtt.client import Client  # noqa: E402
from playwright.sync_api import Browser, Page, sync_playwright  # noqa: E402

from benchmarks import bare_click  # noqa: E402
from benchmarks.figures import Figure, percentile  # noqa: E402
from tests.browsers import CHROMIUM, PROGRAM  # noqa: E402
from tests.e2e.conftest import sign_up  # noqa: E402
from tests.e2e.devices import create_device  # noqa: E402
from tests.stack import Stack, stack  # noqa: E402

WATCH = """(selector) => {
  window.seenAt = {};
  const look = () => {
    const element = document.querySelector(selector);
    if (element) window.seenAt[element.textContent] ??= Date.now();
  };
  setInterval(look, 4);
}"""
CLICKED = """() => document.addEventListener("click",
  () => { window.clickedAt = performance.timeOrigin + performance.now(); }, true)"""
SLOW = {"offline": False, "latency": 60, "downloadThroughput": 1e6, "uploadThroughput": 5e5}


def figure(what: str, values: list[float], unit: str, at_most: float | None = None) -> Figure:
    """Return the median, with the 95th percentile beside it."""
    note = f"p95 {percentile(values, 0.95):.1f}, {len(values)} runs"
    return Figure(what, statistics.median(values), unit, at_most=at_most, note=note)


def connected(house: Stack, device: dict[str, str]) -> Client:
    """A client that is logged in as a device."""
    return bare_click.connected(house.mqtt_port, device["username"], device["password"])


def publish_to_page(page: Page, client: Client, topic: str, count: int) -> list[float]:
    """Milliseconds from publishing a value until the page shows it."""
    page.evaluate(WATCH, "[data-sensor=temperature]")
    took = []
    for number in range(count):
        value = f"{20 + number / 100 + 0.01:.2f}".rstrip("0")
        began = time.time() * 1000
        client.publish(topic, json.dumps({"temperature": float(value)}), qos=1)
        page.wait_for_function("(text) => window.seenAt[text]", arg=value, timeout=5000)
        took.append(page.evaluate("(text) => window.seenAt[text]", value) - began)
        time.sleep(0.25)
    return took


def click_to_device(page: Page, client: Client, topic: str, count: int) -> list[float]:
    """Milliseconds from the click on Unlock until the device has the message."""
    arrived: queue.Queue[tuple[float, dict[str, Any]]] = queue.Queue()
    client.on_message = lambda _client, _data, message: arrived.put(
        (time.time() * 1000, json.loads(message.payload))
    )
    client.subscribe(topic + "commands", qos=1)
    time.sleep(0.5)
    page.evaluate(CLICKED)
    button = page.locator("[data-command=unlock]").first
    took = []
    for _ in range(count):
        button.click()
        at, command = arrived.get(timeout=5)
        took.append(at - page.evaluate("window.clickedAt"))
        client.publish(topic + "commands/ack", json.dumps({"id": command["id"], "status": "done"}))
        time.sleep(0.4)
    return took


def first_chart(browser: Browser, house: Stack, state: Any, path: str) -> tuple[float, float]:
    """Seconds and kilobytes from a cold cache to a drawn chart, over 8 Mbit/s and 60 ms."""
    context = browser.new_context(base_url=house.url, storage_state=state, locale="en-GB")
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", SLOW)
    received: list[float] = []
    network.on("Network.loadingFinished", lambda e: received.append(e["encodedDataLength"]))
    began = time.monotonic()
    page.goto(path, wait_until="commit")
    page.wait_for_selector(".js-plotly-plot .scatterlayer .trace")
    took = time.monotonic() - began
    time.sleep(1)
    context.close()
    return took, sum(received) / 1000


def memory(process: psutil.Process) -> float:
    """Proportional set size of a process and all below it, in MB."""
    family = [process, *process.children(recursive=True)]
    return float(sum(one.memory_full_info().pss for one in family)) / 1e6


def start(house: Stack, repeat: int) -> list[float]:
    """Milliseconds from the command to the first answered page, with everything installed."""
    took = []
    for _ in range(repeat):
        house.stop()
        began = time.monotonic()
        house.start()
        took.append((time.monotonic() - began) * 1000)
    return took


def figures(count: int = 60) -> Iterator[Figure]:
    """Start an installation and a browser, and yield what was measured."""
    with (
        tempfile.TemporaryDirectory() as folder,
        stack(Path(folder), WEB_THREADS="128") as house,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=CHROMIUM)
        context = browser.new_context(base_url=house.url, locale="en-GB")
        page = context.new_page()
        sign_up(page, house, "bench@example.org")
        sensor = create_device(page, "Sensor", "sensor")
        lock = create_device(page, "Lock", "lock")
        publishing, locking = connected(house, sensor), connected(house, lock)
        topic = f"gatehouse/{sensor['controller_id']}/"
        publishing.publish(topic + "telemetry", '{"temperature": 1.5}', qos=1)
        page.goto("/")
        page.wait_for_selector("[data-sensor=temperature]")
        time.sleep(2)
        took = publish_to_page(page, publishing, topic + "telemetry", count)
        yield figure("publish to text on the page", took, "ms", 10)
        took = click_to_device(page, locking, f"gatehouse/{lock['controller_id']}/", count)
        yield figure("click on *Unlock* to the device's client", took, "ms", 4)
        bare = bare_click.clicks(browser, count)
        yield figure("the same from a bare page, with one row and no question asked", bare, "ms")
        ratio = statistics.median(took) / statistics.median(bare)
        yield Figure("*Unlock* against the bare page", ratio, "times")
        page.get_by_role("region", name="Sensor").get_by_role("link").first.click()
        page.wait_for_selector(".js-plotly-plot")
        state, path = context.storage_state(), page.evaluate("location.pathname")
        cold = [first_chart(browser, house, state, path) for _ in range(5)]
        times = [seconds * 1000 for seconds, _ in cold]
        yield figure("first page with a chart over 4G, nothing cached", times, "ms", 2000)
        yield figure("on the wire for it", [size for _, size in cold], "kB", 800)
        browser.close()
        publishing.loop_stop()
        locking.loop_stop()
        yield figure(
            "start of an installed server to its first answer", start(house, 3), "ms", 4000
        )
        time.sleep(5)
        assert house.process is not None
        used = [memory(psutil.Process(house.process.pid))]
        yield figure("memory of all processes, shared parts counted once, idle", used, "MB", 250)


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60)
    for one in figures(parser.parse_args().count):
        print(one.row(), flush=True)


if __name__ == "__main__":
    main()
