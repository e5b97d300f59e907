"""A house full of simulated devices, and what makes them misbehave."""

import json
import logging
import os
from collections.abc import Iterable
from functools import partial
from pathlib import Path

from edge import clock
from edge.login import HouseDevice
from edge.schedule import Schedule
from edge.simulated.board import Board
from edge.simulated.device import SimulatedDevice
from edge.simulated.gate import Gate
from edge.simulated.lock import Lock, Mode
from edge.simulated.sensors import Climate, Gauge, Meter

MODELS: dict[str, type[SimulatedDevice]] = {
    "lock": Lock,
    "gate": Gate,
    "climate": Climate,
    "board": Board,
    "gauge": Gauge,
    "meter": Meter,
}
BY_KIND = {
    "lock": Lock,
    "gate": Gate,
    "sensor": Climate,
    "led": Board,
    "gauge": Gauge,
    "other": Meter,
}
LOOK_S = 0.25  # how often the control file is looked at
log = logging.getLogger("gatehouse.edge")


class House:
    """Runs its devices in one thread, plus one for each connection."""

    def __init__(self, devices: Iterable[HouseDevice], *, mode: Mode = Mode.OK) -> None:
        self.schedule = Schedule()
        self.devices = {
            device.login.controller_id: _model(device)(device, self.schedule) for device in devices
        }
        self._usual = mode
        self._read = b""

    def run(self, *, control: Path | None = None, backfill_h: float = 0) -> None:
        """Live until `end` is called or a signal asks to stop.

        Args:
            control: a file {"<controller id or *>": "ok|refuse|silent|slow|off"} that may change.
            backfill_h: publish made-up history of so many hours first.
        """
        for device in self.devices.values():
            device.begin()
            if backfill_h:
                self.schedule.soon(partial(backfill, device, backfill_h))
        self._behave({})
        if control:
            self.schedule.every(LOOK_S, lambda: self._look(control))
        self.schedule.run()
        for device in self.devices.values():
            device.client.stop()

    def end(self) -> None:
        """Make `run` return."""
        self.schedule.end()

    def end_with(self, parent: int) -> None:
        """End when this process is given another parent: the one that started it is gone."""
        self.schedule.every(1.0, lambda: self.end() if os.getppid() != parent else None)

    def _look(self, control: Path) -> None:
        try:
            read = control.read_bytes()
        except FileNotFoundError:
            read = b"{}"
        if read == self._read:
            return
        self._read = read
        try:
            self._behave({name: Mode(word) for name, word in json.loads(read).items()})
        except (ValueError, AttributeError, TypeError):
            log.warning("%s: needs {name: %s}", control, "|".join(Mode))

    def _behave(self, modes: dict[str, Mode]) -> None:
        usual = modes.get("*", self._usual)
        for name, device in self.devices.items():
            mode = modes.get(name, usual)
            if isinstance(device, Lock):
                device.behave(mode)
            elif modes.get(name) is Mode.OFF:
                device.switch_off()
            else:
                device.switch_on()


def _model(device: HouseDevice) -> type[SimulatedDevice]:
    return MODELS.get(device.model) or BY_KIND.get(device.kind, Climate)


def backfill(device: SimulatedDevice, hours: float) -> None:
    """Publish made-up history in batches, as a device does that was long without a network."""
    now_s = clock.now_ms() // 1000
    device.client.publish_past(device.history(int(now_s - hours * 3600), now_s))
