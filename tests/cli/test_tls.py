"""TLS on a private network: what `tls init` makes, used by browsers, devices and the server."""

import contextlib
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from cli import certificates
from clock import utcnow
from config import ConfigError, Settings, load
from dashboard import snippets
from db.models import Device, Kind
from mqtt.mosquitto import BrokerError, Mosquitto
from tests.stack import ROOT, Stack, free_port, stack, until


def tls_init(folder: Path, *arguments: str) -> dict[str, str]:
    """The settings that `tls init` says to set."""
    ended = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "app", "tls", "init", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "INSTANCE_DIR": str(folder / "instance")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return dict(line.split("=", 1) for line in ended.stdout.splitlines())


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("tls")
    settings = tls_init(folder)
    with stack(folder, **settings) as made:
        yield made


def ask(made: Stack, path: str, token: str = "", **body: str) -> dict[str, object]:
    """What the REST interface answers."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(
        f"{made.url}/api/v1{path}", json.dumps(body).encode(), headers, method="POST"
    )
    with urllib.request.urlopen(request, timeout=30, context=made.trust) as answer:
        return json.load(answer)


@pytest.fixture(scope="module")
def access(running: Stack):
    """How a new device logs in to the broker."""
    person = {"email": "alice@example.org", "password": "long copper kettle"}
    running.flask("users", "add", person["email"], "--password-stdin", stdin=person["password"])
    token = ask(running, "/auth/token", **person)["access_token"]
    return ask(running, "/devices", token, name="Shed", kind="sensor")["mqtt"]


def connected(made: Stack, access, trust: str) -> bool:
    """Whether a device gets in that trusts an authority; raises what TLS finds wrong."""
    codes: list[int] = []
    client = Client(CallbackAPIVersion.VERSION2, reconnect_on_failure=False)
    client.username_pw_set(access["username"], access["password"])
    client.tls_set_context(ssl.create_default_context(cadata=trust))
    client.on_connect = lambda _c, _d, _f, reason, _p: codes.append(reason.value)
    client.connect("localhost", made.mqtt_port)
    client.loop_start()
    try:
        return until(lambda: codes)[0] == 0
    finally:
        client.disconnect()
        client.loop_stop()


def test_the_web_server_answers_over_https(running: Stack):
    with urllib.request.urlopen(running.url + "/login", context=running.trust) as page:
        assert page.status == 200
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(running.url + "/login", context=ssl.create_default_context())


def test_a_device_gets_in_that_trusts_the_authority_it_was_given(running: Stack, access):
    assert access["tls"] is True
    assert access["ca"] == Path(running.env["MQTT_CA"]).read_text()
    assert connected(running, access, access["ca"])


def test_a_device_that_trusts_another_authority_stays_out(running, access, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    certificates.authority(other, now=utcnow())
    arguments = ["-h", "localhost", "-p", str(running.mqtt_port), "-q", "1", "-m", "1"]
    arguments += ["-u", access["username"], "-P", access["password"]]
    arguments += ["-t", access["topics"]["telemetry"], "--cafile", str(other / "ca.pem")]
    said = subprocess.run(
        ["mosquitto_pub", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
    )
    assert said.returncode != 0
    assert "TLS error" in said.stderr


def test_nothing_is_said_in_the_clear(running: Stack, access):
    with socket.create_connection(("127.0.0.1", running.mqtt_port), timeout=30) as plain:
        plain.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x1e\x00\x04door")
        plain.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert not plain.recv(4).startswith(b"\x20")  # no CONNACK


def test_the_programs_that_are_shown_reach_the_broker(running: Stack, access, tmp_path):
    settings = load(running.env, None).model_copy(update={"mqtt_namespace": "gatehouse"})
    topic = access["topics"]["telemetry"].split("/")[1]
    device = Device(
        name="x", kind=Kind.SENSOR, controller_id=topic, mqtt_username=access["username"]
    )
    found = snippets.login(settings, device, access["password"])
    subprocess.run(snippets.mosquitto(found), shell=True, check=True, timeout=20, cwd=tmp_path)
    program = snippets.python(found).replace("while True:", "for _ in range(1):")
    program += "\nclient.loop_stop()\nassert client.is_connected()\n"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
    assert access["ca"].strip() in snippets.arduino(found)


def test_keys_are_for_this_user_only_and_the_authority_stays(tmp_path):
    first = tls_init(tmp_path, "--name", "gatehouse.example.org", "--name", "10.1.2.3")
    folder = Path(first["MQTT_CA"]).parent
    for key in ("ca.key", "server.key"):
        assert stat.S_IMODE((folder / key).stat().st_mode) == 0o600
    authority, server = ((folder / name).read_bytes() for name in ("ca.pem", "server.pem"))

    again = tls_init(tmp_path, "--name", "gatehouse.example.org")

    assert again == first
    assert first["APP_URL"] == "https://gatehouse.example.org:8050"
    assert (folder / "ca.pem").read_bytes() == authority
    assert (folder / "server.pem").read_bytes() != server
    names = (
        x509.load_pem_x509_certificate(server)
        .extensions.get_extension_for_class(x509.SubjectAlternativeName)
        .value
    )
    assert "gatehouse.example.org" in names.get_values_for_type(x509.DNSName)
    assert {"10.1.2.3", "127.0.0.1"} <= set(map(str, names.get_values_for_type(x509.IPAddress)))


def test_a_certificate_ends_before_browsers_mind(tmp_path):
    now = utcnow()
    certificates.server(tmp_path, ["localhost"], now=now)
    made = x509.load_pem_x509_certificate((tmp_path / "server.pem").read_bytes())
    assert made.not_valid_after_utc - made.not_valid_before_utc <= timedelta(days=398)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"MQTT_TLS_CERT": "a"}, "MQTT_TLS_KEY"),
        ({"MQTT_TLS_CERT": "a", "MQTT_TLS_KEY": "b", "MQTT_HOST": "c"}, "MQTT_TLS=1"),
        ({"MQTT_CA": "nowhere.pem"}, "MQTT_CA"),
    ],
)
def test_settings_that_do_not_fit_are_named(given, word):
    with pytest.raises(ConfigError, match=word):
        load(given, None)


def test_a_certificate_that_is_none_is_one_clear_line(tmp_path):
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("nothing")
    settings = Settings(
        instance_dir=tmp_path, mqtt_port=free_port(), mqtt_tls_cert=wrong, mqtt_tls_key=wrong
    )
    with pytest.raises(BrokerError, match="does not start"):
        Mosquitto(settings).start()
