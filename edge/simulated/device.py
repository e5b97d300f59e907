"""What all simulated devices have in common."""

import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

from edge import clock
from edge.client import DeviceClient
from edge.commands import Command
from edge.login import HouseDevice
from edge.schedule import Schedule
from edge.simulated import curves

FIRMWARE = "simulated 1.0"


class SimulatedDevice(ABC):
    """A device with a connection and credentials of its own.

    A model says what its sensors read at a time and what it does when it is asked to; it runs
    in the one thread of the schedule.
    """

    period_s = 5.0  # between readings
    history_step_s = 60  # between readings of made-up history
    takes: tuple[str, ...] = ()  # names of commands

    def __init__(self, device: HouseDevice, schedule: Schedule) -> None:
        self.device = device
        self.seed = device.login.controller_id
        self.schedule = schedule
        self.on = False
        self.client = DeviceClient(
            device.login,
            on_command=lambda command: schedule.soon(lambda: self._heard(command)),
            attributes=self.attributes(),
        )

    def switch_on(self) -> None:
        """Connect to the broker."""
        if not self.on:
            self.on = True
            self.client.start()

    def switch_off(self) -> None:
        """Lose power: the broker notices and sends the last will."""
        if self.on:
            self.on = False
            self.client.cut()

    def begin(self) -> None:
        """Switch on and read the sensors from now on, not all devices in the same instant."""
        self.switch_on()
        first_s = random.uniform(0, min(1.0, self.period_s))  # noqa: S311  spreads the load
        self.schedule.every(self.period_s, self._turn, first_s=first_s)

    def attributes(self) -> dict[str, object]:
        """Return what the device tells of itself on `status`."""
        return {"firmware": FIRMWARE, "rssi": -50 - round(20 * self.chance("rssi"))}

    @abstractmethod
    def read(self, at_s: float) -> Mapping[str, Any]:
        """Return what the sensors read at a time, in seconds since 1970."""

    def past(self, at_s: float) -> Mapping[str, Any]:
        """Return what the sensors would have read at a time that is over."""
        return self.read(at_s)

    def carry_out(self, command: Command) -> None:
        """Do what was asked, now or over some time, and answer when it is done.

        A device that takes no commands refuses each.
        """
        self.client.answer(command, "refused", f"cannot {command.name}"[:200])

    def history(self, start_s: int, end_s: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield (ms since 1970, values) from a second up to another, oldest first."""
        step = self.history_step_s
        for at_s in range(start_s + -start_s % step, end_s, step):
            yield at_s * 1000, self.past(at_s)

    def chance(self, what: str, step: int = 0) -> float:
        """Return a number in [0, 1) that is always the same for this device."""
        return curves.chance(f"{self.seed}/{what}", step)

    def _turn(self) -> None:
        if self.on:
            self.tick(clock.now_ms() / 1000)

    def tick(self, now_s: float) -> None:
        """Publish what the sensors read; called once a period."""
        self.client.publish(self.read(now_s))

    def _heard(self, command: Command) -> None:
        if not self.on:
            return
        if command.name in self.takes:
            self.carry_out(command)
        else:
            SimulatedDevice.carry_out(self, command)
