"""A paho client for very many small messages: fewer looks at the socket, fewer packets back.

paho asks the operating system before each packet whether there is one, and sends each
acknowledgement by itself.  This one reads on while messages come, and sends the acknowledgements
of a batch as one piece; the latter leans on one private name of the pinned paho, and goes back to
paho's own way should that ever be missing.
"""

import struct
from collections.abc import Callable, Iterable
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import MessageType, MQTTErrorCode

AT_ONCE = 200  # messages read before paho's loop looks at anything else
PUBACK = struct.Struct("!BBH")


class BulkClient(Client):
    """Receives and acknowledges in bulk; `received` is counted by whoever sets `on_message`."""

    received = 0

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read packets until something other than a message comes, or nothing more."""
        for _ in range(AT_ONCE):
            before = self.received
            code = super().loop_read(max_packets)
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS or self.received == before:
                return code
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def ack_all(self, mids: Iterable[int]) -> None:
        """Acknowledge messages of QoS 1 in order."""
        queue: Callable[..., Any] | None = getattr(self, "_packet_queue", None)
        if queue is None:
            for mid in mids:
                self.ack(mid, 1)
            return
        packets = b"".join(PUBACK.pack(MessageType.PUBACK, 2, mid) for mid in mids)
        if packets:
            queue(MessageType.PUBACK, packets, 0, 1)
