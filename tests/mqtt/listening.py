"""A listening process of its own, to be killed: python -m tests.mqtt.listening FOLDER PORT [when].

`when` is "never" (run until killed) or "stored" (die between the commit and the acknowledgement).
"""

import os
import sys
import threading
from pathlib import Path

from flask import Flask

import db.base
from config import Settings
from db.telemetry.records import Batch, Written
from db.telemetry.store import TelemetryStore
from mqtt.bus import MemoryBus
from mqtt.ingest import Ingest
from tests.stack import until


class Mortal(TelemetryStore):
    """Ends the process once readings are stored."""

    def write(self, batch: Batch) -> Written:
        written = super().write(batch)
        if batch.values:
            os._exit(9)
        return written


def main(folder: str, port: str, when: str) -> None:
    """Listen until killed."""
    settings = Settings(instance_dir=Path(folder), mqtt_port=int(port), device_max_rate=10_000)
    server = Flask("gatehouse")
    db.base.init_app(
        server, app_url=settings.app_database, telemetry_url=settings.telemetry_database
    )
    with server.app_context():
        engine = db.base.telemetry_engine()
    store = Mortal(engine) if when == "stored" else TelemetryStore(engine)
    ingest = Ingest(server, settings, store, MemoryBus())
    ingest.start()
    until(lambda: ingest.health()["connected"], 20)
    print("connected", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
