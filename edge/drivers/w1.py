"""DS18B20 thermometers, as Linux shows them under /sys/bus/w1."""

from dataclasses import dataclass, field
from pathlib import Path

FOLDER = "/sys/bus/w1/devices"
POWER_ON = 85_000  # what the chip says before its first measurement


@dataclass(slots=True)
class Ds18b20:
    """One thermometer, °C; the first one on the bus if no id is given."""

    id: str = ""  # for example 28-0316a2790eff
    folder: str = FOLDER
    watched = False
    _file: Path | None = field(default=None, init=False)

    def open(self) -> None:
        """Find the thermometer."""
        found = sorted(Path(self.folder).glob(f"{self.id or '28-*'}/w1_slave"))
        if not found:
            raise OSError(
                f"no thermometer {self.id or '28-*'} in {self.folder}: is dtoverlay=w1-gpio in "
                "/boot/firmware/config.txt, and the sensor wired with its 4.7 kΩ resistor?"
            )
        self._file = found[0]

    def read(self) -> float:
        """Return the temperature.

        Raises:
            OSError: the wire is loose: no answer, a wrong check sum, or the power-on value.
        """
        if self._file is None:
            raise OSError("the thermometer is not open")
        first, _, second = self._file.read_text(encoding="ascii").partition("\n")
        _, found, thousandths = second.strip().rpartition("t=")
        if not first.endswith("YES") or not found:
            raise OSError("the thermometer's answer has a wrong check sum")
        if int(thousandths) == POWER_ON:
            raise OSError("the thermometer lost power before it had measured")
        return int(thousandths) / 1000

    def close(self) -> None:
        """Forget the thermometer."""
        self._file = None
