"""Between receiving and storing: bounded, in order, and nobody waits for ever."""

import threading

from mqtt.inbox import Inbox, Message
from tests.stack import until


def message(number, size=1):
    return Message("t", b"x" * size, number, 1, 0)


def test_messages_come_out_in_order_and_at_most_so_many():
    inbox = Inbox()
    for number in range(5):
        inbox.put(message(number))

    assert [one.mid for one in inbox.take(3, 0)] == [0, 1, 2]
    assert [one.mid for one in inbox.take(3, 0)] == [3, 4]
    assert inbox.take(3, 0) == []


def test_who_waits_for_a_message_gets_it_at_once():
    inbox, got = Inbox(), []
    thread = threading.Thread(target=lambda: got.extend(inbox.take(10, 30)))
    thread.start()

    inbox.put(message(1))
    thread.join(5)

    assert [one.mid for one in got] == [1]


def test_who_is_woken_goes_on_without_a_message_once():
    inbox, rounds = Inbox(), []
    inbox.wake()
    assert inbox.take(10, 30) == []
    thread = threading.Thread(target=lambda: rounds.append(inbox.take(10, 30)))
    thread.start()
    inbox.wake()
    thread.join(5)
    assert rounds == [[]]


def waiting(inbox, *messages):
    """A thread that puts messages into an inbox."""
    thread = threading.Thread(target=lambda: [inbox.put(one) for one in messages], daemon=True)
    thread.start()
    return thread


def test_a_full_inbox_lets_no_more_in_until_something_is_taken():
    for inbox in (Inbox(most=2), Inbox(most_bytes=2)):
        thread = waiting(inbox, *(message(number) for number in range(3)))
        until(lambda inbox=inbox: len(inbox) == 2)
        assert thread.is_alive()

        inbox.take(1, 0)
        thread.join(5)

        assert [one.mid for one in inbox.take(10, 0)] == [1, 2]


def test_clearing_and_closing_let_nobody_wait():
    inbox = Inbox(most=1)
    thread = waiting(inbox, message(1), message(2))
    until(lambda: len(inbox) == 1)
    inbox.clear()
    thread.join(5)
    assert [one.mid for one in inbox.take(10, 0)] == [2]

    thread = waiting(inbox, message(3), message(4))
    until(lambda: len(inbox) == 1)
    inbox.close()
    thread.join(5)
    assert not thread.is_alive()
    assert inbox.closed
    assert [one.mid for one in inbox.take(10, 30)] == [3]
    assert inbox.take(10, 30) == []


def test_who_looks_at_what_waits_sees_each_message_once_and_takes_none():
    inbox = Inbox()
    inbox.put(*(message(number) for number in range(1, 5)))
    inbox.take(1, 0)

    seen, mark = inbox.waiting(0)
    assert [one.mid for one in seen] == [2, 3, 4]
    assert inbox.waiting(mark) == ([], mark)
    inbox.put(message(5))
    assert [one.mid for one in inbox.waiting(mark)[0]] == [5]
    inbox.clear()
    inbox.put(message(6))
    assert [one.mid for one in inbox.waiting(mark)[0]] == [6]
    assert [one.mid for one in inbox.take(10, 0)] == [6]
