"""Parts that are not there, to try a configuration on any machine."""

import time
from dataclasses import dataclass, field

from edge.simulated.curves import wander


@dataclass(slots=True)
class SimulatedSensor:
    """A value that wanders around a mean."""

    mean: float = 20.0
    swing: float = 2.0
    period_s: float = 600.0
    seed: str = "sensor"
    watched = False

    def open(self) -> None:
        """There is nothing to get hold of."""

    def read(self) -> float:
        """Return the value of this moment."""
        return round(self.mean + self.swing * wander(self.seed, time.time(), self.period_s), 2)

    def close(self) -> None:
        """There is nothing to let go."""


@dataclass(slots=True)
class SimulatedOutput:
    """A light or a door opener that only remembers; with `pulse_s` it is a door opener."""

    pulse_s: float = 0.0
    on: bool = field(default=False, init=False)

    def open(self) -> None:
        """There is nothing to get hold of."""

    def switch(self, *, on: bool) -> None:
        """Remember."""
        self.on = on

    def close(self) -> None:
        """Switch off."""
        self.on = False
