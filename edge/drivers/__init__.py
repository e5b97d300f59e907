"""What a device is made of: sensors that are read and outputs that are switched.

A driver is a dataclass; its fields are what a table of the configuration file may say.  It
touches no hardware before `open`.
"""

from typing import Protocol

from edge.drivers.gpio import Button, Led, Pulse
from edge.drivers.simulated import SimulatedOutput, SimulatedSensor
from edge.drivers.w1 import Ds18b20

Value = float | bool | str


class Driver(Protocol):
    """What all have in common."""

    def open(self) -> None:
        """Get hold of the hardware.

        Raises:
            OSError: it is not there or cannot be used; the text says what to do.
        """

    def close(self) -> None:
        """Let the hardware go, in its safe state."""


class Sensor(Driver, Protocol):
    """Something that is read."""

    watched: bool  # whether a change must be told at once

    def read(self) -> Value:
        """Return the present value.

        Raises:
            OSError: the sensor does not answer or tells nonsense.
        """


class Output(Driver, Protocol):
    """Something that is switched."""

    pulse_s: float  # how long a door opener stays on; 0: it is no door opener

    def switch(self, *, on: bool) -> None:
        """Switch on or off.

        Raises:
            OSError: the hardware cannot do it.
        """


SENSORS: dict[str, type] = {"ds18b20": Ds18b20, "button": Button, "simulated": SimulatedSensor}
OUTPUTS: dict[str, type] = {"led": Led, "pulse": Pulse, "simulated": SimulatedOutput}
