"""Those who write take turns: nobody waits longer than for one step of each of the others."""

import threading

import pytest

from db.telemetry.chunks import FULL
from db.telemetry.records import Batch
from db.telemetry.turns import Turns
from tests.stack import until

T = 1_795_000_000_000


def test_turns_come_in_the_order_of_asking():
    turns, order = Turns(), []

    def ask(number):
        with turns.mine(10):
            order.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    with turns.mine(10):
        for number, thread in enumerate(threads, 1):
            thread.start()
            until(lambda number=number: len(turns._waiting) == number)
    for thread in threads:
        thread.join()

    assert order == [0, 1, 2, 3, 4]


def test_who_lets_go_and_asks_again_comes_after_who_waits():
    turns, order = Turns(), []

    def once():
        with turns.mine(10):
            order.append("other")

    other = threading.Thread(target=once)
    with turns.mine(10):
        other.start()
        until(lambda: turns._waiting)
    with turns.mine(10):
        order.append("again")
    other.join()

    assert order == ["other", "again"]


def test_patience_ends_and_costs_nobody_his_turn():
    turns = Turns()
    with turns.mine(10), pytest.raises(TimeoutError), turns.mine(0.01):
        pass

    with turns.mine(0.01):
        pass


def test_a_turn_is_handed_on_after_an_error():
    turns = Turns()
    with pytest.raises(RuntimeError), turns.mine(10):
        raise RuntimeError

    with turns.mine(0.01):
        pass


def test_others_write_between_the_steps_of_sealing(store):
    old, fresh = (store.add_series(7, name, "number").id for name in ("old", "fresh"))
    store.write(Batch(values=[(old, T + i * 1000, float(i)) for i in range(20 * FULL)]))
    ended, written = threading.Event(), []

    def write():
        while not ended.is_set():
            store.write(Batch(values=[(fresh, T + len(written), 1.0)]))
            written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    until(lambda: written)
    before = len(written)
    store.seal(before_ms=T + 10**9, anyway_ms=0, series_id=old)
    during = len(written) - before
    ended.set()
    writer.join()

    assert during >= 5  # of the seven steps; one that grabs its turn again lets in two at most
