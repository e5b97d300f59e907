"""How every connection of the server to its broker is set up."""

import socket
from typing import Any, Literal

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from config import Settings
from mqtt import mosquitto

KEEPALIVE_S = 30
RETRY_S = (1, 4)  # the first and the longest wait before another try to connect


def new_client(settings: Settings, role: str, protocol: MQTTProtocolVersion, **more: Any) -> Client:
    """Return a client that logs in as one of the server's own accounts and keeps trying.

    Args:
        settings: say where the broker is and whether TLS is spoken.
        role: "listener", "publisher" or "bus".
        protocol: 3.1.1 or 5.
        more: further arguments of paho's `Client`, or others than usual.
    """
    usual = {"client_id": mosquitto.client_id(settings, role), "transport": transport(settings)}
    client = Client(CallbackAPIVersion.VERSION2, protocol=protocol, **(usual | more))
    set_up(client, settings, role)
    return client


def transport(settings: Settings) -> Literal["tcp", "unix"]:
    """Return how the server reaches the broker: a broker of ours that speaks TLS has a socket."""
    return "unix" if settings.manages_broker and settings.mqtt_tls_cert else "tcp"


def set_up(client: Client, settings: Settings, role: str) -> None:
    """Give a client its login, TLS, and how often it tries again."""
    username, password = mosquitto.server_login(settings, role)
    if username:
        client.username_pw_set(username, password)
    if settings.mqtt_tls and not settings.manages_broker:
        client.tls_set(ca_certs=str(settings.mqtt_ca) if settings.mqtt_ca else None)
    client.reconnect_delay_set(*RETRY_S)
    client.on_socket_open = send_at_once
    client.suppress_exceptions = True  # an exception in a callback would end paho's thread


def connect(client: Client, settings: Settings) -> None:
    """Begin to connect in the background, and go on until it works."""
    host, port = mosquitto.endpoint(settings)
    client.connect_async(host, port, keepalive=KEEPALIVE_S)
    client.loop_start()


def disconnect(client: Client) -> None:
    """Say goodbye to the broker, and end the network thread."""
    client.disconnect()
    client.loop_stop()
    if left := client.socket():  # the thread may end before it has closed it
        left.close()


def send_at_once(_client: Client, _userdata: object, connection: Any) -> None:
    """Let a new connection not wait for more before it sends."""
    if connection.family != socket.AF_UNIX:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
