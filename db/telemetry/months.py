"""Keeps the hot readings of PostgreSQL in one table a month, made ahead and dropped when empty.

What falls into no month, because it is years old or nobody made the month in time, is kept in
`reading_rest`: no reading is ever refused for want of a month.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy.exc import OperationalError

from clock import from_ms, to_ms
from db.telemetry.engines import Link

AHEAD = 2  # months made before they begin
REST = "reading_rest"  # what is in no month
NAME = re.compile(r"reading_(\d{4})_(\d{2})")
LOCK_MS = 2000  # how long housekeeping waits for a lock: who waits behind it waits as long
BUSY = {"55P03", "40P01"}  # SQLSTATE: no lock in time, a deadlock


class Month(NamedTuple):
    """A calendar month, UTC."""

    year: int
    month: int

    @property
    def name(self) -> str:
        """The name of its table."""
        return f"reading_{self.year:04d}_{self.month:02d}"

    @property
    def start_ms(self) -> int:
        """When it begins."""
        return to_ms(datetime(self.year, self.month, 1, tzinfo=UTC))

    def next(self) -> "Month":
        """Return the month after it."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)


def missing(link: Link, now_ms: int) -> list[Month]:
    """Return which months, from this one on, have no table yet."""
    there = set(_tables(link))
    now = from_ms(now_ms)
    month, wanted = Month(now.year, now.month), []
    for _ in range(AHEAD + 1):
        wanted.append(month)
        month = month.next()
    return [one for one in wanted if one not in there]


def over(link: Link, now_ms: int) -> list[Month]:
    """Return which months with a table have ended and have no readings any more."""
    ended = [month for month in _tables(link) if month.next().start_ms <= now_ms]
    return [month for month in ended if _is_empty(link, month)]


def make(link: Link, month: Month) -> bool:
    """Make the table of a month, and take readings into it that came before there was one.

    Returns whether it was possible now: a table that others use is left for the next time.
    """
    bounds = month.start_ms, month.next().start_ms
    inside = f"FROM {REST} WHERE ts >= {bounds[0]} AND ts < {bounds[1]}"
    if not _unless_busy(link, f"LOCK TABLE {REST} IN ACCESS EXCLUSIVE MODE"):
        return False
    if month in _tables(link):  # another process was quicker
        return True
    return _unless_busy(
        link,
        f"CREATE TABLE {month.name} (LIKE {REST} INCLUDING ALL)",
        f"INSERT INTO {month.name} SELECT * {inside}",
        f"DELETE {inside}",
        f"ALTER TABLE reading ATTACH PARTITION {month.name}"
        f" FOR VALUES FROM ({bounds[0]}) TO ({bounds[1]})",
    )


def drop(link: Link, month: Month) -> bool:
    """Drop the table of a month if it is still empty; return whether that was possible now."""
    if not _unless_busy(link, "LOCK TABLE ONLY reading IN ACCESS EXCLUSIVE MODE"):
        return False
    if month not in _tables(link) or not _is_empty(link, month):
        return False
    return _unless_busy(link, f"DROP TABLE {month.name}")


def _tables(link: Link) -> Iterator[Month]:
    for (name,) in link.rows(
        "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
        " WHERE inhparent = 'reading'::regclass"
    ):
        if found := NAME.fullmatch(name):
            yield Month(int(found[1]), int(found[2]))


def _is_empty(link: Link, month: Month) -> bool:
    return not link.rows(f"SELECT 1 FROM {month.name} LIMIT 1")


def _unless_busy(link: Link, *statements: str) -> bool:
    """Run all or none of these; return whether the locks for it were to be had."""
    try:
        with link.connection.begin_nested():
            link.run(f"SET LOCAL lock_timeout = {LOCK_MS}")
            for statement in statements:
                link.run(statement)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) in BUSY:
            return False
        raise
    return True
