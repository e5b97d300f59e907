"""Readings from files: what goes in, what is refused, and that the way out leads back in."""

import gzip
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

import db.base
from clock import to_ms, utcnow
from db.models import Device, Level
from db.telemetry.records import Batch
from devices import export, file_records, imports, reading_files
from devices.csv_style import PLAIN, Style
from devices.reading_pages import Extent
from errors import Forbidden, Invalid, NotFound
from tests.portal import make

T0 = to_ms(datetime(2026, 1, 1, tzinfo=UTC))
OURS = "time,device,sensor,value,unit\r\n"


@pytest.fixture(scope="module")
def portal(tmp_path_factory):
    return make(tmp_path_factory.mktemp("imports"))


@pytest.fixture
def alice(portal):
    return portal.person("alice@example.org")


@pytest.fixture
def device(portal, alice, request):
    return portal.device(alice, request.node.name[-60:])


def take(portal, device, data, *, by, dry_run=False, sensor="", most=4):
    with portal.server.app_context():
        return imports.take(
            device,
            data if isinstance(data, bytes) else data.encode(),
            by=by.user,
            store=portal.store,
            now=utcnow(),
            most_sensors=most,
            dry_run=dry_run,
            sensor=sensor,
        )


def stored(portal, device):
    store = portal.store
    return {
        one.name: (one.kind, store.texts(one.id, 0, T0 * 2, 99))
        if one.kind == "text"
        else (one.kind, list(zip(*map(list, store.window(one.id, 0, T0 * 2)), strict=True)))
        for one in store.series([device.id])[device.id]
    }


def test_what_was_exported_comes_in_again_as_it_was(portal, alice, device):
    store = portal.store
    t = store.add_series(device.id, "temperature", "number", "°C")
    text = store.add_series(device.id, "mode", "text")
    store.write(
        Batch(
            values=[(t.id, T0 + n, value) for n, value in enumerate((-5.25, 1e-7, 3.0))],
            texts=[(text.id, T0, '=a"b'), (text.id, T0 + 1, "x,\ny")],
        )
    )
    before = stored(portal, device)
    columns = export.columns([device], store)
    file = b"".join(export.csv_rows(store, columns, Extent(0, T0 * 2)))
    other = portal.device(alice, "The other")

    plan = take(portal, other, file, by=alice, dry_run=True)
    assert stored(portal, other) == {}
    assert (plan.rows, plan.refused, plan.dry_run) == (5, {}, True)
    done = take(portal, other, file, by=alice)
    assert stored(portal, other) == before
    assert [one.unit for one in store.series([other.id])[other.id]] == ["", "°C"]
    assert (done.rows, sum(one.known for one in done.sensors)) == (5, 0)
    again = take(portal, other, file, by=alice, dry_run=True)
    assert sum(one.known for one in again.sensors) == 5


@pytest.mark.parametrize("old", ["1.5", "a"])
def test_a_report_counts_what_takes_the_place_of_another_value(portal, alice, device, old):
    other = portal.device(alice, f"Replaced {old}")
    file = f"time,t\n2026-01-01T00:00:00Z,{old}\n2026-01-01T00:00:01Z,{old}\n"
    changed = file.replace(f":01Z,{old}", f":01Z,{old}2") + f"2026-01-01T00:00:02Z,{old}\n"
    assert take(portal, other, file, by=alice).replaced == 0
    assert take(portal, other, file, by=alice, dry_run=True).replaced == 0

    plan = take(portal, other, changed, by=alice, dry_run=True)
    done = take(portal, other, changed, by=alice)
    assert plan.replaced == done.replaced == 1
    assert [(one.known, one.replaced) for one in done.sensors] == [(2, 1)]
    assert take(portal, other, changed, by=alice).replaced == 0


def test_what_replaces_sealed_history_is_counted_too(portal, alice, device):
    file = "time,t\n2026-01-01T00:00:00Z,1\n2026-01-01T00:00:01Z,2\n"
    take(portal, device, file, by=alice)
    portal.store.seal(before_ms=T0 + 5000, anyway_ms=T0 + 5000)
    done = take(portal, device, file.replace("01Z,2", "01Z,3"), by=alice)

    assert done.replaced == 1


def test_history_of_home_assistant_comes_in(portal, alice, device):
    file = (
        "entity_id,state,last_changed\n"
        "sensor.attic_temperature,21.5,2026-01-01T00:00:00.000Z\n"
        "sensor.attic_temperature,unavailable,2026-01-01T00:01:00.000Z\n"
        "binary_sensor.door,on,2026-01-01T01:00:00+01:00\n"
        "binary_sensor.door,off,2026-01-01T00:00:10Z\n"
    )
    report = take(portal, device, file, by=alice)

    assert stored(portal, device) == {
        "attic_temperature": ("number", [(T0, 21.5)]),
        "door": ("state", [(T0, 1.0), (T0 + 10_000, 0.0)]),
    }
    assert [tuple(one) for one in report.examples] == [(3, "bad_value")]


def test_entities_of_one_name_stay_apart_by_their_domains(portal, alice, device):
    file = (
        "entity_id,state,last_changed\n"
        "sensor.garage,21.5,2026-01-01T00:00:00Z\n"
        "binary_sensor.garage,on,2026-01-01T00:00:00Z\n"
        "sensor.attic,2,2026-01-01T00:00:00Z\n"
    )
    take(portal, device, file, by=alice)

    assert stored(portal, device) == {
        "sensor.garage": ("number", [(T0, 21.5)]),
        "binary_sensor.garage": ("state", [(T0, 1.0)]),
        "attic": ("number", [(T0, 2.0)]),
    }


def entity(entity_id, state):
    return f"entity_id,state,last_changed\n{entity_id},{state},2026-01-01T00:00:00Z\n"


SENSOR, BINARY = entity("sensor.garage", "21.5"), entity("binary_sensor.garage", "on")
WORDS, SWITCH = entity("sensor.garage", "on"), entity("switch.garage", "on")
BOTH = SENSOR + BINARY.partition("\n")[2]


@pytest.mark.parametrize(
    ("files", "kinds"),
    [
        ([SENSOR, BINARY], {"garage": "number", "binary_sensor.garage": "state"}),
        ([BINARY, SENSOR], {"garage": "state", "sensor.garage": "number"}),
        ([WORDS, BINARY], {"garage": "text", "binary_sensor.garage": "state"}),
        ([BINARY, SWITCH], {"garage": "state", "switch.garage": "state"}),
        ([BOTH, SENSOR, BINARY], {"sensor.garage": "number", "binary_sensor.garage": "state"}),
        ([SENSOR, BOTH], {"garage": "number", "binary_sensor.garage": "state"}),
    ],
    ids=["sensor first", "binary first", "words", "switch", "both first", "both last"],
)
def test_entities_of_one_name_stay_apart_through_several_files(portal, alice, device, files, kinds):
    for file in [*files, *files]:
        report = take(portal, device, file, by=alice)
        assert (report.refused, report.replaced) == ({}, 0)

    found = stored(portal, device)
    assert {name: kind for name, (kind, _) in found.items()} == kinds
    assert {len(rows) for _, rows in found.values()} == {1}


def test_texts_that_are_silence_elsewhere_come_in_from_our_own_files(portal, alice, device):
    words = ["none", "unknown", "Unavailable", "null"]
    file = OURS + "".join(
        f'2026-01-01T00:00:0{n}.000Z,"d","mode","{word}",\r\n' for n, word in enumerate(words)
    )
    report = take(portal, device, file, by=alice)

    assert report.refused == {}
    assert [text for _, text in stored(portal, device)["mode"][1]] == words


def test_times_and_values_of_a_spreadsheet_come_in(portal, alice, device):
    file = "\ufefftime;value\r\n2026-01-01 00:00:00;-1,5\r\n1767225601;2\r\n1767225602000;3\r\n"
    take(portal, device, file, by=alice, sensor="level")

    rows = [(T0, -1.5), (T0 + 1000, 2.0), (T0 + 2000, 3.0)]
    assert stored(portal, device) == {"level": ("number", rows)}


@pytest.mark.parametrize("style", [PLAIN, Style(b";", ZoneInfo("UTC"))], ids=["plain", "local"])
@pytest.mark.parametrize("step_ms", [0, 1000])
def test_a_wide_export_comes_in_again(portal, alice, device, style, step_ms):
    store = portal.store
    t = store.add_series(device.id, "t", "number", "°C")
    door = store.add_series(device.id, "door", "state")
    values = [(t.id, T0, -1.5), (t.id, T0 + 1000, 1e-7), (door.id, T0 + 2000, 1.0)]
    store.write(Batch(values=values))
    columns = export.columns([device], store)
    parts = export.csv_rows(store, columns, Extent(0, T0 * 2, step_ms), "wide", style=style)
    other = portal.device(alice, f"Beside {step_ms} {style.zone}")
    store.add_series(other.id, "door", "state")

    report = take(portal, other, b"".join(parts), by=alice)

    assert stored(portal, other) == stored(portal, device)
    assert (report.rows, report.refused) == (3, {})
    assert [one.unit for one in store.series([other.id])[other.id]] == ["", "°C"]


def test_only_columns_of_this_device_are_taken_from_a_wide_file_of_many(portal, alice, device):
    head = f'time,"{device.name} / a (m)","another / b"\r\n'
    report = take(portal, device, head + "2026-01-01T00:00:00Z,1,2\r\n", by=alice)

    assert stored(portal, device) == {"a": ("number", [(T0, 1.0)])}
    assert report.refused == {"other_device": 1}


def test_messages_and_objects_of_node_red_come_in(portal, alice, device):
    messages = "topic,payload,timestamp\n/attic/door,true,1767225600000\nroom,2,1767225601\n"
    objects = "hum,temp,timestamp\n40,,1767225600000\n41,21.5,1767225601000\n"
    take(portal, device, messages, by=alice)
    take(portal, device, objects, by=alice)

    assert stored(portal, device) == {
        "attic.door": ("state", [(T0, 1.0)]),
        "room": ("number", [(T0 + 1000, 2.0)]),
        "hum": ("number", [(T0, 40.0), (T0 + 1000, 41.0)]),
        "temp": ("number", [(T0 + 1000, 21.5)]),
    }


def test_unicode_text_of_a_spreadsheet_comes_in(portal, alice, device):
    take(portal, device, "time\tt\r\n2026-01-01\t1\r\n".encode("utf-16"), by=alice)

    assert stored(portal, device) == {"t": ("number", [(T0, 1.0)])}


def in_berlin(portal, device):
    with portal.server.app_context(), db.base.transaction() as session:
        session.get_one(Device, device.id).timezone = "Europe/Berlin"
        device.timezone = "Europe/Berlin"


def hours(portal, device, sensor="t"):
    """Hours after 2026-10-25T00:00Z, as the clocks of Berlin first show 02:00."""
    return [(ms - 1_792_886_400_000) / 3_600_000 for ms, _ in stored(portal, device)[sensor][1]]


@pytest.mark.parametrize(
    ("clocks", "meant", "ambiguous"),
    [
        (["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"], [-0.5, 0, 0.5, 1, 1.5, 2], 4),
        (["03:00", "02:30", "02:00", "02:30", "02:00", "01:30"], [-0.5, 0, 0.5, 1, 1.5, 2], 4),
        (["01:00", "02:00", "02:00", "03:00"], [-1, 0, 1, 2], 2),
        (["01:00", "02:10", "03:00"], [-1, 1 / 6, 2], 1),
        (["02:10", "02:10", "02:40"], [1 / 6, 2 / 3], 3),
        (["01:00", "03:00"], [-1, 2], 0),
    ],
    ids=["halves", "newest first", "each hour", "once", "the same twice", "not then"],
)
def test_an_hour_that_comes_twice_follows_the_order(
    portal, alice, device, clocks, meant, ambiguous
):
    in_berlin(portal, device)
    lines = [f"2026-10-25 {clock}:00,{value}" for value, clock in enumerate(clocks)]
    report = take(portal, device, "time,t\n" + "\n".join(lines) + "\n", by=alice)

    assert hours(portal, device) == pytest.approx(meant)
    assert report.ambiguous == ambiguous


def test_sensors_have_an_order_of_their_own_in_the_hour_that_comes_twice(portal, alice, device):
    in_berlin(portal, device)
    clocks = [("a", "02:10"), ("b", "02:05"), ("a", "02:40"), ("b", "02:35"), ("a", "02:20")]
    lines = [f"2026-10-25 {clock}:00,{sensor},1" for sensor, clock in clocks]
    report = take(portal, device, "time,sensor,value\n" + "\n".join(lines) + "\n", by=alice)

    assert hours(portal, device, "a") == pytest.approx([1 / 6, 2 / 3, 4 / 3])
    assert hours(portal, device, "b") == pytest.approx([1 / 12, 7 / 12])
    assert report.ambiguous == 5


def test_ambiguous_times_of_two_devices_that_become_one_are_counted(portal, alice, device):
    in_berlin(portal, device)
    file = (
        "time,device,sensor,value,unit\n"
        "2026-10-25 02:00:00,a,t,1,\n"
        "2026-10-25 01:00:00,b,t,2,\n"
        "2026-10-25 02:30:00,b,t,3,\n"
        "2026-10-25 04:00:00,a,t,4,\n"
    )
    report = take(portal, device, file, by=alice)

    assert (report.rows, report.ambiguous) == (4, 2)
    assert hours(portal, device) == pytest.approx([-1, 0, 0.5, 3])


def test_what_is_refused_is_not_counted_as_ambiguous(portal, alice, device):
    in_berlin(portal, device)
    take(portal, device, "time,t\n2026-01-01,1\n", by=alice)
    report = take(
        portal, device, "time,t\n2026-10-25 02:00:00,x\n2026-10-25 02:30:00,1\n", by=alice
    )

    assert (report.ambiguous, report.refused) == (1, {"not_a_number": 1})


def test_an_exact_time_counts_where_a_line_has_one(portal, alice, device):
    in_berlin(portal, device)
    file = (
        "time,t,time_utc\n"
        "25.10.2026 02:00,1,2026-10-25T01:00:00.250Z\n"
        "2026-10-25 04:00:00,2,2026-10-25 03:00:00\n"
        "2026-10-25 05:00:00,3,\n"
        "2026-10-25 06:00:00,4,soon\n"
    )
    report = take(portal, device, file, by=alice)

    assert hours(portal, device) == pytest.approx([1 + 0.25 / 3600, 3, 4])
    assert [tuple(one) for one in report.examples] == [(5, "bad_time")]


def test_lines_that_cannot_be_used_are_named(portal, alice, device):
    file = (
        OURS
        + '2026-01-01T00:00:00Z,"d","a",1,\r\n'
        + 'yesterday,"d","a",1,\r\n'
        + '1999-01-01T00:00:00Z,"d","a",1,\r\n'
        + '2999-01-01T00:00:00Z,"d","a",1,\r\n'
        + '2026-01-01T00:00:01Z,"d","a b",1,\r\n'
        + '2026-01-01T00:00:01Z,"d"\r\n'
        + '2026-01-01T00:00:02Z,"d","a",nan,\r\n'
        + '2026-01-01T00:00:03Z,"d","a",2'
    )
    report = take(portal, device, file, by=alice)

    assert [(one.line, one.code) for one in report.examples] == [
        (3, "bad_time"),
        (4, "bad_time"),
        (5, "future"),
        (6, "bad_name"),
        (7, "too_few_cells"),
        (8, "not_a_number"),
        (9, "too_few_cells"),
    ]
    assert stored(portal, device)["a"][1][0][0] == T0


def test_a_time_may_be_ahead_as_far_as_that_of_a_device(portal, alice, device):
    near, far = (utcnow() + timedelta(minutes=minutes) for minutes in (4, 6))
    report = take(portal, device, f"time,t\n{near},1\n{far},2\n", by=alice)

    assert report.refused == {"future": 1}
    assert [one.rows for one in report.sensors] == [1]


def test_a_line_that_was_cut_in_its_last_cell_is_refused(portal, alice, device):
    file = OURS + '2026-01-01T00:00:00Z,"d","a",1.5,\r\n2026-01-01T00:00:01Z,"d","a",1.5,"°'
    with pytest.raises(Invalid):
        take(portal, device, file, by=alice)
    report = take(portal, device, file[:-2], by=alice)

    assert [tuple(one) for one in report.examples] == [(3, "cut")]
    assert stored(portal, device) == {"a": ("number", [(T0, 1.5)])}


def test_a_last_line_without_an_end_is_taken_and_named(portal, alice, device):
    file = "time,t\n2026-01-01T00:00:00Z,1.5\n2026-01-01T00:00:01Z,1"
    cut = take(portal, device, file, by=alice)
    whole = take(portal, device, f"{file}.5\n", by=alice)

    assert (cut.rows, cut.unended_line, cut.refused) == (2, 3, {})
    assert (whole.rows, whole.unended_line, whole.replaced) == (2, 0, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        b"a,b,c\n1,2,3\n",
        b"time,a,a\n2026-01-01,2,3\n",
        b"time,date,a\n2026-01-01,2026-01-01,3\n",
        "time,value\n2026-01-01,1\n".encode("utf-16-le"),
        b"\xff\xfet",
        b"time,value\n2026-01-01,\xff\n",
        b'time,value\n2026-01-01,"1\n',
        OURS.encode() + b"".join(b'2026-01-01,"d","s%d",1,\r\n' % n for n in range(5)),
        b"time,value\n" + b"," * 1_100_000,
        b"time," + b",".join(b"%d" % n for n in range(200_000)) + b"\n",
    ],
    ids=[
        "empty",
        "one word",
        "unknown",
        "same twice",
        "two times",
        "utf-16",
        "half a sign",
        "latin-1",
        "quote",
        "too many sensors",
        "long line",
        "long head",
    ],
)
def test_files_that_are_none_are_refused_as_a_whole(portal, alice, device, data):
    with pytest.raises(Invalid):
        take(portal, device, data, by=alice)
    assert stored(portal, device) == {}


def test_columns_of_a_new_device_are_numbers_states_or_texts(portal, alice, device):
    file = """time,number,state,text,odd
2026-01-01T00:00:00Z,1,on,1,1_000
2026-01-01T00:00:01Z,-1.5e3,OFF,on,2
"""
    take(portal, device, file, by=alice)

    assert {name: kind for name, (kind, _) in stored(portal, device).items()} == {
        "number": "number",
        "state": "state",
        "text": "text",
        "odd": "text",
    }


def test_numbers_that_are_none_do_not_make_the_others_texts(portal, alice, device):
    file = OURS + "".join(
        f"2026-01-01T00:00:0{second}Z,,a,{value},\r\n"
        for second, value in enumerate(("NaN", "-Infinity", "1e999", "2.5"))
    )
    report = take(portal, device, file, by=alice)

    assert report.refused == {"not_a_number": 3}
    assert stored(portal, device) == {"a": ("number", [(T0 + 3000, 2.5)])}


def test_a_text_is_as_long_as_a_device_may_say_it(portal, alice, device):
    texts = ["x" * 256, "x" * 257, "x" * 300_000, "on"]
    file = OURS + "".join(
        f'2026-01-01T00:00:0{second}Z,"d","mode","{text}",\r\n' for second, text in enumerate(texts)
    )
    report = take(portal, device, file, by=alice)

    assert [tuple(one) for one in report.examples] == [(3, "too_long"), (4, "too_long")]
    assert [text for _, text in stored(portal, device)["mode"][1]] == ["x" * 256, "on"]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("1", "a", "not_a_number"),
        ("on", "a", "not_a_state"),
        ("a", "x" * 257, "too_long"),
        ("", "nan", "not_a_number"),
        ("", "1.1e300", "not_a_number"),
    ],
)
def test_a_sensor_of_which_nothing_fits_is_left_as_it_is(portal, alice, old, new, code):
    device = portal.device(alice, f"Nothing of {new[:9]} fits {old}")
    take(portal, device, f"time,t\n2026-01-01T00:00:00Z,{old}\n", by=alice)
    before = stored(portal, device)
    file = f"time,t,other\n2026-01-01T00:00:01Z,{new},1\n"
    for dry_run in (True, False):
        report = take(portal, device, file, by=alice, dry_run=dry_run)
        assert (report.rows, report.refused) == (1, {code: 1})
    assert stored(portal, device) == before | {"other": ("number", [(T0 + 1000, 1.0)])}


@pytest.mark.parametrize("file", ["time,t\n" + "5,1\n" * 7, "time,a,b,c,d\n" + "5,1,1,1,1\n" * 2])
def test_a_file_has_so_many_readings_and_no_more(portal, alice, device, file, monkeypatch):
    monkeypatch.setattr(file_records, "MOST_ROWS", 6)
    with pytest.raises(Invalid) as refused:
        take(portal, device, file, by=alice)

    assert refused.value.code == "file_too_long"


def test_a_sensor_that_appears_meanwhile_keeps_its_kind(portal, alice, device, monkeypatch):
    def first(*given):
        monkeypatch.undo()
        store.add_series(device.id, "t", "state")
        return store.add_series(*given)

    store = portal.store
    monkeypatch.setattr(store, "add_series", first)
    report = take(portal, device, "time,t\n2026-01-01T00:00:00Z,1\n2026-01-02,7\n", by=alice)

    assert (report.rows, report.refused) == (1, {"not_a_state": 1})
    assert stored(portal, device) == {"t": ("state", [(T0, 1.0)])}


def test_nobody_waits_at_a_door_while_an_import_makes_sensors(portal, alice, device, monkeypatch):
    def write_something() -> bool:
        with portal.server.app_context(), db.base.transaction():
            return True

    def made(*given):
        with ThreadPoolExecutor(1) as somebody:
            assert somebody.submit(write_something).result(5)
        return add_series(*given)

    add_series = portal.store.add_series
    monkeypatch.setattr(portal.store, "add_series", made)
    take(portal, device, "time,new\n2026-01-01T00:00:00Z,1\n", by=alice)
    assert stored(portal, device)["new"][0] == "number"


@pytest.mark.parametrize(("part", "step"), [(reading_files, "read"), (imports, "_write")])
def test_a_device_that_goes_during_an_import_leaves_nothing(portal, alice, monkeypatch, part, step):
    def goes(*given, **more):
        with db.base.transaction() as session:
            session.delete(session.get_one(Device, device.id))
        portal.store.forget(device.id)
        return before(*given, **more)

    device = portal.device(alice, f"Gone in {step}")
    before = getattr(part, step)
    monkeypatch.setattr(part, step, goes)
    with pytest.raises(NotFound):
        take(portal, device, "time,t\n2026-01-01T00:00:00Z,1\n", by=alice)
    assert portal.store.series([device.id])[device.id] == []


def test_a_unit_that_nobody_can_read_is_left_out(portal, alice, device):
    file = OURS + '2026-01-01T00:00:00Z,"d","temperature",1,"a\x01\nb"\r\n'
    take(portal, device, file, by=alice)

    (series,) = portal.store.series([device.id])[device.id]
    assert series.unit == "°C"


def test_lines_of_every_reason_are_named_and_counted(portal, alice, device):
    lines = [f"2026-01-01T00:00:{n:02}Z,1" for n in range(30)] + ["never,1"] * 30
    lines[5] += "x"
    take(portal, device, "time,t\n2026-01-01T00:00:00Z,1\n", by=alice)
    report = take(portal, device, "time,t\n" + "\n".join(lines) + "\n", by=alice)

    assert report.refused == {"not_a_number": 1, "bad_time": 30}
    assert [one.line for one in report.examples] == [7, *range(32, 52)]


def test_a_line_that_breaks_the_whole_file_is_named_where_it_begins(portal, alice, device):
    file = OURS + '2026-01-01T00:00:00Z,"d","a","1\r\n' + '2026-01-01T00:00:00Z,"d","a",1,\r\n' * 9
    with pytest.raises(Invalid) as refused:
        take(portal, device, file, by=alice)
    assert (refused.value.code, refused.value.details) == ("file_unreadable", {"line": 2})


def test_only_lines_of_this_device_are_taken_from_a_file_of_many(portal, alice, device):
    file = (
        OURS
        + f'2026-01-01T00:00:00Z,"{device.name}","a",1,\r\n'
        + '2026-01-01T00:00:00Z,"another","b",1,\r\n'
    )
    report = take(portal, device, file, by=alice)

    assert stored(portal, device) == {"a": ("number", [(T0, 1.0)])}
    assert report.refused == {"other_device": 1}


def test_a_compressed_file_comes_in_as_the_plain_one(portal, alice, device):
    file = b"".join(export.gzipped([b"time,t\n", b"2026-01-01T00:00:00Z,1\n"]))
    take(portal, device, file, by=alice)

    assert stored(portal, device) == {"t": ("number", [(T0, 1.0)])}


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (gzip.compress(b"time,t\n2026-01-01,1\n")[:-4], "file_damaged"),
        (gzip.compress(b"time,t\n2026-01-01,1\n") + b"x", "file_damaged"),
        (b"\x1f\x8bnonsense", "file_damaged"),
        (gzip.compress(bytes(imports.LARGEST + 1), 1), "file_too_large"),
    ],
    ids=["cut", "more", "nonsense", "bomb"],
)
def test_a_compressed_file_that_is_none_is_refused(portal, alice, device, file, code):
    with pytest.raises(Invalid) as refused:
        take(portal, device, file, by=alice)
    assert refused.value.code == code


def test_only_who_manages_a_device_may(portal, alice, device):
    bob = portal.person("bob@example.org")
    with pytest.raises(NotFound):
        take(portal, device, "time,value\n2026-01-01,1\n", by=bob)
    portal.share(device, bob, Level.OPERATOR)
    with pytest.raises(Forbidden):
        take(portal, device, "time,value\n2026-01-01,1\n", by=bob)
    assert stored(portal, device) == {}
