"""Buttons, LEDs and relays on the pins of a Raspberry Pi, by gpiozero if it is installed."""

from dataclasses import dataclass, field
from typing import Any


def _gpiozero() -> Any:
    try:
        import gpiozero
    except ImportError as error:
        raise OSError("gpiozero is missing: pip install gpiozero lgpio") from error
    return gpiozero


def _claimed(make: Any, pin: int, **options: Any) -> Any:
    try:
        return make(pin, **options)
    except Exception as error:  # gpiozero's own kinds depend on the pin library it finds
        raise OSError(f"pin {pin} cannot be used: {error}") from error


@dataclass(slots=True)
class Button:
    """A push button between a pin and ground; true while it is pressed."""

    pin: int  # BCM number
    pull_up: bool = True
    bounce_s: float = 0.02
    watched = True
    _part: Any = field(default=None, init=False)

    def open(self) -> None:
        """Claim the pin."""
        make = _gpiozero().Button
        self._part = _claimed(make, self.pin, pull_up=self.pull_up, bounce_time=self.bounce_s)

    def read(self) -> bool:
        """Return whether the button is pressed."""
        return bool(self._part.is_pressed)

    def close(self) -> None:
        """Release the pin."""
        if self._part is not None:
            self._part.close()


@dataclass(slots=True)
class Led:
    """An LED or a relay on a pin; off when the program ends."""

    pin: int  # BCM number
    active_high: bool = True
    pulse_s: float = field(default=0.0, init=False)
    _part: Any = field(default=None, init=False)

    def open(self) -> None:
        """Claim the pin and switch off."""
        make = _gpiozero().DigitalOutputDevice
        self._part = _claimed(make, self.pin, active_high=self.active_high)

    def switch(self, *, on: bool) -> None:
        """Switch on or off."""
        self._part.value = on

    def close(self) -> None:
        """Switch off and release the pin."""
        if self._part is not None:
            self._part.close()


@dataclass(slots=True)
class Pulse(Led):
    """A door opener: a relay that closes for a moment when it is told to unlock."""

    pulse_s: float = 0.7
