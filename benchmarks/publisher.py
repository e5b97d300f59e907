"""Publishes with QoS 1 from many connections at a steady rate, cheaply enough not to be the limit.

It writes MQTT 3.1.1 packets straight to the sockets and only counts what the broker confirms.
"""

import argparse
import contextlib
import json
import select
import socket
import struct
import sys
import time
from dataclasses import dataclass
from typing import Any

TICK_S = 0.004
IN_FLIGHT = 5_000  # a connection; the broker is slower than this program


@dataclass
class Load:
    """What is published."""

    rate: float  # messages a second, over all connections; 0: as fast as the broker takes it
    seconds: float
    sensors: tuple[str, ...] = ("temperature", "humidity")
    namespace: str = "gatehouse"


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("!H", len(data)) + data


def _packet(head: int, body: bytes) -> bytes:
    size, length = len(body), b""
    while True:
        size, digit = divmod(size, 128)
        length += bytes([digit | (128 if size else 0)])
        if not size:
            return bytes([head]) + length + body


class Connection:
    """One device: connects, queues readings, counts confirmations."""

    def __init__(self, address: tuple[str, int], device: dict[str, str]) -> None:
        self.topic = device["topic"]
        self.socket = socket.create_connection(address, timeout=20)
        body = _text("MQTT") + bytes([4, 0xC2]) + struct.pack("!H", 600)
        body += _text(device["username"]) * 2 + _text(device["password"])
        self.socket.sendall(_packet(0x10, body))
        answer = self.socket.recv(4)
        if answer[3:] != b"\0":
            raise ConnectionError(f"the broker refuses {device['username']}: {answer!r}")
        self.socket.setblocking(False)
        self.sent = 0
        self.waiting = bytearray()
        self._confirmed = 0

    @property
    def confirmed(self) -> int:
        """How many messages the broker has taken; a PUBACK has 4 bytes."""
        return self._confirmed // 4

    def queue(self, sensor: str, ts_ms: int, value: float) -> None:
        """Add one message to what is to be sent."""
        self.sent += 1
        number = (self.sent - 1) % 65_535 + 1
        body = _text(f"{self.topic}/telemetry/{sensor}") + struct.pack("!H", number)
        self.waiting += _packet(0x32, body + b'{"ts":%d,"value":%.2f}' % (ts_ms, value))

    def flush(self) -> None:
        """Send what the socket takes."""
        if self.waiting:
            with contextlib.suppress(BlockingIOError):
                del self.waiting[: self.socket.send(self.waiting)]

    def receive(self) -> None:
        """Count confirmations."""
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the broker hung up")
        self._confirmed += len(data)


def publish(address: tuple[str, int], devices: list[dict[str, str]], load: Load) -> dict[str, Any]:
    """Publish as `load` says; return what was sent, confirmed, and how late this program was."""
    connections = [Connection(address, device) for device in devices]
    by_socket = {connection.socket: connection for connection in connections}
    pairs = [(one, sensor) for sensor in load.sensors for one in connections]
    began, sent, behind = time.time(), 0, 0.0
    while (elapsed := time.time() - began) < load.seconds:
        due = int(elapsed * load.rate) if load.rate else sent + 500
        in_flight = sent - sum(one.confirmed for one in connections)
        while sent < due and in_flight < IN_FLIGHT * len(connections):
            # each sensor's next reading has a time of its own, whatever the rate
            connection, sensor = pairs[sent % len(pairs)]
            ts_ms = int(began * 1000) + (sent // len(pairs)) * _step(load, len(pairs))
            connection.queue(sensor, ts_ms, sent % 977 / 10)
            sent += 1
            if load.rate and sent % 2000 == 0:
                behind = max(behind, time.time() - began - sent / load.rate)
        _exchange(by_socket, TICK_S if load.rate else 0)
    until = time.time() + 60
    while sum(one.confirmed for one in connections) < sent and time.time() < until:
        _exchange(by_socket, TICK_S)
    return {
        "sent": sent,
        "confirmed": sum(one.confirmed for one in connections),
        "seconds": round(time.time() - began, 2),
        "behind_s": round(behind, 2),
    }


def _step(load: Load, pairs: int) -> int:
    return max(1, int(1000 * pairs / load.rate)) if load.rate else 1


def _exchange(by_socket: dict[socket.socket, Connection], wait_s: float) -> None:
    for connection in by_socket.values():
        connection.flush()
    readable, _, _ = select.select(list(by_socket), [], [], wait_s)
    for one in readable:
        by_socket[one].receive()


def main() -> None:
    """Read the devices as JSON from standard input; print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--seconds", type=float, required=True)
    given = parser.parse_args()
    load = Load(given.rate, given.seconds)
    print(json.dumps(publish((given.host, given.port), json.load(sys.stdin), load)))


if __name__ == "__main__":
    main()
