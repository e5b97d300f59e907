"""What the server keeps in memory of each device that it hears."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from db.telemetry.records import PresenceRow
from db.telemetry.store import TelemetryStore
from devices.bucket import Bucket
from devices.directory import KnownDevice
from devices.parsing import Plain
from devices.presence import State, state_at
from mqtt.sealing import Seal


@dataclass(slots=True)
class Sensor:
    """What is kept of one series."""

    id: int
    kind: str
    newest_ms: int  # 0: nothing yet
    arrival_ms: int = 0  # of the last reading whose time is that of its arrival
    on: bool = False  # whether the newest reading is a state that is on

    def arrived(self, now_ms: int) -> int:
        """Return a time for a reading without one, different from that of the one before.

        After a pause the broker sends many at once; they must not take each other's place.
        """
        self.arrival_ms = max(now_ms, self.arrival_ms + 1)
        return self.arrival_ms


@dataclass(slots=True)
class Heard:
    """What is kept of one device; times in milliseconds, 0 for never."""

    device: KnownDevice
    bucket: Bucket
    sensors: dict[str, Sensor]
    said: str = "offline"
    since: int = 0
    last_seen: int = 0
    attributes: dict[str, Plain] = field(default_factory=dict)
    shown: State = State.NEVER_SEEN  # what browsers were told last
    counted: int = 0  # the counter of the last sealed message
    seal: Seal | None = None  # opens such messages; made with the first

    def is_new(self, sensor: str) -> bool:
        """Return whether a sensor has said nothing yet."""
        known = self.sensors.get(sensor)
        return known is None or not known.newest_ms

    def row(self) -> PresenceRow:
        """Return the presence as it is stored."""
        return PresenceRow(self.said, self.since, self.last_seen, dict(self.attributes))

    def state(self, now_ms: int) -> State:
        """Return the state at a time."""
        return state_at(self, expected_interval_s=self.device.expected_interval_s, now_ms=now_ms)

    def say(self, said: str, now_ms: int) -> None:
        """Take down what the device says of itself, and since when."""
        if said != self.said or not self.since:
            self.said, self.since = said, now_ms


def load(
    store: TelemetryStore, devices: Iterable[KnownDevice], *, rate: float, now_ms: int
) -> dict[int, Heard]:
    """Return what the store knows of devices, by device id.

    Raises:
        Unavailable: the store cannot be reached just now.
    """
    wanted = {device.id: device for device in devices}
    series = store.series(wanted)
    newest = store.newest(one.id for several in series.values() for one in several)
    presence = store.presence(wanted)
    counted = store.counters(wanted)
    found = {}
    for device_id, device in wanted.items():
        sensors = {one.name: Sensor(one.id, one.kind, 0) for one in series[device_id]}
        for one in series[device_id]:
            if one.id in newest:
                sensors[one.name].on = one.kind == "state" and newest[one.id].value == 1.0
                sensors[one.name].newest_ms = newest[one.id].ts_ms
                sensors[one.name].arrival_ms = min(newest[one.id].ts_ms, now_ms)
        heard = Heard(device, Bucket(rate, now_ms), sensors)
        if row := presence.get(device_id):
            heard.said, heard.since, heard.last_seen = row.said, row.since, row.last_seen
            heard.attributes = row.attributes
        heard.counted = counted.get(device_id, 0)
        heard.shown = heard.state(now_ms)
        found[device_id] = heard
    return found
