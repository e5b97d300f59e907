import pytest

from edge import clock
from edge.journal import REMEMBERED, Journal

NOW = 1_795_000_000_000
HOUR = 3_600_000


@pytest.fixture
def journal(tmp_path):
    journals = []

    def opened():
        journals.append(Journal(tmp_path / "journal.sqlite"))
        return journals[-1]

    yield opened
    for one in journals:
        one.close()


def test_a_command_is_new_once_also_after_a_restart(journal):
    assert journal().first_time("a")
    assert not journal().first_time("a")


def test_at_least_64_commands_are_remembered_and_the_file_does_not_grow(journal):
    one = journal()
    for number in range(1000):
        assert one.first_time(str(number))

    assert not any(one.first_time(str(number)) for number in range(1000 - 64, 1000))
    assert one._db.execute("SELECT count(*) FROM seen").fetchone()[0] == REMEMBERED


def test_a_counter_only_grows_also_after_restarts(journal):
    counted = []
    for _restart in range(3):
        one = journal()
        counted += [one.count("said") for _ in range(300)]

    assert counted == sorted(set(counted))


def test_a_clock_from_before_this_program_is_not_believed(journal):
    assert not clock.is_set(0, journal())


def test_a_clock_that_fell_behind_what_was_seen_is_not_believed(journal):
    assert clock.is_set(NOW, journal())
    assert not clock.is_set(NOW - HOUR, journal())
    assert clock.is_set(NOW + HOUR, journal())
