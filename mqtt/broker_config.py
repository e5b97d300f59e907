"""What the Mosquitto that this server starts is told in its configuration file."""

import os
import pwd
from pathlib import Path

from config import Settings
from mqtt.broker_files import ACL, PASSWORDS

QUEUE_BYTES = 200_000_000  # what the broker keeps for one client that is away
SOCKET = "socket"  # in the broker's folder
OVERSIZE = 1_100_000  # so much above the limit still reaches us, to be refused and counted

CONFIGURATION = """\
# Written by Gatehouse at each start; changes are lost.
listener {port} {bind}
use_username_as_clientid true
{tls}{user}allow_anonymous false
password_file {folder}/{passwords}
acl_file {folder}/{acl}

persistence true
persistence_location {folder}/
persistence_file messages.db
autosave_on_changes true
autosave_interval 1000
persistent_client_expiration 14d

max_queued_messages 0
max_queued_bytes {queue}
max_inflight_messages 0
message_size_limit {size}
set_tcp_nodelay true

log_dest file {folder}/log
log_type error
log_type warning
log_type notice
{debug}connection_messages true
"""
TLS = """\
certfile {cert}
keyfile {key}
listener 0 {socket}
use_username_as_clientid true
"""


def configuration(settings: Settings, folder: Path, *, debug: bool = False) -> str:
    """Return the text of the configuration file.

    Args:
        settings: of this installation.
        folder: the broker's own.
        debug: log everything, to find out why a device is not heard.
    """
    # started by root, Mosquitto would become another user, who cannot read our folder
    user = f"user {pwd.getpwuid(0).pw_name}\n" if os.geteuid() == 0 else ""
    tls = ""
    if settings.mqtt_tls_cert and settings.mqtt_tls_key:
        tls = TLS.format(
            cert=settings.mqtt_tls_cert.absolute(),
            key=settings.mqtt_tls_key.absolute(),
            socket=folder / SOCKET,  # for the server itself: no port, no certificate
        )
    return CONFIGURATION.format(
        port=settings.mqtt_port,
        bind=settings.mqtt_bind,
        user=user,
        tls=tls,
        folder=folder,
        passwords=PASSWORDS,
        acl=ACL,
        queue=QUEUE_BYTES,
        size=settings.mqtt_max_payload + OVERSIZE,
        debug="log_type debug\n" if debug else "",
    )
