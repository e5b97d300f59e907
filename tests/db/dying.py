"""A process that packs and forgets, and is killed at a given step of it."""

import os
import signal
from typing import Any

from sqlalchemy import Engine, create_engine, event

from db.base import tune
from db.telemetry import history, sealing
from db.telemetry.engines import PostgresLink
from db.telemetry.store import TelemetryStore

FULL = 40  # readings a chunk here, so that little data has many steps


def make_small(patch: Any = setattr) -> None:
    """Let chunks be small."""
    patch(sealing, "FULL", FULL)
    patch(sealing, "SLICE", 3 * FULL)
    patch(history, "FULL", FULL)
    patch(PostgresLink, "slices", 1)


def tidy(store: TelemetryStore, series_id: int, before_ms: int, forget_ms: int) -> None:
    """Do what housekeeping does."""
    store.seal(before_ms=before_ms, anyway_ms=0, series_id=series_id)
    store.drop_readings(series_id, before_ms=forget_ms)


def die(url: str, at: int, *work: int) -> None:
    """Tidy up, and be killed before statement or commit number `at`."""
    make_small()
    steps = 0

    def step(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == at:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", step)
    event.listen(Engine, "commit", step)
    engine = create_engine(url)
    tune(engine)
    tidy(TelemetryStore(engine), *work)
