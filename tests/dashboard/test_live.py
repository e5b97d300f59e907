"""GET /live under the real web server: who hears what, for how long, and how it ends."""

import pytest
import requests

from clock import utcnow
from db.models import User
from tests.dashboard.watching import COOKIE, Watched, watched
from tests.stack import until


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory):
    with watched(tmp_path_factory.mktemp("live")) as served:
        yield served


def test_an_event_arrives_as_it_was_published(house: Watched):
    person = house.person()
    watching = house.watch(person)
    house.reading(person.devices[0], "temperature", 21.57, t=1_763_700_000_000)

    frame = watching.until("reading")
    assert frame.data == {
        "d": person.devices[0],
        "s": "temperature",
        "t": 1_763_700_000_000,
        "v": 21.57,
        "k": "number",
    }


def test_the_answer_is_never_kept_changed_or_held_back(house: Watched):
    watching = house.watch(house.person())

    headers = dict(watching.answer.getheaders())
    assert headers["Content-Type"].startswith("text/event-stream")
    assert headers["Cache-Control"] == "no-cache, no-transform"
    assert headers["X-Accel-Buffering"] == "no"
    assert "Content-Encoding" not in headers


def test_nobody_hears_of_somebody_elses_device(house: Watched):
    person, other = house.person(), house.person()
    watching = house.watch(person)
    house.reading(other.devices[0], "temperature", 1.0)
    house.reading(person.devices[0], "temperature", 2.0)

    watching.until("reading")
    assert watching.values() == [2.0]


def test_a_stranger_hears_nothing(house: Watched):
    assert requests.get(house.url + "/live", timeout=30).status_code == 401
    assert requests.get(house.url + "/live/ping", timeout=30).status_code == 401


def test_who_is_signed_in_is_told_to_try_again(house: Watched):
    answer = requests.get(
        house.url + "/live/ping", cookies={COOKIE: house.person().cookie}, timeout=30
    )
    assert answer.status_code == 204


def test_who_comes_back_gets_what_was_missed_once(house: Watched):
    person = house.person()
    first = house.watch(person)
    house.reading(person.devices[0], "temperature", 1.0)
    last = first.until("reading").id
    first.close()
    house.reading(person.devices[0], "temperature", 2.0)
    house.reading(person.devices[0], "temperature", 3.0)

    again = house.watch(person, last=last)
    house.reading(person.devices[0], "temperature", 4.0)
    until(lambda: 4.0 in again.values())
    assert again.values() == [2.0, 3.0, 4.0]


@pytest.mark.parametrize("last", ["1", "99999999999999999", "nonsense", "-1", "9" * 400])
def test_an_id_that_means_nothing_is_a_gap(house: Watched, last: str):
    watching = house.watch(house.person(), last=last)

    assert watching.until("gap")


def test_a_taken_right_ends_within_two_seconds(house: Watched):
    person = house.person()
    watching = house.watch(person)
    house.take_away(person)

    assert watching.until("device", 2.0).data["change"] == "access"
    house.reading(person.devices[0], "temperature", 1.0)
    other = house.person()
    witness = house.watch(other)
    house.reading(other.devices[0], "temperature", 2.0)
    witness.until("reading")
    assert watching.values() == []


def test_word_of_a_changed_right_is_acted_on_before_the_next_check(tmp_path):
    with watched(tmp_path, check_s=600) as house:
        person = house.person()
        watching = house.watch(person)
        house.take_away(person)
        house.publish((person.devices[0], "device", {"change": "access"}))

        until(lambda: [frame.kind for frame in watching.frames].count("device") == 2)


def test_a_given_right_is_heard_within_two_seconds(house: Watched):
    giver, taker = house.person(), house.person(devices=0)
    watching = house.watch(taker)
    house.give(taker, giver.devices[0])

    assert watching.until("device", 2.0).data == {"d": giver.devices[0], "change": "access"}
    house.reading(giver.devices[0], "temperature", 5.0)
    assert watching.until("reading").data["v"] == 5.0


def test_logging_out_ends_the_stream_within_two_seconds(house: Watched):
    person = house.person()
    watching = house.watch(person)
    house.log_out(person)

    assert watching.until("bye", 2.0).data == {"why": "session"}
    until(lambda: watching.ended)


def test_disabling_a_person_ends_the_stream_within_two_seconds(house: Watched):
    person = house.person()
    watching = house.watch(person)
    house.change(User, person.user_id, disabled_at=utcnow())

    assert watching.until("bye", 2.0).data == {"why": "session"}


def test_a_stream_keeps_no_connection_to_the_database(house: Watched):
    for _ in range(5):
        house.watch(house.person())

    until(lambda: requests.get(house.url + "/test/pool", timeout=30).text == "0")


def test_a_full_server_refuses_streams_and_still_serves_pages(tmp_path):
    with watched(tmp_path, threads=8) as small:
        for _ in range(4):
            small.watch(small.person())
        refused = small.watch(small.person())

        assert refused.answer.status == 503
        assert int(refused.answer.headers["Retry-After"]) > 0
        page = requests.get(
            small.url + "/data/state", cookies={COOKIE: small.person().cookie}, timeout=30
        )
        assert page.status_code == 200


def test_the_server_ends_at_once_though_streams_are_open(tmp_path):
    with watched(tmp_path) as served:
        streams = [served.watch(served.person()) for _ in range(5)]

        assert served.stop() < 20  # gunicorn itself would wait for 30 s
        for stream in streams:
            assert stream.until("bye").data == {"why": "restart"}


def test_a_stream_goes_on_after_a_restart_with_a_gap(tmp_path):
    with watched(tmp_path) as served:
        person = served.person()
        watching = served.watch(person)
        served.reading(person.devices[0], "temperature", 1.0)
        last = watching.until("reading").id
        served.stop()
        served.start()

        again = served.watch(person, last=last)
        assert again.until("gap")
        served.reading(person.devices[0], "temperature", 2.0)
        again.until("reading")
        assert again.values() == [2.0]
