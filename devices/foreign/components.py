"""What each kind of part that Home Assistant's discovery knows says and understands."""

from collections.abc import Callable

from devices.foreign import chosen, lights, measured, moved, switched
from devices.foreign.parts import Builder, Part

COMPONENTS: dict[str, Callable[[Part, Builder], None]] = {
    "alarm_control_panel": measured.alarm_panel,
    "binary_sensor": measured.binary_sensor,
    "button": chosen.button,
    "climate": chosen.climate,
    "cover": moved.cover,
    "device_tracker": measured.tracker,
    "event": measured.event,
    "fan": switched.fan,
    "humidifier": switched.humidifier,
    "light": lights.light,
    "lock": moved.lock,
    "number": chosen.number,
    "scene": chosen.scene,
    "select": chosen.select,
    "sensor": measured.sensor,
    "siren": switched.siren,
    "switch": switched.switch,
    "text": chosen.select,
    "update": measured.update,
    "valve": moved.valve,
    "water_heater": chosen.water_heater,
}
# announced by some, and nothing that could be shown or asked here
LEFT_OUT = frozenset(
    {"camera", "device_automation", "image", "lawn_mower", "notify", "tag", "vacuum"}
)
