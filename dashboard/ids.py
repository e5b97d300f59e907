"""Component ids that more than one module uses."""

TOASTS = "toasts"
MAIN = "main"
ACCESS_DEVICE = "access-device"
ACCESS_LINKS = "access-links"
ACCESS_WEEKS = "access-weeks"


def chart(device: str, sensor: str) -> dict[str, str]:
    """Return the id of the chart of a sensor."""
    return {"type": "chart", "device": device, "sensor": sensor}
