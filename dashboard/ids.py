"""Component ids that more than one module uses."""

TOASTS = "toasts"
MAIN = "main"


def chart(device: str, sensor: str) -> dict[str, str]:
    """Return the id of the chart of a sensor."""
    return {"type": "chart", "device": device, "sensor": sensor}
