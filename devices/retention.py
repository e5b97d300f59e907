"""Keeps history small: packs what is no longer fresh, and forgets what a device may not keep."""

from datetime import datetime, timedelta

from sqlalchemy import select

from clock import to_ms
from db.base import db
from db.models import Device
from db.telemetry.store import TelemetryStore

FRESH = timedelta(hours=6)  # these readings stay as rows: they are asked for all the time
FEW_FOR = timedelta(days=7)  # how long fewer than a full chunk may stay as rows


def tidy(store: TelemetryStore, *, now: datetime) -> int:
    """Pack old readings and forget what is past a device's time; return how many were packed.

    May be interrupted and called again at any moment.

    Raises:
        Unavailable: the store cannot be reached or written just now.
    """
    # first: what this run takes out of a table may still be asked for by who began before it
    store.keep_months(to_ms(now))
    packed = store.seal(before_ms=to_ms(now - FRESH), anyway_ms=to_ms(now - FEW_FOR))
    limited = select(Device.id, Device.retention_days).where(Device.retention_days.is_not(None))
    limits = {device_id: days for device_id, days in db.session.execute(limited) if days}
    db.session.rollback()
    for device_id, series in store.series(limits).items():
        before_ms = to_ms(now - timedelta(days=limits[device_id]))
        for one in series:
            if one.kind == "text":
                store.drop_texts(one.id, before_ms=before_ms)
            else:
                store.drop_readings(one.id, before_ms=before_ms)
    return packed
