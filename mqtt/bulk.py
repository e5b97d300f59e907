"""A paho client for very many small messages: whole buffers in, whole buffers back.

paho asks the operating system several times for each packet, and sends each acknowledgement by
itself.  This one reads what is there, takes the messages out in one go and leaves every other
packet to paho.  It leans on private names of the pinned paho, and goes back to paho's own way
should one of them ever be missing.
"""

import struct
import time
from collections.abc import Callable, Iterable
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import MessageType, MQTTErrorCode

from mqtt.frames import Packet, Publication, cut, publication

AT_ONCE = 256 * 1024  # bytes
PUBACK = struct.Struct("!BBH")
LEANS_ON = (
    "_in_packet",
    "_last_bytes_received",
    "_loop_rc_handle",
    "_packet_handle",
    "_packet_queue",
    "_sock_recv",
)


class BulkClient(Client):
    """Receives and acknowledges messages of QoS 0 and 1 in bulk, over MQTT 3.1.1."""

    def __init__(
        self, *arguments: Any, on_messages: Callable[[list[Publication]], None], **more: Any
    ) -> None:
        super().__init__(*arguments, **more)
        self._on_messages = on_messages
        self.heard_at = time.monotonic()  # anything of the broker, be it the answer to a ping
        self._left = b""  # the beginning of a packet
        plain = more.get("transport", "tcp") == "tcp"  # WebSockets have frames of their own
        self.in_bulk = plain and all(hasattr(self, name) for name in LEANS_ON)
        self.on_message = self._one

    def reconnect(self) -> MQTTErrorCode:
        """Connect anew; what an ended connection left is of no use."""
        self._left = b""
        return super().reconnect()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Read and handle what the broker has sent; called when something is there."""
        self.heard_at = time.monotonic()
        if not self.in_bulk:
            return super().loop_read(max_packets)
        try:
            data: bytes = self._sock_recv(AT_ONCE)
            if not data:
                return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
            packets, self._left = cut(self._left + data if self._left else data)
            self._last_bytes_received = time.monotonic()
            return self._take(packets)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        except ValueError:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_PROTOCOL)

    def ack_all(self, mids: Iterable[int]) -> None:
        """Acknowledge messages of QoS 1 in order."""
        if not self.in_bulk:
            for mid in mids:
                self.ack(mid, 1)
            return
        packets = b"".join(PUBACK.pack(MessageType.PUBACK, 2, mid) for mid in mids)
        if packets:
            self._packet_queue(MessageType.PUBACK, packets, 0, 1)

    def _take(self, packets: list[Packet]) -> MQTTErrorCode:
        """Hand messages over together, and other packets to paho, in order."""
        messages: list[Publication] = []
        for packet in packets:
            if (message := publication(packet)) is not None:
                messages.append(message)
                continue
            self._hand_over(messages)
            messages = []
            if code := self._leave_to_paho(packet):
                return self._loop_rc_handle(code)
        self._hand_over(messages)
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    def _hand_over(self, messages: list[Publication]) -> None:
        if messages:
            self._on_messages(messages)

    def _leave_to_paho(self, packet: Packet) -> MQTTErrorCode:
        before = self._in_packet
        self._in_packet = before | {
            "command": packet.command,
            "have_remaining": 1,
            "remaining_length": len(packet.body),
            "packet": bytearray(packet.body),
        }
        try:
            return self._packet_handle()
        finally:
            self._in_packet = before

    def _one(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        """Take a message that paho has read."""
        self._on_messages(
            [
                Publication(
                    message._topic, bytes(message.payload), message.mid, message.retain, message.dup
                )
            ]
        )
