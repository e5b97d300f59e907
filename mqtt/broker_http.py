"""For brokers that ask over HTTP who may do what (EMQX, VerneMQ).

They need not be told of devices, but they remember what they were answered for as long as a
connection lasts.  So a connection is cut as MQTT itself has it: a broker ends the one of a client
id when another client comes under it, and here that is the server.
"""

import logging
import queue
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from paho.mqtt.enums import MQTTProtocolVersion

from config import Settings
from devices.ports import BrokerIdentity
from mqtt.client import disconnect, new_client
from mqtt.mosquitto import endpoint

log = logging.getLogger(__name__)

ANSWER_S = 5.0
AT_ONCE = 16  # connections


class HttpBroker:
    """The `BrokerAdmin` of a broker that asks `api.broker_auth` each time.

    Args:
        settings: say where the broker is, and as whom the server logs in.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def username_for(self, _controller_id: str) -> None:
        """Any name will do."""

    def upsert(self, *identities: BrokerIdentity) -> None:
        """Let the broker ask anew: live connections of these devices are cut."""
        self.revoke(*(identity.username for identity in identities))

    def revoke(self, *usernames: str) -> None:
        """Cut the live connections of devices; whether they come back in, the broker asks.

        A broker that cannot be reached is only logged: what it asks is answered rightly anyway.
        """
        with ThreadPoolExecutor(min(AT_ONCE, len(usernames) or 1)) as pool:
            failed = sum(not cut for cut in pool.map(self._cut, usernames))
        if failed:
            log.warning("the broker is away; connections of %d devices may go on", failed)

    def reconcile(self, _identities: Iterable[BrokerIdentity]) -> None:
        """There is nothing that could differ."""

    def _cut(self, username: str) -> bool:
        """Take the place of a device at the broker and leave; return whether it was given."""
        answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
        client = new_client(
            self._settings,
            "admin",
            MQTTProtocolVersion.MQTTv311,
            client_id=username,
            reconnect_on_failure=False,
        )
        client.on_connect = lambda _c, _d, _f, reason, _p: answers.put(not reason.is_failure)
        client.on_disconnect = lambda *_: answers.put(False)
        try:
            client.connect(*endpoint(self._settings))
        except OSError:
            return False
        client.loop_start()
        try:
            return answers.get(timeout=ANSWER_S)
        except queue.Empty:
            return False
        finally:
            disconnect(client)
