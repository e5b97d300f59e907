"""CSV: read again by the standard library, byte for byte what was stored."""

import contextlib
import csv
import gzip
import io
import threading
import time
import tracemalloc
from datetime import UTC, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import db.base
from auth.watch import Proof
from clock import utcnow
from db.models import Device
from db.telemetry.records import Batch, Series
from db.telemetry.store import TelemetryStore
from devices import csv_style, downloads, export, reading_pages
from devices.csv_style import Style
from devices.downloads import Downloads, Reader
from devices.export import Column
from devices.reading_pages import Extent
from errors import TooMany, Unavailable

T0 = 1_767_225_600_000  # 2026-01-01T00:00:00Z
FOREVER = 4_102_444_800_000
NASTY = ["=1+1", "@a", "a,b", 'q"q', "l\nf", "c\rr", "+1", "-5.2", "\tx", " =1", "＝1", "'", "ä €"]


@pytest.fixture
def store(context: Flask):
    store = TelemetryStore(db.base.telemetry_engine())
    yield store
    store.close()


def numbers(store: TelemetryStore, name: str, values: dict[int, float], **kind) -> Series:
    """A sensor of device 1 with values at ms after T0."""
    series = store.add_series(1, name, kind.pop("kind", "number"), kind.pop("unit", ""))
    store.write(Batch(values=[(series.id, T0 + ms, value) for ms, value in values.items()]))
    return series


def document(store, columns, start=T0, end=FOREVER, layout="long") -> bytes:
    return b"".join(export.csv_rows(store, columns, Extent(start, end), layout))


def table(document: bytes) -> list[list[str]]:
    """What the csv module reads; it must be strict RFC 4180."""
    assert document.endswith(b"\r\n")
    return list(csv.reader(io.StringIO(document.decode(), newline=""), strict=True))


def test_long_is_one_line_a_reading_with_times_in_utc(store):
    series = numbers(
        store, "temperature", {0: 21.5, 1: -5.2, 999: 1e-7, 86_399_001: 3.0}, unit="°C"
    )

    lines = document(store, [Column("House", series)]).decode().split("\r\n")

    assert lines == [
        "time,device,sensor,value,unit",
        '2026-01-01T00:00:00.000Z,"House","temperature",21.5,"°C"',
        '2026-01-01T00:00:00.001Z,"House","temperature",-5.2,"°C"',
        '2026-01-01T00:00:00.999Z,"House","temperature",1e-7,"°C"',
        '2026-01-01T23:59:59.001Z,"House","temperature",3,"°C"',
        "",
    ]


def test_the_range_is_half_open(store):
    series = numbers(store, "n", {0: 1.0, 10: 2.0, 20: 3.0})

    rows = table(document(store, [Column("d", series)], T0, T0 + 20))

    assert [row[3] for row in rows[1:]] == ["1", "2"]


def test_names_that_a_spreadsheet_would_carry_out_are_defused_and_numbers_are_not(store):
    columns = [
        Column(name, numbers(store, f"s{number}", {number: -5.2}))
        for number, name in enumerate(NASTY)
    ]

    rows = table(document(store, columns))

    assert len(rows) == 1 + len(NASTY)
    for name, row in zip(NASTY, rows[1:], strict=True):
        harmless = name in {"a,b", 'q"q', "l\nf", "c\rr", "'", "ä €"}
        assert row[1] == (name if harmless else "'" + name)
        assert row[3] == "-5.2"


def test_texts_are_quoted_and_defused(store):
    series = store.add_series(1, "state", "text")
    texts = ["open", "=HYPERLINK(1)", 'say "hi"', "two\r\nlines", ""]
    store.write(Batch(texts=[(series.id, T0 + n, text) for n, text in enumerate(texts)]))

    rows = table(document(store, [Column("d", series)]))

    assert [row[3] for row in rows[1:]] == ["open", "'=HYPERLINK(1)", *texts[2:]]


def test_wide_has_one_line_a_time_and_one_column_a_sensor(store):
    columns = [
        Column("House", numbers(store, "t", {0: 1.0, 10: 2.0, 30: 4.0}, unit="°C")),
        Column("=House", numbers(store, "door", {10: 1.0, 20: 0.0}, kind="state")),
        Column("House", numbers(store, "none", {})),
    ]

    rows = table(document(store, columns, layout="wide"))

    assert rows == [
        ["time", "House / t (°C)", "'=House / door", "House / none"],
        ["2026-01-01T00:00:00.000Z", "1", "", ""],
        ["2026-01-01T00:00:00.010Z", "2", "on", ""],
        ["2026-01-01T00:00:00.020Z", "", "off", ""],
        ["2026-01-01T00:00:00.030Z", "4", "", ""],
    ]


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_pages_join_without_a_seam(store, layout, monkeypatch):
    monkeypatch.setattr(reading_pages, "PAGE", 300)
    monkeypatch.setattr(reading_pages, "TEXTS", 70)
    monkeypatch.setattr(reading_pages, "HELD", 600)
    monkeypatch.setattr(csv_style, "HELD", 9000)
    columns = [
        Column("d", numbers(store, f"s{step}", {ms: float(ms) for ms in range(0, 3000, step)}))
        for step in (1, 2, 7)
    ]
    text_series = store.add_series(1, "words", "text")
    store.write(Batch(texts=[(text_series.id, T0 + ms, str(ms)) for ms in range(0, 3000, 5)]))

    rows = table(document(store, [*columns, Column("d", text_series)], layout=layout))

    if layout == "long":
        assert len(rows) == 1 + 3000 + 1500 + 429 + 600
        return
    assert len(rows) == 1 + 3000
    for ms, row in enumerate(rows[1:]):
        assert row[1:] == [str(ms) if ms % step == 0 else "" for step in (1, 2, 7, 5)]


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_nothing_is_a_head_without_rows(store, layout):
    assert len(table(document(store, [], layout=layout))) == 1


def test_a_small_part_is_held_however_long_the_range(store):
    series = numbers(store, "s", dict.fromkeys(range(50000), 0.5))

    parts = export.csv_rows(store, [Column("d", series)], Extent(T0, FOREVER))
    sizes = [len(part) for part in parts]

    assert len(sizes) >= 3
    assert max(sizes) < 2_000_000


class Endless:
    """A store that has always more."""

    def __init__(self):
        self.read = 0
        self.closed = False
        self.random = np.random.default_rng(1)

    def pages(self, series_id, start_ms, end_ms, *, size):
        try:
            while True:
                self.read += size
                yield start_ms + self.read + np.arange(size), self.random.random(size)
        finally:
            self.closed = True


@pytest.mark.parametrize("layout", ["long", "wide"])
def test_memory_stays_flat_and_a_closed_download_ends(layout):
    endless = Endless()
    columns = [Column("d", Series(1, 1, "s", "number"))]
    parts = export.gzipped(export.csv_rows(endless, columns, Extent(T0, FOREVER), layout))
    for _ in range(10):
        next(parts)
    tracemalloc.start()
    for _ in range(200):
        next(parts)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    parts.close()

    assert endless.read > 400_000
    assert peak < 16_000_000
    assert endless.closed


def test_gzip_is_the_same_document(store):
    columns = [Column("d", numbers(store, "s", {ms: ms / 8 for ms in range(30_000)}))]

    packed = b"".join(export.gzipped(export.csv_rows(store, columns, Extent(T0, FOREVER))))

    assert gzip.decompress(packed) == document(store, columns)
    assert len(packed) < len(document(store, columns)) / 4


def test_columns_are_the_sensors_of_the_devices_in_their_order(store):
    numbers(store, "b", {0: 1.0})
    numbers(store, "a", {0: 1.0})
    store.add_series(2, "b", "number")
    devices = [SimpleNamespace(id=2, name="two"), SimpleNamespace(id=1, name="one")]

    found = export.columns(devices, store)
    chosen = export.columns(devices, store, sensors=["b"])

    assert {(one.device, one.series.name) for one in found} == {
        ("two", "b"),
        ("one", "a"),
        ("one", "b"),
    }
    assert [(one.device, one.series.name) for one in chosen] == [("two", "b"), ("one", "b")]


class Memory:
    """A store of one page, for properties of cells."""

    def __init__(self, times, values):
        self.page = np.array(times, np.int64), np.array(values, np.float64)

    def pages(self, series_id, start_ms, end_ms, *, size):
        later = self.page[0] >= start_ms
        if later.any():
            yield self.page[0][later], self.page[1][later]


@given(st.text("'=+ \u00a0a"), st.text("'=+ \u00a0a"))
def test_no_two_texts_share_a_cell_and_each_reads_back(one, other):
    assert export.armed(export.defused(one)) == one
    assert (export.defused(one) == export.defused(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "cell"),
    [("=1", "'=1"), ("'=1", "''=1"), ("'' =1", "''' =1"), ("'a", "'a"), ("' '=1", "' '=1")],
)
def test_apostrophes_before_a_formula_are_part_of_the_text(text, cell):
    assert (export.defused(text), export.armed(cell)) == (cell, text)


finite = st.floats(allow_nan=False, allow_infinity=False)
moments = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(moments, finite, min_size=1, max_size=50), st.text(), st.text())
def test_every_number_time_and_name_reads_back(readings, device, sensor):
    stored = {int(at.replace(tzinfo=UTC).timestamp() * 1000): v for at, v in readings.items()}
    times, values = zip(*sorted(stored.items()), strict=True)
    column = Column(device, Series(1, 1, sensor, "number", "=unit"))

    rows = table(document(Memory(times, values), [column], start=0))

    assert len(rows) == 1 + len(stored)
    for ms, value, row in zip(times, values, rows[1:], strict=True):
        assert float(row[3]) == value
        assert round(datetime.fromisoformat(row[0]).timestamp() * 1000) == ms
        for given_text, cell in ((device, row[1]), (sensor, row[2])):
            kept = given_text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
            assert cell in {kept, "'" + kept}
            assert not cell.lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
        assert row[4] == "'=unit"


@pytest.fixture
def running():
    return Downloads()


@pytest.fixture
def download_of(running):
    """Begins a download with nothing in it that could be forbidden."""
    return lambda name, parts: running.begin(
        Reader(name, Proof("session", 0), lambda: None), [], parts
    )


def test_a_person_has_two_downloads_at_the_same_time(running, download_of):
    def parts():
        yield b"x"

    first, second = download_of("alice", parts()), download_of("alice", parts())
    with pytest.raises(TooMany):
        download_of("alice", parts())
    other = download_of("bob", parts())
    first.close()  # was never begun
    first.close()  # gives nothing back twice
    third = download_of("alice", parts())
    with pytest.raises(TooMany):
        download_of("alice", parts())
    assert list(second) == list(third) == list(other) == [b"x"]
    assert running.running("alice") == running.running("bob") == 0


def test_an_export_that_breaks_gives_its_place_back(running, download_of):
    def broken():
        yield b"x"
        raise RuntimeError("the store went away")

    download = download_of("carol", broken())
    next(download)
    with pytest.raises(RuntimeError):
        next(download)
    assert running.running("carol") == 0


def test_a_fast_reader_gets_no_further_part_when_the_right_has_ended(
    running, download_of, monkeypatch
):
    began = time.monotonic()
    rights = {Proof("session", 0): frozenset(), Proof("session", 1): frozenset()}
    monkeypatch.setattr(downloads.watch, "reach", lambda proofs, now, needed: rights)
    hung_up = []
    device = Device(public_id="d")
    reader = Reader("erin", Proof("session", 1), lambda: hung_up.append("erin"))
    last = running.begin(reader, [device], iter([b"x"]))
    other = download_of("fay", iter([b"x"]))
    next(last)
    running.end_forbidden(now=utcnow())

    with pytest.raises(ConnectionResetError):  # not a clean end, although nothing was left
        next(last)
    assert hung_up == ["erin"]  # nobody took the part that was out
    assert list(other) == [b"x"]
    assert other.allowed_at > began
    running.end_forbidden(now=utcnow())
    assert hung_up == ["erin"]


def test_a_download_that_runs_dry_as_its_device_goes_does_not_end_as_a_whole(
    running, download_of, monkeypatch
):
    rights = {Proof("session", 1): frozenset("d")}
    monkeypatch.setattr(downloads.watch, "reach", lambda proofs, now, needed: rights)
    hung_up = []
    reader = Reader("erin", Proof("session", 1), lambda: hung_up.append("erin"))
    whole = running.begin(reader, [Device(public_id="d")], iter([b"x"]))
    assert list(whole) == [b"x"]
    assert hung_up == []

    short = running.begin(reader, [Device(public_id="d")], iter([b"x"]))
    assert next(short) == b"x"
    rights.clear()
    with pytest.raises(ConnectionResetError):
        next(short)
    assert hung_up == ["erin"]
    assert running.running("erin") == 0


def test_a_download_goes_on_for_a_while_when_nobody_can_be_asked(running, download_of, monkeypatch):
    def away(proofs, now, needed):
        raise Unavailable

    monkeypatch.setattr(downloads.watch, "reach", away)
    download = download_of("gus", iter([b"x", b"y"]))
    with pytest.raises(Unavailable):
        running.end_forbidden(now=utcnow())
    assert next(download) == b"x"

    download.allowed_at -= downloads.PATIENCE_S
    with pytest.raises(Unavailable):
        running.end_forbidden(now=utcnow())
    with pytest.raises(ConnectionResetError):
        next(download)


def test_places_are_counted_right_from_many_threads(download_of):
    taken = []

    def take():
        with contextlib.suppress(TooMany):
            taken.append(download_of("dave", iter([b""])))

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == downloads.MOST
    for download in taken:
        download.close()


def test_a_spreadsheet_gets_local_times_semicolons_and_decimal_commas(store):
    # the clocks of Berlin go back at 2026-10-25T01:00Z
    series = numbers(store, "t", {297 * 86_400_000 + hour * 3_600_000: -1.5 for hour in range(3)})
    style = Style(b";", ZoneInfo("Europe/Berlin"))
    columns = [Column("d", series)]
    text = b"".join(export.csv_rows(store, columns, Extent(T0, FOREVER), style=style)).decode()

    assert text.startswith("\ufefftime;device;sensor;value;unit;time_utc\r\n")
    assert text.splitlines()[1:] == [
        '2026-10-25 02:00:00;"d";"t";-1,5;;2026-10-25T00:00:00.000Z',
        '2026-10-25 02:00:00;"d";"t";-1,5;;2026-10-25T01:00:00.000Z',
        '2026-10-25 03:00:00;"d";"t";-1,5;;2026-10-25T02:00:00.000Z',
    ]


def test_wide_lines_may_stand_on_a_grid(store):
    a = numbers(store, "a", {0: 1.0, 900: 2.0, 2500: 5.0})
    b = numbers(store, "b", {100: 1.0, 1100: 0.0}, kind="state")
    columns = [Column("d", a), Column("d", b)]
    rows = table(b"".join(export.csv_rows(store, columns, Extent(T0, FOREVER, 1000), "wide")))

    assert [row[1:] for row in rows[1:]] == [["1.5", "on"], ["", "off"], ["5", ""]]
    assert [row[0][17:] for row in rows[1:]] == ["00.000Z", "01.000Z", "02.000Z"]


def test_a_download_rests_after_a_part_that_had_to_wait(download_of, monkeypatch):
    rests = []
    held = threading.Event()

    def parts():
        held.wait(0.01)  # as for the interpreter that another thread holds
        yield b"waited"

    monkeypatch.setattr("time.sleep", rests.append)
    assert list(download_of("erin", parts())) == [b"waited"]

    assert rests[:1] == [downloads.REST_S]


def test_a_download_rests_after_each_part_until_it_has_not_waited_for_a_while():
    courtesy = downloads.Courtesy()

    assert courtesy.rest_s(0.0, 10.0) == 0
    assert courtesy.rest_s(0.0002, 10.0) == downloads.REST_S
    assert courtesy.rest_s(0.0, 10.0 + downloads.MEANWHILE_S / 2) == downloads.REST_S
    assert courtesy.rest_s(0.0, 10.0 + downloads.MEANWHILE_S) == 0


def test_long_pages_are_written_in_pieces(store):
    n = 3 * export.LINES
    series = numbers(store, "temperature", {ms: float(ms) for ms in range(n)})

    parts = list(export.csv_rows(store, [Column("House", series)], Extent(T0, FOREVER), "long"))

    lines = table(b"".join(parts))[1:]
    assert [line[3] for line in lines] == [str(ms) for ms in range(n)]
    assert max(part.count(b"\n") for part in parts) <= export.LINES
