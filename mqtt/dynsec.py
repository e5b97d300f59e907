"""Talks to Mosquitto's dynamic-security plugin: commands out, answers in."""

import queue
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import orjson
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import MQTTProtocolVersion

from config import Settings
from errors import Unavailable
from mqtt.client import new_client
from mqtt.mosquitto import endpoint

CONTROL = "$CONTROL/dynamic-security/v1"
RESPONSE = f"{CONTROL}/response"
BATCH = 100  # commands a message: the broker does nothing else meanwhile
ANSWER_S = 30.0  # each command writes the plugin's whole file
ALREADY = ("not found", "already exists")  # errors that mean: it is so already

Command = dict[str, Any]


class Talk:
    """A connection of somebody whom the plugin lets administrate."""

    def __init__(self, client: Client, answers: "queue.SimpleQueue[Command]") -> None:
        self._client = client
        self._answers = answers

    def run(self, commands: Iterable[Command]) -> list[Command]:
        """Have commands carried out; return their answers in order.

        Raises:
            Unavailable: no answer came, or the plugin refused something.
        """
        left = iter(commands)
        found: list[Command] = []
        while batch := list(islice(left, BATCH)):
            found += self._run(batch)
        return found

    def _run(self, batch: list[Command]) -> list[Command]:
        mark = uuid.uuid4().hex
        for command in batch:
            command["correlationData"] = mark
        self._client.publish(CONTROL, orjson.dumps({"commands": batch}), qos=1)
        found: list[Command] = []
        while len(found) < len(batch):
            try:
                answer = self._answers.get(timeout=ANSWER_S)
            except queue.Empty:
                raise _away("no answer") from None
            if answer.get("correlationData") != mark:
                continue
            error = str(answer.get("error", "")).lower()
            if error and not any(harmless in error for harmless in ALREADY):
                raise _away(f"{answer.get('command')}: {error}")
            found.append(answer)
        return found


@contextmanager
def talk(settings: Settings) -> Iterator[Talk]:
    """Connect to the broker, and disconnect at the end.

    Raises:
        Unavailable: the broker cannot be reached, or does not let us administrate.
    """
    answers: queue.SimpleQueue[Command] = queue.SimpleQueue()
    ready: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        for answer in orjson.loads(message.payload).get("responses", ()):
            answers.put(answer)

    def on_connect(client: Client, _data: object, _flags: object, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            ready.put(False)
        else:
            client.subscribe(RESPONSE, 1)

    client = new_client(settings, "admin", MQTTProtocolVersion.MQTTv311, reconnect_on_failure=False)
    client.on_message = on_message
    client.on_connect = on_connect
    client.on_subscribe = lambda _c, _d, _m, codes, _p: ready.put(not codes[0].is_failure)
    client.on_disconnect = lambda *_: ready.put(False)
    try:
        client.connect(*endpoint(settings))
    except OSError as error:
        raise _away(str(error)) from error
    client.loop_start()
    try:
        if not ready.get(timeout=ANSWER_S):
            raise _away("the login is wrong, or may not administrate")
        yield Talk(client, answers)
    except queue.Empty:
        raise _away("no answer") from None
    finally:
        client.disconnect()
        client.loop_stop()


def _away(reason: str) -> Unavailable:
    return Unavailable("broker_unavailable", "The broker cannot be told: %(reason)s", reason=reason)
