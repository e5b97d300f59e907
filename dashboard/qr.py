"""QR codes: what is shown on one screen, read by another device."""

import segno


def image(text: str) -> str:
    """Return a text as a QR code: a data URI of an SVG picture."""
    uri: str = segno.make(text, error="m", micro=False).svg_data_uri(border=2, scale=4)
    return uri
