"""Measures what the others feel while one device floods the broker.

    .venv/bin/python -m benchmarks flood

Broker, listener and store run in this process as in a server, with the default DEVICE_MAX_RATE;
one device publishes a thousand messages a second from a process of its own.
"""

import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import db.base
from benchmarks.figures import Figure, percentile
from benchmarks.ingest import prepare, server_of
from benchmarks.publisher import Connection
from config import Settings
from db.telemetry.store import TelemetryStore
from devices import registry
from devices.ports import LiveEvent
from mqtt.bus import MemoryBus
from mqtt.ingest import Ingest
from mqtt.mosquitto import Mosquitto
from tests.stack import free_port, until

FLOOD = 1000  # messages a second
SECONDS = 10
EVERY_S = 0.02  # of another device
WARM_UP = 50  # messages
MOST_OF_FLOOD = 1.1  # times the limit: what a second has in tokens, and the burst


class Watch:
    """When the readings of another device reached the live bus."""

    def __init__(self, bus: MemoryBus) -> None:
        self.at: dict[float, float] = {}
        self.arrived = threading.Condition()
        bus.subscribe(self._hear)

    def _hear(self, events: Iterable[LiveEvent]) -> None:
        now = time.perf_counter()
        with self.arrived:
            for event in events:
                if event.kind == "reading" and event.data["s"] == "own":
                    self.at[event.data["v"]] = now
            self.arrived.notify_all()


def latencies(watch: Watch, device: dict[str, str], port: int, numbers: range) -> list[float]:
    """Publish a number now and then; return the milliseconds until each was on the bus."""
    connection = Connection(("127.0.0.1", port), device)
    connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sent: dict[float, float] = {}
    for number in numbers:
        sent[float(number)] = time.perf_counter()
        connection.queue("own", round(time.time() * 1000), number)
        connection.flush()
        time.sleep(EVERY_S)
    with watch.arrived:
        watch.arrived.wait_for(lambda: sent.keys() <= watch.at.keys(), timeout=10)
    connection.socket.close()
    return [(watch.at[number] - began) * 1000 for number, began in sent.items()]


def flood(device: dict[str, str], port: int) -> "subprocess.Popen[str]":
    """Begin to publish far too much as one device."""
    command = [sys.executable, str(Path(__file__).with_name("publisher.py"))]
    command += ["--port", str(port), "--rate", str(FLOOD), "--seconds", str(SECONDS)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps([device]))
    process.stdin.close()
    process.stdin = None  # it has all; what follows only waits
    return process


def figures() -> Iterator[Figure]:
    """Measure one device alone, and beside another that floods."""
    with tempfile.TemporaryDirectory() as name:
        settings = Settings(instance_dir=Path(name), mqtt_port=free_port())
        devices = prepare(settings)
        broker = Mosquitto(settings)
        broker.start()
        server = server_of(settings)
        with server.app_context():
            store, bus = TelemetryStore(db.base.telemetry_engine()), MemoryBus()
        ingest = Ingest(server, settings, store, bus)
        ingest.start()
        try:
            until(lambda: ingest.health()["connected"], 20, "the listener is connected")
            yield from _figures(settings, devices, store, Watch(bus), server)
        finally:
            ingest.stop()
            broker.stop()
            store.close()


def _figures(
    settings: Settings,
    devices: list[dict[str, str]],
    store: TelemetryStore,
    watch: Watch,
    server: Any,
) -> Iterator[Figure]:
    port, count = settings.mqtt_port, int(SECONDS / EVERY_S * 0.8)
    latencies(watch, devices[1], port, range(WARM_UP))
    alone = latencies(watch, devices[1], port, range(WARM_UP, WARM_UP + count))
    process = flood(devices[0], port)
    time.sleep(1)  # it is past its burst then
    begin = WARM_UP + count
    beside = latencies(watch, devices[1], port, range(begin, begin + count))
    sent = json.loads(process.communicate(timeout=60)[0])["sent"]
    with server.app_context():
        flooding = registry.by_controller(devices[0]["topic"].rpartition("/")[2])
        assert flooding is not None
        refused = sum(one.count for one in store.refusals(flooding.id) if one.reason == "flood")
    for name, took in (("alone", alone), ("beside a flood", beside)):
        median, p95 = statistics.median(took), percentile(took, 0.95)
        yield Figure(f"publish to live bus, {name}, median", median, "ms", note=f"p95 {p95:.1f} ms")
    ratio = percentile(beside, 0.95) / percentile(alone, 0.95)
    yield Figure("p95 beside a flood / p95 alone", ratio, "", at_most=2)
    limit = settings.device_max_rate
    yield Figure(
        f"taken of {FLOOD} messages a second for {SECONDS} s",
        (sent - refused) / SECONDS,
        "a second",
        at_most=limit * (1 + 5 / SECONDS) * MOST_OF_FLOOD,
        note=f"{refused:,} of {sent:,} refused and counted; the limit is {limit:g} and a burst",
    )
