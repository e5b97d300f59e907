"""A front-door lock whose bolt takes its time, and that can misbehave on request."""

import enum
from collections.abc import Mapping
from typing import Any

from edge.commands import Command
from edge.login import HouseDevice
from edge.schedule import Schedule
from edge.simulated.curves import hour
from edge.simulated.device import SimulatedDevice

BOLT_S = 0.4  # how long the bolt moves
SLOW_BOLT_S = 6.0
OPEN_S = 5.0  # after this the lock locks itself


class Mode(enum.StrEnum):
    """How a lock behaves."""

    OK = "ok"
    REFUSE = "refuse"  # answers that it will not
    SILENT = "silent"  # hears the command and says nothing
    SLOW = "slow"  # opens, but later than anybody waits
    OFF = "off"  # has no power


class Lock(SimulatedDevice):
    """Opens on `unlock`, locks itself again, knows `lock`; tells its bolt and its battery."""

    period_s = 10.0
    takes = ("unlock", "lock")

    def __init__(self, device: HouseDevice, schedule: Schedule) -> None:
        self.locked = True
        self.mode = Mode.OK
        self._openings = 0  # a later opening keeps the door open for longer
        super().__init__(device, schedule)

    def attributes(self) -> dict[str, object]:
        """Return the bolt's state too."""
        return super().attributes() | {"state": "locked" if self.locked else "unlocked"}

    def behave(self, mode: Mode) -> None:
        """Change how the lock behaves from now on."""
        self.mode = mode
        if mode is Mode.OFF:
            self.switch_off()
        else:
            self.switch_on()

    def read(self, at_s: float) -> Mapping[str, Any]:
        """Return the bolt and the battery's charge in percent, which lasts for half a year."""
        spent = at_s / 86_400 / 180 + self.chance("battery")
        return {"locked": self.locked, "battery": round(100 - 80 * (spent % 1), 1)}

    def past(self, at_s: float) -> Mapping[str, Any]:
        """Return readings of a household that goes in and out by day."""
        awake = 7 <= hour(at_s) < 23
        opened = awake and self.chance("door", int(at_s // 60)) < 0.02
        return {**self.read(at_s), "locked": not opened}

    def carry_out(self, command: Command) -> None:
        """Move the bolt, then answer."""
        if self.mode is Mode.REFUSE:
            self.client.answer(command, "refused", "the door is blocked")
            return
        if self.mode is Mode.SILENT:
            return
        bolt_s = SLOW_BOLT_S if self.mode is Mode.SLOW else BOLT_S
        self.schedule.after(bolt_s, lambda: self._moved(command))

    def _moved(self, command: Command) -> None:
        if not self.on:
            return
        self._turn_bolt(locked=command.name == "lock")
        self.client.answer(command, "done")
        if not self.locked:
            self._openings += 1
            opening = self._openings
            self.schedule.after(OPEN_S, lambda: self._relock(opening))

    def _relock(self, opening: int) -> None:
        if opening == self._openings and not self.locked:
            self._turn_bolt(locked=True)

    def _turn_bolt(self, *, locked: bool) -> None:
        self.locked = locked
        self.client.publish({"locked": locked})
        self.client.report(state="locked" if locked else "unlocked")
