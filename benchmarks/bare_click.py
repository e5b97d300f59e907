"""The least that a click costs with these parts, to compare the product with.

A page with nothing but a button, the same web server, a function that writes one row and sends
one message, and a broker that asks nobody.  Nothing is checked, nobody is asked who they are.
"""

import contextlib
import os
import queue
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser, Error, Page

from tests.stack import free_port, until

ROOT = Path(__file__).resolve().parent.parent
TOPIC = "bare/commands"
PAGE = b"""<!doctype html><title>Bare</title><button>Unlock</button><script>
document.querySelector("button").onclick = () => {
  window.clickedAt = performance.timeOrigin + performance.now();
  fetch("/", {method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"});
};</script>"""


def application(environ: dict[str, Any], begin: Callable[..., Any]) -> Iterable[bytes]:
    """Answer the page, or write a row and send a message; for gunicorn."""
    rows, client = _database(), _client()
    if environ["REQUEST_METHOD"] == "POST":
        environ["wsgi.input"].read()
        rows.execute("INSERT INTO command (at) VALUES (?)", (time.time(),))
        client.publish(TOPIC, b"{}", qos=1)
        body = b"{}"
    else:
        body = PAGE
    begin("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
    return [body]


@cache
def _database() -> sqlite3.Connection:
    made = sqlite3.connect(
        os.environ["BARE_DATABASE"], isolation_level=None, check_same_thread=False
    )
    made.execute("PRAGMA journal_mode=WAL")
    made.execute("PRAGMA synchronous=NORMAL")
    made.execute("CREATE TABLE IF NOT EXISTS command (id INTEGER PRIMARY KEY, at REAL)")
    return made


@cache
def _client() -> Client:
    return connected(int(os.environ["BARE_MQTT_PORT"]))


def connected(port: int, username: str = "", password: str = "") -> Client:
    """Return a client of a broker on this machine, logged in if it has a name."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=username)
    if username:
        client.username_pw_set(username, password)
    client.connect("127.0.0.1", port)
    client.loop_start()
    until(client.is_connected)
    return client


@contextlib.contextmanager
def served() -> Iterator[tuple[str, int]]:
    """Run broker and web server; gives the address of the page and the broker's port."""
    with tempfile.TemporaryDirectory() as folder:
        port, mqtt_port = free_port(), free_port()
        config = Path(folder, "mosquitto.conf")
        config.write_text(
            f"listener {mqtt_port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
        )
        env = os.environ | {
            "BARE_DATABASE": str(Path(folder, "rows.sqlite")),
            "BARE_MQTT_PORT": str(mqtt_port),
        }
        web = [sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", "128"]
        web += ["--no-control-socket", "--keep-alive", "30", "--log-level", "error"]
        web += ["-b", f"127.0.0.1:{port}", "benchmarks.bare_click:application"]
        running = [
            subprocess.Popen(["/usr/sbin/mosquitto", "-c", config], stderr=subprocess.DEVNULL),
            subprocess.Popen(web, env=env, cwd=ROOT),
        ]
        try:
            yield f"http://127.0.0.1:{port}/", mqtt_port
        finally:
            for process in reversed(running):
                process.terminate()
                process.wait()


def clicks(browser: Browser, count: int) -> list[float]:
    """Milliseconds from each click to the message at a subscriber."""
    took: list[float] = []
    arrived: queue.Queue[float] = queue.Queue()
    with served() as (address, mqtt_port):
        page = browser.new_page()
        until(lambda: _opened(page, address))
        device = connected(mqtt_port)
        device.on_message = lambda *_: arrived.put(time.time() * 1000)
        device.subscribe(TOPIC, qos=1)
        time.sleep(1)
        for _ in range(count):
            page.locator("button").click()
            took.append(arrived.get(timeout=5) - page.evaluate("window.clickedAt"))
            time.sleep(0.3)
        page.close()
        device.disconnect()
        device.loop_stop()
    return took


def _opened(page: Page, address: str) -> bool:
    with contextlib.suppress(Error):
        page.goto(address)
        return True
    return False
