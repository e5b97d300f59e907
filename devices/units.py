"""The unit that a sensor's name means where the device names none.

Only names that leave no doubt are here: a pressure may be hPa, kPa, bar or mmHg, so it stays bare.
"""

USUAL = {
    "temperature": "°C",
    "temp": "°C",
    "humidity": "%",
    "battery": "%",
    "rssi": "dBm",
    "co2": "ppm",
}


def usual(name: str, kind: str) -> str:
    """Return the unit of a sensor by the first or last word of its name, or nothing.

    `temperature`, `temperature.cellar` and `cellar.temperature` are all in °C.
    """
    if kind != "number":
        return ""
    words = name.lower().split(".")
    return USUAL.get(words[-1]) or USUAL.get(words[0]) or ""
