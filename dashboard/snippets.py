"""Programs to paste: the shortest that lets a new device speak, with its credentials in them."""

import json
import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

from config import Settings
from dashboard.qr import image
from db.models import Device, Kind

CA_FILE = "gatehouse-ca.pem"
ANSWERS = frozenset({Kind.LOCK, Kind.GATE})


@dataclass(frozen=True, slots=True)
class Login:
    """What a device needs to speak over MQTT; shown once."""

    host: str
    port: int
    tls: bool
    ca: str  # PEM of the authority that vouches for the broker; empty: a public one
    username: str
    password: str
    base: str  # topics of the device begin with this
    answers: bool  # whether it is a kind that is told to do something


def login(settings: Settings, device: Device, password: str) -> Login:
    """Return how a device reaches the broker, as seen from outside this machine."""
    return Login(
        host=settings.mqtt_host or urlsplit(settings.url).hostname or settings.host,
        port=settings.mqtt_port,
        tls=settings.devices_speak_tls,
        ca=settings.devices_trust,
        username=device.mqtt_username,
        password=password,
        base=f"{settings.mqtt_namespace}/{device.controller_id}",
        answers=device.kind in ANSWERS,
    )


def qr(found: Login) -> str:
    """Return the credentials as a QR code: a data URI of an SVG picture that holds JSON."""
    content = {
        "host": found.host,
        "port": found.port,
        "tls": found.tls,
        "username": found.username,
        "password": found.password,
        "topic": found.base,
    }
    return image(json.dumps(content, separators=(",", ":")))


def mosquitto(found: Login) -> str:
    """Return the command line that publishes one reading."""
    lines = [
        ("mosquitto_pub", "-h", found.host, "-p", str(found.port)),
        *([("--cafile", CA_FILE) if found.ca else ("--tls-use-os-certs",)] if found.tls else []),
        ("-i", found.username, "-u", found.username, "-P", found.password),
        ("-q", "1", "-t", f"{found.base}/telemetry", "-m", '{"temperature": 21.5}'),
    ]
    authority = f"cat > {CA_FILE} <<'END'\n{found.ca.strip()}\nEND\n" if found.ca else ""
    return authority + " \\\n  ".join(shlex.join(line) for line in lines)


def python(found: Login) -> str:
    """Return a Python program for paho-mqtt 2 that publishes once a second."""
    text = json.dumps
    answer = f"""
def on_message(client, userdata, message):
    command = json.loads(message.payload)
    # Before anything heavy moves: check command["sig"] with the command key, and act once on an
    # id. How is in docs/protocol.md and edge/commands.py.
    fresh = time.time() * 1000 < command["expires"] and not message.retain
    if fresh:
        print(command["name"])  # open the door here
    answer = {{"id": command["id"], "status": "done" if fresh else "refused"}}
    client.publish({text(found.base + "/commands/ack")}, json.dumps(answer), qos=1)

client.on_message = on_message
"""
    tls = "client.tls_set()\n" if found.tls else ""
    if found.ca:
        tls = (
            f'AUTHORITY = """\n{found.ca.strip()}\n"""\n'
            "client.tls_set_context(ssl.create_default_context(cadata=AUTHORITY))\n"
        )
    subscribe = (
        f"    client.subscribe({text(found.base + '/commands')}, qos=1)\n" if found.answers else ""
    )
    return f"""# pip install paho-mqtt
import json, {"ssl, " if found.ca else ""}time
import paho.mqtt.client as mqtt

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id={text(found.username)})
client.username_pw_set({text(found.username)}, {text(found.password)})
{tls}client.will_set({text(found.base + "/status")}, "offline", qos=1, retain=True)
{answer if found.answers else ""}
def on_connect(client, userdata, flags, reason, properties):
    client.publish({text(found.base + "/status")}, "online", qos=1, retain=True)
{subscribe}
client.on_connect = on_connect
client.connect({text(found.host)}, {found.port})
client.loop_start()
while True:
    client.publish({text(found.base + "/telemetry")}, json.dumps({{"temperature": 21.5}}), qos=1)
    time.sleep(1)
"""


def arduino(found: Login) -> str:
    """Return a sketch for ESP32 and ESP8266 with the PubSubClient library."""
    text = json.dumps
    client = "WiFiClientSecure" if found.tls else "WiFiClient"
    secure = "  net.setInsecure();  // or net.setCACert(...) to check the server\n"
    authority = f'const char AUTHORITY[] = R"(\n{found.ca.strip()}\n)";' if found.ca else ""
    if authority:
        secure = "  net.setCACert(AUTHORITY);  // ESP8266: setTrustAnchors\n"
    answer = """
void onMessage(char*, byte* payload, unsigned int length) {
  StaticJsonDocument<512> command;
  if (deserializeJson(command, payload, length)) return;
  // Check before anything moves: command["sig"] with the command key, command["expires"], and
  // that this id is new, as edge/arduino/gatehouse does.
  // open the door here
  char answer[96];
  snprintf(answer, sizeof answer, "{\\"id\\":\\"%s\\",\\"status\\":\\"done\\"}",
           command["id"].as<const char*>());
  mqtt.publish(BASE "/commands/ack", answer);
}
"""
    return f"""#include <{"WiFiClientSecure" if found.tls else "WiFi"}.h>  // ESP8266: ESP8266WiFi.h
#include <PubSubClient.h>
{"#include <ArduinoJson.h>" if found.answers else ""}
#define BASE {text(found.base)}
{authority}
{client} net;
PubSubClient mqtt(net);
{answer if found.answers else ""}
void setup() {{
  WiFi.begin("your network", "its password");
{secure if found.tls else ""}  mqtt.setServer({text(found.host)}, {found.port});
{"  mqtt.setCallback(onMessage);" if found.answers else ""}
}}

void loop() {{
  if (!mqtt.connected() &&
      mqtt.connect({text(found.username)}, {text(found.username)}, {text(found.password)},
                   BASE "/status", 1, true, "offline")) {{
    mqtt.publish(BASE "/status", "online", true);
{'    mqtt.subscribe(BASE "/commands", 1);' if found.answers else ""}
  }}
  mqtt.loop();
  static unsigned long last = 0;
  if (millis() - last > 1000) {{
    last = millis();
    mqtt.publish(BASE "/telemetry", "{{\\"temperature\\": 21.5}}");
  }}
}}
"""
