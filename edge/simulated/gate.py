"""A driveway gate that takes seconds to open and can be stopped on the way."""

from collections.abc import Mapping
from typing import Any

from edge.commands import Command
from edge.login import HouseDevice
from edge.schedule import Schedule
from edge.simulated.curves import hour
from edge.simulated.device import SimulatedDevice

TRAVEL_S = 8.0  # from closed to open
STEP_S = 0.5
TARGETS = {"open": 100.0, "unlock": 100.0, "close": 0.0, "lock": 0.0}


class Gate(SimulatedDevice):
    """Knows `open`, `close` and `stop`; answers when it has arrived."""

    period_s = 15.0
    takes = (*TARGETS, "stop")

    def __init__(self, device: HouseDevice, schedule: Schedule) -> None:
        self.position = 0.0  # percent open
        self._target = 0.0
        self._under_way: Command | None = None
        super().__init__(device, schedule)

    def attributes(self) -> dict[str, object]:
        """Return where the gate is too."""
        return super().attributes() | {"state": self._state()}

    def read(self, at_s: float) -> Mapping[str, Any]:
        """Return how far the gate is open, in percent."""
        return {"position": self.position}

    def past(self, at_s: float) -> Mapping[str, Any]:
        """Return readings of a gate through which cars come and go."""
        awake = 6 <= hour(at_s) < 22
        opened = awake and self.chance("gate", int(at_s // 60)) < 0.015
        return {"position": 100.0 if opened else 0.0}

    def carry_out(self, command: Command) -> None:
        """Move towards the target; a newer command takes the place of one under way."""
        if self._under_way is not None:
            self.client.answer(self._under_way, "failed", f"stopped by {command.name}")
            self._under_way = None
        moving = self._target != self.position
        self._target = TARGETS.get(command.name, self.position)
        if self._target == self.position:
            self._arrived(command)
            return
        self._under_way = command
        if not moving:
            self.schedule.after(STEP_S, self._move)

    def _move(self) -> None:
        if not self.on or self._target == self.position:
            return
        step = 100 * STEP_S / TRAVEL_S
        way = max(-step, min(step, self._target - self.position))
        self.position = round(self.position + way, 2)
        self.client.publish({"position": self.position})
        if self.position != self._target:
            self.schedule.after(STEP_S, self._move)
        elif self._under_way is not None:
            command, self._under_way = self._under_way, None
            self._arrived(command)

    def _arrived(self, command: Command) -> None:
        self.client.answer(command, "done")
        self.client.report(state=self._state())

    def _state(self) -> str:
        return {0.0: "closed", 100.0: "open"}.get(self.position, "half open")
