"""Guest links on PostgreSQL: the same tests, with real races between connections."""

# ruff: noqa: F401, F811  the imported tests are run here too

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask import Flask

import wiring
from tests.devices.conftest import door, owner, publisher, stranger
from tests.devices.test_guests import (
    link,
    press,
    test_a_link_for_one_use_opens_once,
    test_a_manager_who_was_removed_takes_the_links_along,
    test_a_pin_is_asked_for_and_compared,
    test_all_ends_of_a_link_look_the_same,
    test_one_press_sent_twice_at_once_takes_one_use_and_both_hear_of_it,
    test_twenty_presses_at_once_on_one_use_open_once,
    test_twenty_wrong_pins_at_once_are_counted_each,
    test_wrong_pins_bring_a_pause_that_the_right_one_must_wait_for_too,
)


@pytest.fixture
def parts(server: Flask, publisher) -> Iterator[wiring.Wiring]:
    """What services ask for, with a book of what went out in place of the broker."""
    usual = wiring.current()
    made = replace(usual, publisher=publisher)
    wiring.attach(server, made)
    yield made
    wiring.attach(server, usual)
