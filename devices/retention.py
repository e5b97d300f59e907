"""Keeps history small: packs what is no longer fresh, and forgets what a device may not keep."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select

from clock import to_ms
from db.base import db
from db.models import Device
from db.telemetry.store import TelemetryStore
from devices import fields

FRESH = timedelta(hours=2)  # these readings stay as rows: the next to come late belong there
FEW_FOR = timedelta(days=7)  # how long fewer than a full chunk may stay as rows
LOGS_FOR = timedelta(days=90)  # what a device wrote into its log, ...
LOG_LINES = 10_000  # ... and not more of it than this: some devices never stop talking
KEPT = select(Device.id, Device.retention_days)


def tidy(store: TelemetryStore, *, now: datetime, default_days: int | None) -> int:
    """Pack old readings and forget what is past a device's time; return how many were packed.

    May be interrupted and called again at any moment.

    Args:
        store: where the readings are.
        now: when.
        default_days: for how many days readings are kept of devices that do not say; None: for
            ever.

    Raises:
        Unavailable: the store cannot be reached or written just now.
    """
    # first: what this run takes out of a table may still be asked for by who began before it
    store.keep_months(to_ms(now))
    packed = store.seal(before_ms=to_ms(now - FRESH), anyway_ms=to_ms(now - FEW_FOR))
    kept = {
        row.id: fields.kept_days(row.retention_days, default_days)
        for row in db.session.execute(KEPT)
    }
    db.session.rollback()
    _tidy_logs(store, kept, now)
    _tidy_readings(store, {device_id: days for device_id, days in kept.items() if days}, now)
    return packed


def _tidy_logs(store: TelemetryStore, kept: Mapping[int, int | None], now: datetime) -> None:
    for device_id, days in kept.items():
        kept_for = min(LOGS_FOR, timedelta(days=days)) if days else LOGS_FOR
        store.drop_logs(device_id, before_ms=to_ms(now - kept_for), most=LOG_LINES)


def _tidy_readings(store: TelemetryStore, kept: Mapping[int, int], now: datetime) -> None:
    for device_id, series in store.series(kept).items():
        before_ms = to_ms(now - timedelta(days=kept[device_id]))
        for one in series:
            if one.kind == "text":
                store.drop_texts(one.id, before_ms=before_ms)
            else:
                store.drop_readings(one.id, before_ms=before_ms)
