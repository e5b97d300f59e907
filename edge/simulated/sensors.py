"""Devices that only measure: a room's air, a pressure gauge, an energy meter."""

from collections.abc import Mapping
from typing import Any

from edge.simulated.curves import bump, of_day, wander
from edge.simulated.device import SimulatedDevice


class Climate(SimulatedDevice):
    """Temperature in °C and relative humidity in percent, which go against each other."""

    period_s = 2.0

    def read(self, at_s: float) -> Mapping[str, Any]:
        """Return a room that is warmest in the afternoon."""
        mean = 19.0 + 4.0 * self.chance("mean")
        swing = 1.0 + self.chance("swing")
        temperature = (
            mean
            + swing * of_day(at_s, peak_hour=15.5)
            + 0.4 * wander(self.seed + "/slow", at_s, 1800)
            + 0.05 * wander(self.seed + "/fast", at_s, 10)
        )
        humidity = 48 - 3.0 * (temperature - mean) + 4 * wander(self.seed + "/humid", at_s, 5400)
        return {
            "temperature": round(temperature, 2),
            "humidity": round(max(5.0, min(95.0, humidity)), 1),
        }


class Gauge(SimulatedDevice):
    """The pressure of a heating circuit in bar: sinks slowly, is filled up once a week."""

    period_s = 2.0

    def read(self, at_s: float) -> Mapping[str, Any]:
        """Return a pressure that breathes with the boiler."""
        week = (at_s / 604_800 + self.chance("filled")) % 1
        boiler = 0.08 * wander(self.seed + "/boiler", at_s, 600)
        return {"pressure": round(1.9 - 0.5 * week + boiler, 3)}


class Meter(SimulatedDevice):
    """A three-phase energy meter with nested values: W per phase, V, and kWh in total."""

    period_s = 1.0

    def read(self, at_s: float) -> Mapping[str, Any]:
        """Return a household that cooks at noon and is at home in the evening."""
        base = 120 + 40 * wander(self.seed + "/base", at_s, 900)
        cooking = 2200 * bump(at_s, around_hour=12.2, width_h=0.6)
        evening = 900 * bump(at_s, around_hour=19.5, width_h=2.2)
        kettle = 1800 if self.chance("kettle", int(at_s // 180)) < 0.04 else 0
        noise = 1 + 0.03 * wander(self.seed + "/noise", at_s, 3)
        power = {
            "l1": round((base + kettle) * noise, 1),
            "l2": round((0.5 * base + cooking) * noise, 1),
            "l3": round((0.4 * base + evening) * noise, 1),
        }
        days = at_s / 86_400 - 20_000
        return {
            "power": power | {"total": round(sum(power.values()), 1)},
            "voltage": round(230 + 3 * wander(self.seed + "/volt", at_s, 240), 1),
            "energy": round(9.4 * days + 0.4 * of_day(at_s, peak_hour=22.0), 3),
        }
