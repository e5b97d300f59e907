"""Bounds for databases under test."""

from db.telemetry.store import TelemetryStore


def limit(store: TelemetryStore, *, pages: int) -> None:
    """Let the file of a SQLite store grow to so many pages, as if the disk were full then."""
    with store._writer.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={min(pages, 2**31 - 2)}")
