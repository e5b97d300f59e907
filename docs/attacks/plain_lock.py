"""The victim: a lock as tutorials have it.  It opens for whoever says the word.

python docs/attacks/plain_lock.py --port 1884
"""

import argparse
import contextlib

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion


def subscribe(client: Client, *_what: object) -> None:
    """Ask for commands whenever the broker is there again."""
    client.subscribe("home/front-door/commands", qos=1)


def main() -> None:
    """Open at each message until Ctrl-C; each opening and each disconnection is a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1884)
    options = parser.parse_args()

    client = Client(CallbackAPIVersion.VERSION2, client_id="front-door")
    client.on_connect = subscribe
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.on_message = lambda _c, _d, message: print(f"OPEN {message.payload!r}", flush=True)
    client.on_disconnect = lambda *_: print("disconnected", flush=True)
    client.connect(options.host, options.port)
    with contextlib.suppress(KeyboardInterrupt):
        client.loop_forever()


main()
