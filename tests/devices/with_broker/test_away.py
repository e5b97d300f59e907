"""A device that is away while its session waits at the broker: nothing late, nothing claimed."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from clock import utcnow
from db.models import Command
from devices import commands
from tests.devices.with_broker.conftest import House, after_sent, state, states
from tests.mqtt.conftest import Speaker
from tests.stack import free_port, until

LIFETIME_S = 4


class Sleeper:
    """A device of 3.1.1 whose session outlives its connection; it obeys whatever comes."""

    def __init__(self, house: House, made) -> None:
        self.house, self.made = house, made
        self.topic = f"{made.topics}/commands"
        self.opened: list[str] = []  # ids of the commands that moved the bolt
        self.speaker: Speaker | None = None
        self.wake()

    def wake(self, **options) -> None:
        device = self.made.device
        self.speaker = self.house.connect(
            device.mqtt_username, self.made.mqtt_password, clean_session=False, **options
        )
        self.speaker.subscribe(self.topic)

    def sleep(self) -> None:
        self.speaker.close()

    @property
    def got(self) -> list[str]:
        """The names of what came since it woke."""
        return [json.loads(payload)["name"] for _, payload in self.speaker.got]


@pytest.fixture
def sleeper(house, owner) -> Sleeper:
    return Sleeper(house, house.device(owner))


def over(house: House, command: Command) -> None:
    """Wait until a command is closed, as the page sees it, and it is within five seconds."""
    closed = lambda: commands.settle(bus=house.bus, now=utcnow()) or state(command) == "no_answer"  # noqa: E731
    until(closed)
    assert utcnow() - command.asked_at < timedelta(seconds=LIFETIME_S + 2)  # a busy machine


@contextlib.contextmanager
def street(port: int) -> Iterator[tuple[int, threading.Event]]:
    """A way to a port, and what freezes it: bytes are taken and go nowhere, as after a power cut.

    Both ends believe that they are connected.
    """
    frozen, home = threading.Event(), socket.create_server(("127.0.0.1", free_port()))
    ends: list[socket.socket] = [home]

    def carry(one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(65_536):
                if not frozen.is_set():
                    other.sendall(data)

    def accept() -> None:
        with contextlib.suppress(OSError):
            near, _ = home.accept()
            far = socket.create_connection(("127.0.0.1", port))
            ends.extend([near, far])
            for pair in ((near, far), (far, near)):
                threading.Thread(target=carry, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield home.getsockname()[1], frozen
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


def test_a_command_for_a_device_that_is_away_is_never_called_delivered(house, owner, ask, sleeper):
    sleeper.sleep()
    command = ask(sleeper.made.device, by=owner)
    until(lambda: (state(command), command.detail) == ("sent", "not connected"))

    over(house, command)

    assert states(house)[-2:] == ["sent", "no_answer"]
    assert after_sent(house) == ["no_answer"]
    assert (command.detail, command.delivered_at) == ("", None)
    until(lambda: utcnow() - command.asked_at > timedelta(seconds=LIFETIME_S + 1))
    sleeper.wake()
    ask(sleeper.made.device, "lock", by=owner)
    until(lambda: sleeper.got)
    assert sleeper.got == ["lock"]


def test_a_device_that_is_back_in_time_hears_it_once_and_is_believed(house, owner, ask, sleeper):
    sleeper.sleep()
    command = ask(sleeper.made.device, by=owner)
    until(lambda: state(command) == "sent")
    sleeper.wake()
    until(lambda: sleeper.got == ["unlock"])

    answer = {"id": command.public_id, "status": "done"}
    assert commands.answer(sleeper.made.device, answer, bus=house.bus, now=utcnow())

    assert (state(command), command.detail) == ("done", "")
    sleeper.sleep()
    sleeper.wake()
    ask(sleeper.made.device, "lock", by=owner)
    until(lambda: "lock" in sleeper.got)
    assert sleeper.got == ["lock"]


@pytest.mark.parametrize("expires_in_s", [0.2, 1, 2, 3.5])
def test_the_broker_has_dropped_what_the_page_calls_over(house, owner, ask, sleeper, expires_in_s):
    sleeper.sleep()
    command = ask(sleeper.made.device, by=owner, expires_in_s=expires_in_s)
    until(lambda: commands.settle(bus=house.bus, now=utcnow()))
    sleeper.wake()
    ask(sleeper.made.device, "lock", by=owner)
    until(lambda: sleeper.got)
    assert sleeper.got == ["lock"]
    assert state(command) == "no_answer"


def test_what_was_under_way_to_a_device_without_power_does_not_come_later(
    house, owner, ask, sleeper
):
    sleeper.sleep()
    with street(house.settings.mqtt_port) as (port, frozen):
        device = sleeper.made.device
        cut = Speaker(port, device.mqtt_username, sleeper.made.mqtt_password, clean_session=False)
        cut.subscribe(sleeper.topic)
        frozen.set()
        command = ask(device, by=owner)
        over(house, command)
        until(lambda: utcnow() - command.asked_at > timedelta(seconds=LIFETIME_S + 1))
        sleeper.wake()
        ask(device, "lock", by=owner)
        until(lambda: sleeper.got)
        assert sleeper.got == ["lock"]
        assert not cut.got


def test_a_restart_of_the_broker_does_not_make_a_command_younger(house, owner, ask, sleeper):
    sleeper.sleep()
    command = ask(sleeper.made.device, by=owner)
    until(lambda: state(command) == "sent")
    house.mosquitto.stop()
    until(lambda: utcnow() - command.asked_at > timedelta(seconds=LIFETIME_S + 1))
    house.mosquitto.start()
    house.wait_for_publisher()
    sleeper.wake()
    ask(sleeper.made.device, "lock", by=owner)
    until(lambda: sleeper.got)
    assert sleeper.got == ["lock"]


def test_who_subscribes_to_everything_does_not_make_a_command_delivered(house, owner, ask):
    other = house.device(owner, "Back door")
    nosy = house.connect(other.device.mqtt_username, other.mqtt_password)
    nosy.subscribe("#")

    command = ask(house.device(owner).device, by=owner)

    until(lambda: (state(command), command.detail) == ("sent", "not connected"))
    over(house, command)
    assert "delivered" not in states(house)
    assert not nosy.got


def test_a_device_that_was_thrown_out_is_not_connected(house, owner, ask, sleeper):
    device = sleeper.made.device
    first = ask(device, by=owner)
    until(lambda: state(first) == "delivered")
    house.mosquitto._running().kill()
    until(lambda: not house.publisher.connected)
    time.sleep(1.1)  # a broker that is started again in vain tries once a second
    house.mosquitto.ensure_running()
    house.wait_for_publisher()

    second = ask(device, by=owner)

    until(lambda: state(second) in {"sent", "no_answer"} and second.detail == "not connected")
