"""Buttons that make a device do something, in a real browser."""

from typing import Any

import pytest

import db.base
from clock import now_ms
from db.models import Command
from tests.dashboard.browsing import Tab, Visit
from tests.stack import until


@pytest.fixture
def tab(visit: Visit) -> Tab:
    return visit().open()


def asked(tab: Tab) -> list[Command]:
    """What is on record for the device of a tab."""
    with tab.house.outside.app_context():
        return [
            command
            for command in db.base.db.session.query(Command).order_by(Command.id)
            if command.device.public_id == tab.device
        ]


def posts(tab: Tab) -> int:
    return sum(path.endswith("/commands") for path in tab.asked)


def state(tab: Tab, id_: str, state: str, at: int, detail: str = "") -> None:
    data: dict[str, Any] = {"id": id_, "name": "unlock", "state": state, "at": at}
    tab.house.publish((tab.device, "command", {**data, "detail": detail}))


def test_a_press_is_on_record_and_its_state_is_shown(tab: Tab):
    tab.page.get_by_role("button", name="Unlock").click()

    until(lambda: "broker not reachable" in tab.status)
    (command,) = asked(tab)
    assert (command.name, command.via, command.params) == ("unlock", "page", {})
    assert len(command.idempotency_key) == 32


def test_a_double_click_is_one_command(tab: Tab):
    tab.page.get_by_role("button", name="Unlock").dblclick()

    until(lambda: asked(tab))
    assert posts(tab) == 1
    assert len(asked(tab)) == 1


def test_two_presses_are_two_commands(tab: Tab):
    for count in (1, 2):
        tab.page.get_by_role("button", name="Unlock").click()
        until(lambda count=count: len(asked(tab)) == count)

    first, second = asked(tab)
    assert first.idempotency_key != second.idempotency_key


def test_a_request_that_fails_on_the_way_is_repeated_with_the_same_key(tab: Tab):
    bodies = []

    def once(route):
        bodies.append(route.request.post_data)
        if len(bodies) == 1:
            route.abort()
        else:
            route.continue_()

    tab.page.route("**/commands", once)
    with tab.page.expect_response("**/commands"):
        tab.page.get_by_role("button", name="Unlock").click()

    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
    assert len(asked(tab)) == 1


def test_without_a_connection_nothing_is_said_to_be_done(tab: Tab):
    tab.page.route("**/commands", lambda route: route.abort())
    tab.page.get_by_role("button", name="Unlock").click()

    tab.page.locator("[data-command-state][data-state=failed]").wait_for()
    assert tab.status == "Not sent: no connection"


def test_states_only_move_forward_and_follow_the_newest_command(tab: Tab):
    state(tab, "one", "delivered", 2)
    state(tab, "one", "sent", 1)
    until(lambda: tab.status == "delivered")
    state(tab, "one", "refused", 3, "window open")
    until(lambda: tab.status == "refused: window open")
    state(tab, "two", "sent", 10)
    state(tab, "one", "done", 9)
    state(tab, "two", "no_answer", 12)
    until(lambda: tab.status == "no answer")
    state(tab, "two", "done", 13)
    until(lambda: tab.status == "done")


def test_beside_the_state_stands_how_long_ago_it_was(tab: Tab):
    at = tab.page.locator("[data-command-at]")
    assert at.inner_text() == ""
    state(tab, "one", "done", now_ms() - 3 * 60_000)
    until(lambda: at.inner_text() == "3 minutes ago")
    state(tab, "two", "sent", now_ms() - 1000)
    until(lambda: "second" in at.inner_text())


def test_what_is_refused_is_said_in_words(tab: Tab):
    tab.house.take_away(tab.person)
    tab.page.get_by_role("button", name="Unlock").click()

    until(lambda: tab.status == "There is no such device.")
    assert asked(tab) == []


def test_a_button_to_hold_does_nothing_when_it_is_clicked(tab: Tab):
    tab.page.get_by_role("button", name="Hold").click()
    hold(tab, 300)
    tab.page.get_by_role("button", name="Unlock").click()

    until(lambda: asked(tab))
    assert posts(tab) == 1


def test_a_button_that_is_held_sends_one_command(tab: Tab):
    hold(tab, 1200)

    until(lambda: asked(tab))
    assert posts(tab) == 1


def test_letting_go_beside_the_button_sends_nothing(tab: Tab):
    button(tab).hover()
    tab.page.mouse.down()
    assert "holding" in button(tab).get_attribute("class")
    tab.page.mouse.move(5, 5)

    assert "holding" not in button(tab).get_attribute("class")
    tab.page.wait_for_timeout(1000)
    tab.page.mouse.up()
    assert posts(tab) == 0


@pytest.mark.parametrize("key", ["Enter", " "])
def test_a_key_can_be_held_as_well(tab: Tab, key: str):
    button(tab).focus()
    tab.page.keyboard.press(key)
    assert posts(tab) == 0
    tab.page.keyboard.down(key)
    tab.page.wait_for_timeout(1000)
    tab.page.keyboard.up(key)

    until(lambda: asked(tab))
    assert posts(tab) == 1


def test_a_press_without_pointer_or_key_is_asked_back(tab: Tab):
    answers = iter([False, True])
    tab.page.on("dialog", lambda dialog: dialog.accept() if next(answers) else dialog.dismiss())
    tab.get("document.querySelector('[data-hold]').click()")
    assert posts(tab) == 0
    tab.get("document.querySelector('[data-hold]').click()")

    until(lambda: asked(tab))
    assert posts(tab) == 1


def test_nothing_is_sent_by_loading_going_back_or_opening_again(tab: Tab):
    tab.page.get_by_role("button", name="Unlock").press("Enter")  # wherever it moves to
    until(lambda: asked(tab))
    tab.page.reload()
    tab.follows()
    tab.page.goto("about:blank")
    tab.page.go_back()
    tab.follows()
    again = tab.page.context.new_page()
    again.goto(tab.page.url)
    tab.reading(5.0)
    tab.shows("5.00")

    assert posts(tab) == 1
    assert len(asked(tab)) == 1


def button(tab: Tab):
    return tab.page.get_by_role("button", name="Hold")


def hold(tab: Tab, ms: int) -> None:
    button(tab).hover()
    tab.page.mouse.down()
    tab.page.wait_for_timeout(ms)
    tab.page.mouse.up()
