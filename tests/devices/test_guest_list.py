"""A list of guests becomes links: all of them, or none, and each line is told what is wrong."""

import csv
import io
from datetime import UTC, datetime

import pytest

from db.base import db, transaction
from db.models import Device, GuestLink, Level, OutboxMessage
from devices import guest_list, guest_visits
from errors import Invalid, TooMany
from tests.devices.conftest import NOW, give

HOUSE = "https://gatehouse.example.org"
HEAD = "device;guest;from;until;email;hours;uses;pin;language"
YEAR = NOW.year + 1


def text(*lines: str, head: str = HEAD) -> bytes:
    return "\n".join([head, *lines]).replace("YYYY", str(YEAR)).encode()


MIA = "Room 1;Mia;YYYY-07-05 15:00;YYYY-07-07T11:00;mia@example.org;;;;de"
OTTO = "room2;Otto;YYYY-07-05 15:00;YYYY-07-07 11:00;;fri sat 15:00-11:00 | 09:00-10:00;5;4711;"


@pytest.fixture
def rooms(owner, door):
    """A second room, in Tokyo, beside the first one."""
    with transaction() as session:
        other = Device(
            name="Room 2",
            kind="lock",
            controller_id="room2",
            timezone="Asia/Tokyo",
            mqtt_hash="",
            mqtt_seed="c",
            command_seed="d",
            created_at=NOW,
        )
        session.add(other)
    give(owner, other, Level.MANAGER)
    return door, other


@pytest.fixture
def make(parts, owner, rooms):
    """Makes links from a list, by the owner unless told otherwise."""

    def made(data: bytes, by=None, now=NOW):
        return guest_list.create(
            data, by=by or owner, keys=parts.keys, url=HOUSE, now=now, address=""
        )

    return made


def links() -> list[GuestLink]:
    db.session.rollback()
    return db.session.query(GuestLink).order_by(GuestLink.id).all()


def test_each_line_becomes_a_link_in_the_time_zone_of_its_door(make):
    first, second = make(text(MIA, "", OTTO))
    mia, otto = links()

    assert (mia.device.name, mia.label, mia.language, mia.email) == (
        "Room 1",
        "Mia",
        "de",
        "mia@example.org",
    )
    assert mia.not_before == datetime(YEAR, 7, 5, 15, tzinfo=UTC)
    assert otto.not_before == datetime(YEAR, 7, 5, 6, tzinfo=UTC)  # Tokyo
    assert (otto.max_uses, bool(otto.pin_hash)) == (5, True)
    assert [rule["days"] for rule in otto.weekly] == [
        ["fri", "sat"],
        ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
    ]
    assert [first.number, second.number] == [2, 4]
    for line, link in ((first, mia), (second, otto)):
        token = line.url.removeprefix(f"{HOUSE}/g/")
        assert guest_visits.look(token, now=NOW).link.id == link.id


def test_who_has_an_address_gets_the_link_by_mail(make):
    line, _otto = make(text(MIA, OTTO))
    [mail] = db.session.query(OutboxMessage).all()
    assert mail.recipient == "mia@example.org"
    assert line.url in mail.text


def test_looking_over_changes_nothing(owner, rooms):
    lines = guest_list.look_over(text(MIA, OTTO), by=owner, now=NOW)
    assert [line.error for line in lines] == [None, None]
    assert lines[1].terms.pin == "4711"
    assert links() == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("Room 9;Mia;YYYY-07-05 15:00;YYYY-07-07 11:00", "device_not_found"),
        ("Cellar;Mia;YYYY-07-05 15:00;YYYY-07-07 11:00", "not_a_door"),
        ("Twin;Mia;YYYY-07-05 15:00;YYYY-07-07 11:00", "device_ambiguous"),
        ("Room 1;;YYYY-07-05 15:00;YYYY-07-07 11:00", "label_length"),
        ("Room 1;Mia;5.7. 15:00;YYYY-07-07 11:00", "time_form"),
        ("Room 1;Mia;YYYY-07-05;YYYY-07-07 11:00", "time_form"),
        ("Room 1;Mia;YYYY-07-05 15:00", "time_form"),
        ("Room 1;Mia;YYYY-07-07 15:00;YYYY-07-05 11:00", "window_reversed"),
        ("Room 1;Mia;YYYY-07-05 15:00;YYYY-07-07 11:00;no address", "email_invalid"),
        ("Room 1;Mia;YYYY-07-05 15:00;YYYY-07-07 11:00;;weekends", "hours_form"),
        ("Room 1;Mia;YYYY-07-05 15:00;YYYY-07-07 11:00;;xyz 10:00-11:00", "weekly_form"),
        ("Room 1;Mia;YYYY-07-05 15:00;YYYY-07-07 11:00;;;many", "not_a_number"),
        ("Room 1;Mia;YYYY-07-05 15:00;YYYY-07-07 11:00;;;0", "uses_out_of_bounds"),
        ("Room 1;Mia;YYYY-07-05 15:00;YYYY-07-07 11:00;;;;12", "pin_form"),
        ("Room 1;Mia;YYYY-07-05 15:00;YYYY-07-07 11:00;;;;;tlh", "language_unknown"),
    ],
)
def test_one_wrong_line_is_named_and_nothing_is_made(make, owner, line, code):
    for number, (name, kind) in enumerate(
        [("Cellar", "sensor"), ("Twin", "lock"), ("Twin", "gate")]
    ):
        with transaction() as session:
            other = Device(
                name=name,
                kind=kind,
                controller_id=f"c{number}",
                mqtt_hash="",
                mqtt_seed="e",
                command_seed="f",
                created_at=NOW,
            )
            session.add(other)
        give(owner, other, Level.OWNER)

    good, bad = make(text(MIA, line))
    assert good.error is None
    assert (bad.number, bad.error.code) == (3, code)
    assert links() == []
    assert db.session.query(OutboxMessage).all() == []


def test_rights_are_asked_for_each_device(make, rooms, stranger):
    door, _other = rooms
    assert [line.error.code for line in make(text(MIA), by=stranger)] == ["device_not_found"]
    give(stranger, door, Level.OPERATOR)
    assert [line.error.code for line in make(text(MIA), by=stranger)] == ["level_too_low"]
    assert links() == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "columns_missing"),
        (b"\xff\xfe", "not_utf8"),
        (text(head="device;guest;from"), "columns_missing"),
        (text(head=HEAD + ";colour"), "columns_unknown"),
        (text(head=HEAD + ";room"), "columns_unknown"),
        (text(), "list_empty"),
        (text('Room 1;"Mia'), "bad_csv"),
        (text(*[MIA] * 201), "list_too_long"),
        (text("x" * 65_536), "file_too_large"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_is_no_list_is_refused_as_a_whole(make, data, code):
    with pytest.raises(Invalid) as refused:
        make(data)
    assert refused.value.code == code
    assert links() == []


def test_commas_other_words_and_a_mark_of_utf8_are_understood(make):
    rows = text(f"Mia,Room 1,{YEAR}-07-05 15:00,{YEAR}-07-07 11:00", head="Name,Room,From,Until")
    [line] = make("\ufeff".encode() + rows)
    assert line.link.label == "Mia"


def test_a_button_that_was_pressed_twice_makes_the_links_once(make):
    make(text(MIA, OTTO))
    with pytest.raises(TooMany):
        make(text(MIA, OTTO))
    assert len(links()) == 2


def test_the_result_is_a_file_that_carries_no_formula(make):
    lines = make(text(MIA, OTTO.replace("Otto", "=1+1")))
    rows = list(csv.DictReader(io.StringIO(guest_list.result(lines).decode("utf-8-sig"))))
    assert [row["guest"] for row in rows] == ["Mia", "'=1+1"]
    assert rows[1]["from"] == f"{YEAR}-07-05 15:00"
    assert [row["link"] for row in rows] == [line.url for line in lines]
    assert "4711" not in str(rows)
