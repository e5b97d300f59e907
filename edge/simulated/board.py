"""A teaching board: a few LEDs that people switch, and a thermometer, told each second."""

from collections.abc import Mapping
from typing import Any

from edge.commands import Command
from edge.login import HouseDevice
from edge.schedule import Schedule
from edge.simulated.curves import of_day, wander
from edge.simulated.device import SimulatedDevice

NAMES = ("kitchen", "living", "garage")
BLINK_S = 20  # about how often somebody presses a button


class Board(SimulatedDevice):
    """Says `led/<name>` when a light changes and `temperature` each second."""

    period_s = 1.0
    takes = ("on", "off", "set")

    def __init__(self, device: HouseDevice, schedule: Schedule) -> None:
        super().__init__(device, schedule)
        self._by_hand: dict[str, bool] = {}  # lights that a command has taken over
        self._shown: dict[str, bool] = {}

    def read(self, at_s: float) -> Mapping[str, Any]:
        """Return the thermometer beside the LEDs, in °C."""
        warmth = 24 + 1.5 * of_day(at_s, peak_hour=16) + 0.3 * wander(self.seed, at_s, 30)
        return {"temperature": round(warmth, 2)}

    def past(self, at_s: float) -> Mapping[str, Any]:
        """Return the lights too."""
        return {**self.read(at_s), "led": {name: self._pressed(name, at_s) for name in NAMES}}

    def tick(self, now_s: float) -> None:
        """Publish the temperature, and the lights that changed, each on its own topic."""
        self.client.say("temperature", str(self.read(now_s)["temperature"]))
        for name in NAMES:
            self._show(name, lit=self._by_hand.get(name, self._pressed(name, now_s)))

    def carry_out(self, command: Command) -> None:
        """Switch one light: `on` and `off` with a target, `set` with a target and a value."""
        target = str(command.params.get("target", "")).removeprefix("led.")
        if target not in NAMES:
            self.client.answer(command, "refused", "there is no such light")
            return
        lit = command.params.get("value") in (True, "ON", "on")
        self._by_hand[target] = lit if command.name == "set" else command.name == "on"
        self._show(target, lit=self._by_hand[target])
        self.client.answer(command, "done")

    def _show(self, name: str, *, lit: bool) -> None:
        if self._shown.get(name) == lit:
            return
        if self.client.say(f"led/{name}", "ON" if lit else "OFF"):
            self._shown[name] = lit

    def _pressed(self, name: str, at_s: float) -> bool:
        return self.chance(f"led/{name}", int(at_s // BLINK_S)) < 0.5
