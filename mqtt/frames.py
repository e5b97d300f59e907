"""Cuts what a broker sends into MQTT 3.1.1 packets, many at a time."""

from typing import NamedTuple

PUBLISH = 3
MOST_LENGTH_BYTES = 4


class Packet(NamedTuple):
    """One packet: its first byte, and what follows its length."""

    command: int
    body: bytes


class Publication(NamedTuple):
    """A message of QoS 0 or 1."""

    topic: bytes
    payload: bytes
    mid: int  # 0: QoS 0
    retained: bool
    repeated: bool


def cut(data: bytes) -> tuple[list[Packet], bytes]:
    """Return the whole packets at the beginning of `data`, and what is left.

    Raises:
        ValueError: this is not MQTT.
    """
    packets = []
    start, end = 0, len(data)
    while end - start >= 2:
        length, at = data[start + 1], start + 2
        if length > 127:
            length, at = _long(data, start + 1)
            if not at:
                break
        if at + length > end:
            break
        packets.append(Packet(data[start], data[at : at + length]))
        start = at + length
    return packets, data[start:]


def publication(packet: Packet) -> Publication | None:
    """Return the message in a packet; None if it is something else, or of QoS 2.

    Raises:
        ValueError: the packet is shorter than it says.
    """
    command, body = packet
    quality = command >> 1 & 3
    if command >> 4 != PUBLISH or quality > 1:
        return None
    at = 2 + int.from_bytes(body[:2])
    topic, mid = body[2:at], 0
    if quality:
        mid = int.from_bytes(body[at : at + 2])
        at += 2
    if len(body) < at:
        raise ValueError("a message ends within its topic")
    return Publication(topic, body[at:], mid, bool(command & 1), bool(command & 8))


def _long(data: bytes, at: int) -> tuple[int, int]:
    """Return a length of several bytes and where it ends; 0: it is not all there."""
    length = 0
    for place, byte in enumerate(data[at : at + MOST_LENGTH_BYTES]):
        length |= (byte & 127) << 7 * place
        if byte < 128:
            return length, at + place + 1
    if len(data) >= at + MOST_LENGTH_BYTES:
        raise ValueError("a length has more than four bytes")
    return 0, 0
