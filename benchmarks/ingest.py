"""Measures the way of a reading: publishers, Mosquitto, listener, store, on this machine.

    .venv/bin/python benchmarks/ingest.py [--rates 1000,10000,25000] [--seconds 30]

Starts a broker and a listener of its own in a temporary folder.  A rate is kept when everything
the broker confirmed is stored at most two seconds after the last message was sent.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402
from flask import Flask  # noqa: E402
from sqlalchemy import create_engine  # noqa: E402

import db.base  # noqa: E402
from benchmarks.figures import Figure  # noqa: E402
from clock import utcnow  # noqa: E402
from config import Settings  # noqa: E402
from db import migrations  # noqa: E402
from db.models import Device  # noqa: E402
from db.telemetry.store import TelemetryStore  # noqa: E402
from devices import credentials  # noqa: E402
from mqtt.brokers import broker_admin  # noqa: E402
from mqtt.bus import MemoryBus  # noqa: E402
from mqtt.ingest import Ingest  # noqa: E402
from mqtt.mosquitto import Mosquitto  # noqa: E402

DEVICES = 100
KEPT_S = 2.0
PASSWORD = "benchmark-only"  # of a broker that lives for a minute on loopback


def settings_in(folder: Path, port: int, database: str) -> Settings:
    """Return the settings of the installation under test."""
    return Settings(
        instance_dir=folder,
        mqtt_port=port,
        device_max_rate=1e6,
        telemetry_database_url=database,
    )


def server_of(settings: Settings) -> Flask:
    """Return a server with both databases."""
    server = Flask("benchmark")
    db.base.init_app(
        server, app_url=settings.app_database, telemetry_url=settings.telemetry_database
    )
    return server


def listen(settings: Settings) -> None:
    """Be the listening process, until it is told to end."""
    server = server_of(settings)
    with server.app_context():
        store = TelemetryStore(db.base.telemetry_engine())
    ingest = Ingest(server, settings, store, MemoryBus())
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ingest.start()
    while not ended.wait(0.2):
        (settings.instance_dir / "health.json").write_text(json.dumps(ingest.health()))
    ingest.stop()
    store.close()


def prepare(settings: Settings) -> list[dict[str, str]]:
    """Make the databases and the devices; return what publishers need to know."""
    server = server_of(settings)
    made = []
    with server.app_context():
        migrations.upgrade("app", db.base.db.engine)
        migrations.upgrade("telemetry", db.base.telemetry_engine())
        with db.base.transaction() as session:
            for number in range(DEVICES):
                made.append(
                    Device(
                        name=f"Device {number}",
                        controller_id=f"device-{number}",
                        mqtt_hash=credentials.mosquitto_hash(PASSWORD),
                        mqtt_seed="",
                        command_seed="",
                        created_at=utcnow(),
                    )
                )
            session.add_all(made)
        broker_admin(settings).upsert(*(credentials.identity(device) for device in made))
        return [
            {
                "topic": f"{settings.mqtt_namespace}/{device.controller_id}",
                "username": device.mqtt_username,
                "password": PASSWORD,
            }
            for device in made
        ]


def cpu_s(pid: int) -> float:
    """Return how many seconds of processor time a process has used."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def measure(
    settings: Settings,
    devices: list[dict[str, str]],
    pids: dict[str, int],
    load: tuple[float, float],
) -> dict[str, Any]:
    """Publish at one rate and wait until everything is stored."""
    rate, seconds = load
    engine = create_engine(settings.telemetry_database)

    def stored() -> int:
        with engine.connect() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM reading").scalar_one())

    before, cpu = stored(), {name: cpu_s(pid) for name, pid in pids.items()}
    command = [sys.executable, str(ROOT / "benchmarks/publisher.py")]
    command += ["--port", str(settings.mqtt_port), "--rate", str(rate), "--seconds", str(seconds)]
    done = subprocess.run(
        command, input=json.dumps(devices), capture_output=True, text=True, check=True
    )
    sent = json.loads(done.stdout)
    ended = last_change = time.monotonic()
    count, drained_s = stored() - before, 0.0
    while count < sent["confirmed"] and time.monotonic() - last_change < 5:
        time.sleep(0.1)
        now = stored() - before
        if now != count:
            count, last_change = now, time.monotonic()
            drained_s = last_change - ended
    engine.dispose()
    per_message = {
        f"{name}_us": round(1e6 * (cpu_s(pid) - cpu[name]) / sent["sent"], 1)
        for name, pid in pids.items()
    }
    return {
        "rate": f"{rate:,.0f}" if rate else "as many as possible",
        **sent,
        "stored": count,
        "lost": sent["confirmed"] - count,
        "drain_s": round(drained_s, 2),
        **per_message,
    }


def free_port() -> int:
    """Return a TCP port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(rates: list[float], seconds: float, database: str) -> list[dict[str, Any]]:
    """Measure each rate with one broker and one listener."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        settings = settings_in(folder, port, database)
        broker = Mosquitto(settings)
        devices = prepare(settings)
        broker.start()
        command = [sys.executable, __file__, "--listen", name, "--port", str(port)]
        listener = subprocess.Popen([*command, "--database", database])
        try:
            _connected(folder)
            pids = {"listener": listener.pid, "broker": int((folder / "broker/pid").read_text())}
            return [measure(settings, devices, pids, (rate, seconds)) for rate in rates]
        finally:
            listener.terminate()
            listener.wait(20)
            broker.stop()


def _connected(folder: Path) -> None:
    until = time.monotonic() + 15
    while time.monotonic() < until:
        try:
            if json.loads((folder / "health.json").read_text())["connected"]:
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.05)
    raise RuntimeError("the listener does not connect")


def figures(
    rates: tuple[float, ...] = (10_000, 25_000), seconds: float = 30, database: str = ""
) -> Iterator[Figure]:
    """Yield for each rate how much was lost, how far behind storing was, and what it cost."""
    for row in run(list(rates), seconds, database):
        what = f"{row['rate']} messages/s for {seconds:.0f} s, QoS 1"
        note = f"{row['sent'] / seconds:,.0f} a second were sent"
        yield Figure(f"{what}: confirmed and lost", row["lost"], "messages", at_most=0, note=note)
        yield Figure(f"{what}: behind at the end", row["drain_s"], "s", at_most=KEPT_S)
        note = f"Mosquitto {row['broker_us']:.0f} µs"
        yield Figure(f"{what}: processor time of listener", row["listener_us"], "µs", note=note)


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", default="1000,10000,25000", help="messages a second; 0: most")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--database", default="", help="of readings, instead of SQLite")
    parser.add_argument("--listen", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.listen:
        listen(settings_in(given.listen, given.port, given.database))
        return
    print(f"{os.cpu_count()} processors, {DEVICES} devices x 2 sensors, QoS 1")
    rates = tuple(float(rate) for rate in given.rates.split(","))
    for figure in figures(rates, given.seconds, given.database):
        print(figure.row(), flush=True)


if __name__ == "__main__":
    main()
