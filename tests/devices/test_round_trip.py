"""What an export writes comes in again as it was: the same readings, of the same kinds."""

import gzip
import unicodedata
import uuid
from functools import partial
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from db.telemetry.records import Batch, Series
from devices import export, file_cells, reading_files
from devices.csv_style import PLAIN, Style
from devices.reading_pages import Extent
from tests.devices.test_export import Memory
from tests.devices.test_imports import T0, stored, take
from tests.portal import make

STYLES = {
    "plain": PLAIN,
    "comma": Style(b",", ZoneInfo("UTC")),
    "semicolon": Style(b";", ZoneInfo("UTC")),
    "tab": Style(b"\t", ZoneInfo("UTC")),
}
styles = pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
layouts = pytest.mark.parametrize("layout", ["long", "wide"])
LIKE_NUMBERS = ["12", "0042", "1e3", "on", "off", "true", "nan", "-5,2", "-5.2", "1,5", " 7"]
ODD = ["", " ", "'=1", "=1", '"', '","', "\r\n", "a\nb", "\ufeff", "none", "ä€😀", "x" * 256]

DOUBLE_HOUR_MS = 1_792_886_400_000  # 2026-10-25T00:00Z: clocks of Berlin show 02:00 twice


class House:
    """An installation with two devices: readings of the one go through a file into the other."""

    def __init__(self, portal):
        self.portal = portal
        self.alice = portal.person("alice@example.org")
        self.renew()

    def renew(self):
        self.one, self.other = (self.portal.device(self.alice, uuid.uuid4().hex) for _ in range(2))

    def fill(self, device, **sensors):
        """Sensors by name: of states if their values are, of texts, else numbers; one a second."""
        for name, values in sensors.items():
            kind = {bool: "state", str: "text"}.get(type(values[0]), "number")
            series = self.portal.store.add_series(device.id, name, kind)
            rows = [(series.id, T0 + 1000 * n, value) for n, value in enumerate(values)]
            self.portal.store.write(Batch(texts=rows) if kind == "text" else Batch(values=rows))

    def file(self, style=PLAIN, layout="long", sensors=()):
        store = self.portal.store
        columns = export.columns([self.one], store, sensors=sensors)
        return b"".join(export.csv_rows(store, columns, Extent(0, T0 * 2), layout, style=style))

    def take(self, file):
        return take(self.portal, self.other, file, by=self.alice, most=100_000)

    def stored(self, device):
        return stored(self.portal, device)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    return House(make(tmp_path_factory.mktemp("round")))


@pytest.fixture
def house(installed):
    installed.renew()
    return installed


@layouts
@styles
@pytest.mark.parametrize("packed", [False, True], ids=["bare", "gzip"])
def test_every_kind_comes_in_again_as_it_was(house, style, layout, packed):
    house.fill(house.one, door=[True, False, True], level=[0.0, -1.5, 1e-7, 1e300, -0.0])
    house.fill(house.one, one=[1.0, 0.0], words=[*ODD, *LIKE_NUMBERS])
    house.fill(house.one, **{f"n{number}": [text] for number, text in enumerate(LIKE_NUMBERS)})
    file = house.file(style, layout)

    report = house.take(gzip.compress(file) if packed else file)
    assert report.refused == {}
    assert house.stored(house.other) == house.stored(house.one)


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@layouts
@styles
@settings(max_examples=40)
@given(st.lists(texts | st.sampled_from(ODD + LIKE_NUMBERS), min_size=1))
def test_every_text_comes_in_again(installed, style, layout, texts):
    name = uuid.uuid4().hex
    installed.fill(installed.one, **{name: texts})

    report = installed.take(installed.file(style, layout, [name]))
    assert report.refused == {}
    assert installed.stored(installed.other)[name] == installed.stored(installed.one)[name]


def test_a_file_that_a_spreadsheet_wrote_anew_keeps_texts_that_no_number_looks_like(house):
    house.fill(house.one, padded=["0042", "7"], signed=["-5", "7"], mode=["1", "auto"])
    house.fill(house.one, door=[True, False], level=[0.5, 10.0])

    house.take(house.file().replace(b'"', b""))
    assert house.stored(house.other) == house.stored(house.one)


def test_a_sensor_that_is_there_keeps_its_kind(house):
    house.fill(house.one, a=["12", "x"], b=[True, False], c=[1.0, 5.0])
    house.fill(house.other, a=[3.0], b=["auto"], c=[True])
    report = house.take(house.file())

    assert [tuple(one) for one in report.examples] == [(3, "not_a_number"), (7, "not_a_state")]
    assert house.stored(house.other) == {
        "a": ("number", [(T0, 12.0)]),
        "b": ("text", [(T0, "on"), (T0 + 1000, "off")]),
        "c": ("state", [(T0, 1.0)]),
    }


@layouts
def test_times_of_a_spreadsheet_are_exact_through_the_hour_that_comes_twice(house, layout):
    store = house.portal.store
    series = store.add_series(house.one.id, "t", "number")
    at = [DOUBLE_HOUR_MS - 1, *(DOUBLE_HOUR_MS + n * 1_799_999 for n in range(5))]
    store.write(Batch(values=[(series.id, ms, float(n)) for n, ms in enumerate(at)]))

    report = house.take(house.file(Style(b",", ZoneInfo("Europe/Berlin")), layout))
    assert house.stored(house.other) == house.stored(house.one)
    assert report.ambiguous == 0


def words(most):
    """Names as people may give them: printable, in one line, of single spaces."""
    odd = st.sampled_from([" / ", "/", "(", ")", " (x)", "'", "=", '"', ",", ";", "a", "é", "t"])
    return (
        st.lists(odd | st.text(max_size=3), max_size=8)
        .map(lambda parts: " ".join("".join(parts).split())[:most].strip())
        .filter(str.isprintable)
    )


SENSORS = st.from_regex(r"[\w.-]{1,9}", fullmatch=True).map(partial(unicodedata.normalize, "NFC"))
UNITS = words(16) | st.sampled_from(
    [" / ", "l / h", "x) / y (z", "(x)", "m (abs)", ")", "/", "a / / b"]
)


@layouts
@settings(max_examples=60)
@example(["=House", "'-1"], {"-": "=x", "time": "'"}, PLAIN)
@given(
    st.lists(words(80).filter(bool), min_size=2, max_size=2, unique=True),
    st.dictionaries(SENSORS, UNITS, min_size=1, max_size=4),
    st.sampled_from(list(STYLES.values())),
)
def test_odd_names_are_found_again(layout, names, sensors, style):
    columns = [
        export.Column(device, Series(number, 1, sensor, "number", unit))
        for device in names
        for number, (sensor, unit) in enumerate(sensors.items())
    ]
    extent = Extent(0, T0 * 2)
    file = b"".join(export.csv_rows(Memory([T0], [1.5]), columns, extent, layout, style=style))
    found = reading_files.read(
        file, devices=names[:1], known={}, sensor="", zone=ZoneInfo("UTC"), now_ms=T0 * 2
    )

    assert {name: one.unit for name, one in found.told.items()} == sensors
    assert found.refused.counts == {"other_device": len(sensors)}
    assert {tuple(one.times) for one in found.told.values()} == {(T0,)}


def test_units_of_older_files_are_found(house):
    file = 'time,"A / b (c) / flow (l / h)"\r\n2026-01-01T00:00:00.000Z,1\r\n'
    house.take(file.encode())

    [series] = house.portal.store.series([house.other.id])[house.other.id]
    assert (series.name, series.unit) == ("flow", "l / h")


@layouts
def test_devices_of_one_name_are_told_apart(house, layout):
    bob = house.portal.person("bob@example.org")
    shared = house.portal.device(bob, house.one.name)
    house.fill(house.one, t=[1.0, 2.0])
    house.fill(shared, t=[8.0, 9.0])
    store = house.portal.store
    columns = export.columns([house.one, shared], store)
    file = b"".join(export.csv_rows(store, columns, Extent(0, T0 * 2), layout))
    report = take(house.portal, house.one, file, by=house.alice)

    assert (report.rows, report.replaced, report.refused) == (2, 0, {"other_device": 2})


def test_a_device_that_said_nothing_takes_nothing_of_others_from_a_wide_file(house):
    file = f'time,"{house.other.name} / t","Another / t"\r\n2026-01-01T00:00:00.000Z,,1\r\n'
    report = house.take(file.encode())

    assert (report.rows, report.refused) == (0, {"other_device": 1})


def test_quotes_are_marked_where_cells_begin():
    lines = ['"a",b,"c""d","",""""\r\n', '"x\r\n', '"", "",y""\r\n', 'z","q"\r\n', ',"r"\r\n']
    marked = "".join(file_cells.quotes_marked(iter(lines))).replace(file_cells.TEXT, "§")

    assert marked == ('"§a",b,"§c""d","§","§"""\r\n"§x\r\n"", "",y""\r\nz","§q"\r\n,"§r"\r\n')
