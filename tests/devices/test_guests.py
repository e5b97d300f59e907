"""Guest links open a door for the right person, as often and as long as they may."""

import json
import threading
from datetime import timedelta

import pytest

from auth.keys import sha256
from db.base import db, transaction
from db.models import Command, Grant, GuestLink, Level
from devices import guest_pages, guest_visits, guests
from devices.guest_terms import DAY_NAMES, Terms
from errors import Conflict, Forbidden, Invalid, NotFound, TooMany
from tests.devices.conftest import NOW, give, person

HOUR = timedelta(hours=1)
HOUSE = "https://gatehouse.example.org"


@pytest.fixture
def link(parts, owner, door):
    """Makes a link with these terms, open now unless told otherwise; returns its token."""

    def make(**terms):
        wanted = {
            "label": "Mia",
            "timezone": "Europe/Berlin",
            "not_before": NOW - HOUR,
            "not_after": NOW + 24 * HOUR,
        } | terms
        _, url = guests.create(
            door, Terms(**wanted), by=owner, keys=parts.keys, url=HOUSE, now=NOW, address=""
        )
        assert url.startswith(HOUSE + "/g/")
        return url.rsplit("/", 1)[1]

    return make


@pytest.fixture
def press(parts):
    """Presses the button of a link's page; `page` says on which of those that were opened."""
    marks: dict[tuple[str, str], str] = {}
    shows = threading.Lock()

    def shown(token: str) -> str:
        link = db.session.query(GuestLink).filter_by(token_hash=sha256(token)).one_or_none()
        return guest_pages.mark(link, keys=parts.keys, now=NOW) if link else ""

    def pressed(token, page="p1", pin="", now=NOW):
        with shows:
            if (token, page) not in marks:
                marks[token, page] = shown(token)
        return pressed_with(parts, token, marks[token, page], pin=pin, now=now)

    return pressed


def pressed_with(parts, token, mark, pin="", now=NOW) -> Command:
    return guest_visits.press(
        token,
        nonce=mark,
        pin=pin,
        keys=parts.keys,
        publisher=parts.publisher,
        bus=parts.bus,
        namespace="gatehouse",
        now=now,
        address="192.0.2.9",
    )


def test_a_press_opens_the_door_in_the_name_of_the_guest(link, press, publisher):
    command = press(link())
    topic, payload = publisher.sent[0]
    assert topic == "gatehouse/room1/commands"
    assert json.loads(payload)["name"] == "unlock"
    assert (command.actor, command.via) == ("Mia", "guest")


def test_looking_never_acts(link, publisher):
    token = link(max_uses=1)
    for _ in range(50):
        assert guest_visits.look(token, now=NOW).link.uses == 0
    assert publisher.sent == []


def test_the_same_press_twice_is_one_press(link, press, publisher):
    token = link(max_uses=1)
    assert press(token).public_id == press(token).public_id
    assert len(publisher.sent) == 1


@pytest.mark.parametrize("wait", [timedelta(minutes=59), -timedelta(seconds=30)])
def test_a_page_counts_for_an_hour_and_with_another_clock(link, press, publisher, wait):
    press(link(), now=NOW + wait)
    assert len(publisher.sent) == 1


def test_after_an_hour_a_page_is_pressed_again(link, press, publisher):
    token = link(max_uses=1)
    with pytest.raises(Conflict) as refused:
        press(token, now=NOW + HOUR)
    assert refused.value.code == "page_stale"
    assert publisher.sent == []
    assert guest_visits.look(token, now=NOW).link.uses == 0


def test_a_page_that_was_used_does_not_open_again_nor_say_it_did(link, press, publisher):
    token = link()
    press(token)
    with pytest.raises(Conflict):
        press(token, now=NOW + timedelta(minutes=2))
    assert len(publisher.sent) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda mark: "",
        lambda mark: "n1",
        lambda mark: mark + "\n",
        lambda mark: mark.upper(),
        lambda mark: " " + mark,
        lambda mark: f"{int(mark[:12], 16) + 3_600_000:012x}" + mark[12:],
        lambda mark: mark[:13] + mark[13:45][::-1] + mark[45:],
        lambda mark: "０" + mark[1:],
        lambda mark: "x" * 100_000,
    ],
)
def test_what_no_page_was_shown_with_opens_nothing(parts, link, publisher, change):
    token = link(max_uses=1)
    own = db.session.query(GuestLink).one()
    mark = change(guest_pages.mark(own, keys=parts.keys, now=NOW))
    with pytest.raises(Conflict):
        pressed_with(parts, token, mark)
    assert publisher.sent == []


def test_the_page_of_another_link_opens_nothing(parts, link, publisher):
    mine, other = link(), link()
    foreign = db.session.query(GuestLink).filter_by(token_hash=sha256(other)).one()
    with pytest.raises(Conflict):
        pressed_with(parts, mine, guest_pages.mark(foreign, keys=parts.keys, now=NOW))
    assert publisher.sent == []


def test_a_link_for_one_use_opens_once(link, press, publisher):
    token = link(max_uses=1)
    press(token, page="first")
    with pytest.raises(NotFound):
        press(token, page="second")
    assert len(publisher.sent) == 1


def crowd(server, press, token, pages) -> list[str]:
    """Press at once, each in a thread of its own; returns the ids of the commands that came of it.

    `pages` says on which pages: the same twice is one press whose request was sent twice.
    """
    ready, made = threading.Barrier(len(pages)), []

    def guest(page: str) -> None:
        with server.app_context():
            ready.wait()
            try:
                made.append(press(token, page=page).public_id)
            except NotFound:
                pass
            finally:
                db.session.remove()

    threads = [threading.Thread(target=guest, args=(page,)) for page in pages]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return made


def test_twenty_presses_at_once_on_one_use_open_once(server, link, press, publisher):
    made = crowd(server, press, link(max_uses=1), [f"n{number}" for number in range(20)])
    assert len(publisher.sent) == len(made) == 1


def test_one_press_sent_twice_at_once_takes_one_use_and_both_hear_of_it(
    server, link, press, publisher
):
    token = link(max_uses=2)
    made = crowd(server, press, token, ["tapped twice"] * 10)
    assert len(made) == 10
    assert len(set(made)) == len(publisher.sent) == 1
    assert guest_visits.look(token, now=NOW).link.uses == 1


def test_a_link_takes_thirty_presses_a_minute(link, press, publisher):
    token = link()
    for number in range(30):
        press(token, page=f"page {number}")
    with pytest.raises(TooMany) as refused:
        press(token, page="one more")
    assert 0 < refused.value.retry_after <= 60
    assert len(publisher.sent) == 30


def test_an_early_guest_is_told_when_and_nothing_is_sent(link, press, publisher):
    token = link(not_before=NOW + HOUR)
    assert guest_visits.look(token, now=NOW).verdict.opens_at == NOW + HOUR
    with pytest.raises(Forbidden):
        press(token)
    assert publisher.sent == []


@pytest.mark.parametrize(
    "end", ["late", "revoked", "unknown", "door revoked", "no door any more", "owner lost it"]
)
def test_all_ends_of_a_link_look_the_same(link, press, publisher, door, owner, end):
    token = link()
    if end == "unknown":
        token = "x" * 43
    if end == "revoked":
        made = guests.of(door, by=owner)[0]
        guests.revoke(door, made.public_id, by=owner, now=NOW, address="")
    if end == "no door any more":
        with transaction():
            door.kind = "sensor"
    if end == "door revoked":
        with transaction():
            door.revoked_at = NOW
    if end == "owner lost it":
        with transaction() as session:
            session.query(Grant).delete()
    with pytest.raises(NotFound) as refused:
        press(token, now=NOW + 25 * HOUR if end == "late" else NOW)
    assert refused.value.code == "guest_link_ended"
    assert publisher.sent == []


def test_weekly_hours_are_those_of_the_door(link):
    weekly = [
        {
            "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
            "from": "15:00",
            "until": "16:00",
        }
    ]
    berlin = guest_visits.look(link(weekly=weekly), now=NOW).verdict
    tokyo = guest_visits.look(link(weekly=weekly, timezone="Asia/Tokyo"), now=NOW).verdict
    assert berlin.opens_at is not None
    assert berlin.opens_at.minute == tokyo.opens_at.minute == 0
    assert berlin.opens_at != tokyo.opens_at


def test_a_pin_is_asked_for_and_compared(link, press, publisher):
    token = link(pin="004217")
    assert guest_visits.look(token, now=NOW).wants_pin
    with pytest.raises(Forbidden):
        press(token, pin="004218")
    assert publisher.sent == []
    press(token, pin="004217")
    assert len(publisher.sent) == 1


def test_wrong_pins_bring_a_pause_that_the_right_one_must_wait_for_too(link, press, publisher):
    token = link(pin="004217")
    for number in range(5):
        with pytest.raises(Forbidden):
            press(token, page=f"p{number}", pin="999999")
    with pytest.raises(TooMany):
        press(token, pin="004217")
    assert publisher.sent == []


def test_twenty_wrong_pins_at_once_are_counted_each(server, link, press, publisher):
    token = link(pin="004217")
    refused = []

    def guess(number: int) -> None:
        with server.app_context():
            try:
                press(token, page=f"p{number}", pin=f"9{number:03}")
            except (Forbidden, TooMany) as error:
                refused.append(type(error))
            finally:
                db.session.remove()

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(20)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert (refused.count(Forbidden), refused.count(TooMany)) == (5, 15)
    assert publisher.sent == []
    db.session.rollback()
    assert guest_visits.look(token, now=NOW).link.pin_failures == 5


IN_THREE_DAYS = {
    "days": [DAY_NAMES[(NOW.weekday() + 3) % 7]],
    "from": "10:00",
    "until": "11:00",
}


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("label", {"label": "  "}),
        ("label", {"label": "Mia\nBcc: x"}),
        ("language", {"language": "tlh"}),
        ("timezone", {"timezone": "Mars/Olympus"}),
        ("not_after", {"not_after": NOW - 2 * HOUR}),
        ("not_after", {"not_after": NOW + timedelta(days=5000)}),
        ("max_uses", {"max_uses": 0}),
        ("pin", {"pin": "12"}),
        ("weekly", {"weekly": [{"days": ["fryday"], "from": "10:00", "until": "11:00"}]}),
        ("weekly", {"weekly": [{"days": ["fri"], "from": "25:00", "until": "11:00"}]}),
        ("weekly", {"not_after": NOW + HOUR, "weekly": [IN_THREE_DAYS]}),  # would never open
    ],
)
def test_terms_that_make_no_sense_are_refused_by_field(link, field, terms):
    with pytest.raises(Invalid) as refused:
        link(**terms)
    assert refused.value.details["field"] == field


def test_only_managers_make_links(parts, door, stranger):
    terms = Terms("Mia", NOW, NOW + HOUR, "UTC")
    with pytest.raises(NotFound):
        guests.create(door, terms, by=stranger, keys=parts.keys, url=HOUSE, now=NOW, address="")
    give(stranger, door, Level.OPERATOR)
    with pytest.raises(Forbidden):
        guests.create(door, terms, by=stranger, keys=parts.keys, url=HOUSE, now=NOW, address="")


def test_what_came_of_a_press_is_shown_to_its_link_only(link, press):
    mine, other = link(), link()
    command = press(mine)
    assert guest_visits.outcome(mine, command.public_id)[1].id == command.id
    with pytest.raises(NotFound):
        guest_visits.outcome(other, command.public_id)


def test_neither_token_nor_pin_is_in_the_database(link, press, settings):
    token = link(pin="73914652")
    press(token, pin="73914652")
    db.session.remove()
    stored = b"".join(path.read_bytes() for path in settings.instance_dir.glob("app.sqlite*"))
    assert token.encode() not in stored
    assert b"73914652" not in stored
    assert db.session.query(Command).count() == 1


def test_a_manager_who_was_removed_takes_the_links_along(parts, door, owner):
    helper = person("helper")
    give(helper, door, Level.MANAGER)
    _, url = guests.create(
        door,
        Terms("Mia", NOW - HOUR, NOW + HOUR, "UTC"),
        by=helper,
        keys=parts.keys,
        url=HOUSE,
        now=NOW,
        address="",
    )
    token = url.rsplit("/", 1)[1]
    guest_visits.look(token, now=NOW)
    with transaction() as session:
        session.query(Grant).filter_by(user_id=helper.id).delete()
    with pytest.raises(NotFound):
        guest_visits.look(token, now=NOW)
