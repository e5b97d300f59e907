"""`python app.py`: starts broker and web server as children, watches them, ends them.

This process stays small: it imports neither Dash nor the databases.
"""

import argparse
import ctypes
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import FrameType
from urllib.error import URLError

import config
from config import ConfigError, Settings
from mqtt.mosquitto import BrokerError, Mosquitto

ROOT = Path(__file__).resolve().parent.parent
STOP_S = 10.0  # how long a child may take to end
RESTART_S = 1.0


class Failed(Exception):
    """The server cannot start; the text says why, in one line."""


def main(arguments: list[str]) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code (2: a setting is wrong)."""
    parser = argparse.ArgumentParser(prog="script/server", description="Start Gatehouse.")
    parser.add_argument("--demo", action="store_true", help="add a simulated house")
    options = parser.parse_args(arguments)
    try:
        settings = config.load()
        check(settings)
        return Supervisor(settings, demo=options.demo).run()
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except (Failed, BrokerError) as error:
        print(error, file=sys.stderr)
        return 1


def check(settings: Settings) -> None:
    """Find out before anything starts what would stop it.

    Raises:
        Failed: the instance folder cannot be written, or the port is taken.
        ConfigError: several web processes were asked for, which the memory bus cannot serve.
    """
    folder = settings.instance_dir
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = folder / ".probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise Failed(
            f"INSTANCE_DIR {folder}: cannot be written ({error.strerror}); "
            "give this user the right to write there or set INSTANCE_DIR"
        ) from error
    if int(os.environ.get("WEB_CONCURRENCY", "1") or 1) > 1:
        raise ConfigError(
            "WEB_CONCURRENCY: several web processes need LIVE_BUS=mqtt and `flask listen`; "
            "one process serves about a thousand viewers"
        )
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((settings.host, settings.port))
        except OSError as error:
            raise Failed(
                f"HOST {settings.host}, PORT {settings.port}: cannot listen there "
                f"({error.strerror}); stop the other program or set PORT"
            ) from error


def _end_with_parent() -> None:
    """Ask Linux to end this child should the supervisor be killed (prctl PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _trust(certificate: Path | None) -> ssl.SSLContext | None:
    """Return what lets this process ask its own web server, whatever name its certificate has."""
    if certificate is None:
        return None
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


class Supervisor:
    """Keeps the children of one installation running."""

    def __init__(self, settings: Settings, *, demo: bool) -> None:
        self._settings = settings
        self._demo = demo
        self._broker = Mosquitto(settings) if settings.manages_broker else None
        self._web: subprocess.Popen[bytes] | None = None
        self._house: subprocess.Popen[bytes] | None = None
        self._stopping = False  # no Event: a signal that comes while one is set waits for ever

    def run(self) -> int:
        """Start everything, watch it until a signal comes, end everything."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._asked_to_stop)
        try:
            if self._broker:
                self._broker.start()
            self._web = self._python(
                "-m", "gunicorn", "-c", "cli/gunicorn_conf.py", "app:create_app()"
            )
            if not self._wait_until_served():
                return 0 if self._stopping else 1
            self._greet()
            if self._demo:
                self._house = self._start_house()
            self._watch()
            return 0
        finally:
            self._end()

    def _asked_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _stop_within(self, seconds: float) -> bool:
        time.sleep(seconds)
        return self._stopping

    def _python(self, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603  our own program
            [sys.executable, *arguments],
            cwd=ROOT,
            start_new_session=True,  # a terminal's Ctrl-C comes to us alone
            preexec_fn=_end_with_parent,  # noqa: PLW1509  no threads here yet
        )

    def _wait_until_served(self) -> bool:
        assert self._web is not None
        scheme = "https" if self._settings.tls_cert else "http"
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self._settings.host, self._settings.host)  # noqa: S104
        address = f"{scheme}://{host}:{self._settings.port}/healthz"
        trust = _trust(self._settings.tls_cert)
        while self._web.poll() is None and not self._stopping:
            try:
                with urllib.request.urlopen(address, timeout=2, context=trust):  # noqa: S310  our own
                    return True
            except (URLError, OSError):
                self._stop_within(0.05)
        return False

    def _greet(self) -> None:
        print(f"Gatehouse is at {self._settings.url}", flush=True)
        if self._broker:
            print(f"MQTT at {self._settings.mqtt_bind}:{self._settings.mqtt_port}", flush=True)
        if self._settings.live_bus != "memory":
            print("LIVE_BUS=mqtt does nothing yet: there is one web process.", flush=True)
        print("Ctrl-C ends everything.", flush=True)

    def _start_house(self) -> subprocess.Popen[bytes]:
        return self._python("-m", "flask", "--app", "app", "simulate", "--demo")

    def _watch(self) -> None:
        assert self._web is not None
        while not self._stop_within(0.25):
            if self._broker:
                self._broker.ensure_running()
            if self._web.poll() is not None:
                print("The web server ended; starting it again.", file=sys.stderr, flush=True)
                self._stop_within(RESTART_S)
                self._web = self._python(
                    "-m", "gunicorn", "-c", "cli/gunicorn_conf.py", "app:create_app()"
                )

    def _end(self) -> None:
        for child in (self._house, self._web):
            if child and child.poll() is None:
                child.terminate()
        until = time.monotonic() + STOP_S
        for child in (self._house, self._web):
            if child:
                try:
                    child.wait(max(0.1, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
        if self._broker:
            self._broker.stop()
