"""Names of MQTT topics, in both directions; pure, and used by the edge client too."""

import re
from dataclasses import dataclass

CONTROLLER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")

# what a device may publish below <ns>/<controller id>/
DEVICE_WRITES = (
    "telemetry",
    "telemetry/+",
    "led/+",
    "temperature",
    "temperature/+",
    "status",
    "commands/ack",
    "log",
    "sealed",
)
# what it may subscribe to there
DEVICE_READS = ("commands", "commands/sealed", "config", "files")


@dataclass(frozen=True, slots=True)
class DeviceTopic:
    """A topic below `<ns>/<controller id>/`."""

    controller_id: str
    rest: str  # "telemetry", "telemetry/kitchen", "commands/ack", ...


def parse(namespace: str, topic: str) -> DeviceTopic | None:
    """Return the parts of a device's topic, or None if it is not one."""
    prefix = namespace + "/"
    if not topic.startswith(prefix):
        return None
    controller_id, _, rest = topic[len(prefix) :].partition("/")
    if not rest or not CONTROLLER_ID.fullmatch(controller_id):
        return None
    return DeviceTopic(controller_id, rest)


def of(namespace: str, controller_id: str, rest: str) -> str:
    """Return the full name of a device's topic."""
    return f"{namespace}/{controller_id}/{rest}"


def listened(namespace: str) -> list[str]:
    """Return the filters under which the server listens to all devices."""
    return [f"{namespace}/+/{rest}" for rest in DEVICE_WRITES]
