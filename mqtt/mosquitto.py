"""The Mosquitto that this server starts, configures, watches and ends.

It outlives a server that was killed, so that devices and their messages are not lost; the next
server adopts it.  Everything it needs is in `INSTANCE_DIR/broker`.
"""

import errno
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

from auth.keys import load
from config import Settings
from devices.credentials import HUMAN_ITERATIONS, ITERATIONS, SALT, mosquitto_hash
from mqtt.broker_config import SOCKET, configuration
from mqtt.broker_files import ACL, PASSWORDS, FileBroker, locked, replace
from mqtt.decide import READ, WRITE, Grant

ROLES = ("listener", "publisher", "bus")
START_S = 20.0  # how long a start may take
STOP_S = 10.0
RELOAD_S = 2.0  # how long `reload` waits for the broker to have done it
LONGEST_SOCKET = 107  # bytes of a path, by the operating system
LOG_LIMIT = 8_000_000  # bytes; then the log is moved aside, once
STARTS = "Gatehouse starts the broker"  # a line in its log: nobody is connected any more


class BrokerError(Exception):
    """The broker cannot be started; the text says why, in one line."""


def folder_of(settings: Settings) -> Path:
    """Return the broker's folder; makes it, for this user only, if it is missing."""
    folder = settings.instance_dir.absolute() / "broker"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def endpoint(settings: Settings) -> tuple[str, int]:
    """Return host and port under which this server reaches the broker.

    Where devices speak TLS to a broker of ours, the first is the path of its socket.
    """
    if not settings.manages_broker:
        return settings.mqtt_host, settings.mqtt_port
    if settings.mqtt_tls_cert:
        return str(folder_of(settings) / SOCKET), settings.mqtt_port
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
    return everywhere.get(settings.mqtt_bind, settings.mqtt_bind), settings.mqtt_port


def server_login(settings: Settings, role: str) -> tuple[str, str]:
    """Return user name and password of one of the server's own connections.

    Args:
        settings: say whether the broker is ours.
        role: "listener", "publisher" or "bus".
    """
    if not settings.manages_broker:
        return settings.mqtt_username, settings.mqtt_password.get_secret_value()
    path = folder_of(settings) / f"server-{role}.password"
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
    except FileExistsError:
        pass
    return f"server-{role}", path.read_text()


def client_id(settings: Settings, role: str) -> str:
    """Return the client id of one of the server's own connections."""
    if settings.manages_broker:
        return f"server-{role}"
    return f"{settings.mqtt_username or 'gatehouse'}-{role}"


def accounts(settings: Settings) -> dict[str, tuple[str, list[Grant]]]:
    """Return user name -> (password hash, grants) of the server's own connections.

    The salt follows from the password and the server's own secret, so that the line is always
    the same.
    """
    live = f"{settings.mqtt_namespace}/$live/#"
    everything = [Grant(READ, "#"), Grant(READ, "$SYS/#"), Grant(WRITE, "#")]
    may = {
        "listener": [Grant(READ, "#"), Grant(READ, "$SYS/#")],
        "publisher": [Grant(WRITE, "#")],
        "bus": [Grant(READ, live), Grant(WRITE, live)],
    }
    if not settings.manages_broker:  # one account for all
        may = {"server": everything} if settings.mqtt_username else {}
    made, keys = {}, load(settings)
    for role, grants in may.items():
        username, password = server_login(settings, role)
        salt = bytes.fromhex(keys.mac("broker-salt", password))[:SALT]
        iterations = ITERATIONS if settings.manages_broker else HUMAN_ITERATIONS
        made[username] = (mosquitto_hash(password, salt, iterations=iterations), grants)
    return made


class Mosquitto:
    """One broker process; any process of this server may ask it to read its files again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = folder_of(settings)
        self._conf = self._folder / "mosquitto.conf"
        self._pid = self._folder / "pid"
        self._process: psutil.Popen | None = None
        self._failed_at = 0.0

    def start(self) -> None:
        """Start the broker, or adopt one that a killed server left running.

        Raises:
            BrokerError: Mosquitto is missing, its port is taken, or it ends at once.
        """
        with locked(self._folder):
            text = self._text()
            left = self._running()
            if left and self._conf.read_text() == self._text(debug=True):
                self._write_and_reload(text)
            if left and self._conf.read_text() == text:
                return
            if left:
                self._end(left)
            replace(self._conf, text)
        if not all((self._folder / name).exists() for name in (PASSWORDS, ACL)):
            FileBroker(
                self._folder,
                self._settings.mqtt_namespace,
                accounts=accounts(self._settings),
                known=lambda: (),
                reload=lambda: None,
            ).upsert()
        self._launch()

    def ensure_running(self) -> None:
        """Start the broker again if it has ended; tries once a second, never raises."""
        if self._running():
            if self._log_is_long():
                self.reload()
            return
        if time.monotonic() - self._failed_at < 1:
            return
        try:
            self.start()
        except BrokerError:
            self._failed_at = time.monotonic()

    def reload(self, wait_s: float = RELOAD_S) -> bool:
        """Make the broker read its files again before it reads from whoever connects from now on.

        Connections of users who were removed or got another password end.  Returns False if the
        broker does not run, or does not answer within `wait_s`.
        """
        process = self._running()
        if process is None:
            return False
        # one that is still starting would end, one that is reading its files would forget
        if not self._answers(wait_s):
            return False
        if self._log_is_long():
            (self._folder / "log").replace(self._folder / "log.1")  # the signal opens a new one
        process.send_signal(signal.SIGHUP)
        self._nudge(wait_s)
        return True

    def log_everything(self, wanted: bool) -> None:
        """Have the broker log each packet, or only what is out of the ordinary."""
        text = self._text(debug=wanted)
        with locked(self._folder):
            if self._running() and self._conf.read_text() != text:
                self._write_and_reload(text)

    def stop(self) -> None:
        """End the broker; it writes down what it holds for devices that are away."""
        process = self._running()
        if process:
            self._end(process)
        self._reap()

    def _launch(self) -> None:
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if program is None:
            raise BrokerError("mosquitto is missing: install Debian's package, or set MQTT_HOST")
        self._check_port()
        self._check_socket()
        said = self._folder / "start.log"
        self._mark_start()
        with open(said, "wb") as output:
            self._process = psutil.Popen(
                [program, "-c", str(self._conf)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                umask=0o077,
                start_new_session=True,  # a terminal's Ctrl-C comes to us alone
            )
        replace(self._pid, str(self._process.pid))
        until = time.monotonic() + START_S
        while self._process.poll() is None and time.monotonic() < until:
            if self._answers(START_S):
                return
            time.sleep(0.005)
        log = self._folder / "log"
        lines = [*_lines(said), *_lines(log)[-20:]]
        reason = next((line for line in reversed(lines) if "Error" in line), "no reason given")
        self._reap()
        raise BrokerError(f"mosquitto does not start: {reason} (see {log})")

    def _mark_start(self) -> None:
        number = os.open(self._folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with open(number, "w") as log:
            log.write(
                f"\n{int(time.time())}: {STARTS}\n"
            )  # one that was killed may leave half a line

    def _check_port(self) -> None:
        host, port = self._settings.mqtt_bind, self._settings.mqtt_port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, port))
            except OSError as error:
                taken = error.errno == errno.EADDRINUSE
                reason = "another program has this port" if taken else error.strerror
                raise BrokerError(
                    f"MQTT_BIND {host}, MQTT_PORT {port}: {reason}; "
                    "end the other program, set MQTT_PORT, or set MQTT_HOST to use a broker there"
                ) from error

    def _check_socket(self) -> None:
        if (
            self._settings.mqtt_tls_cert
            and len(os.fsencode(self._folder / SOCKET)) > LONGEST_SOCKET
        ):
            raise BrokerError(
                f"INSTANCE_DIR {self._settings.instance_dir}: this path is too long for a socket; "
                "set INSTANCE_DIR to a shorter one"
            )

    def _running(self) -> psutil.Process | None:
        """Return the broker's process, whoever started it, or None."""
        try:
            process = psutil.Process(int(self._pid.read_text()))
            if process.status() == psutil.STATUS_ZOMBIE:
                self._reap()
                return None
            return process if str(self._conf) in process.cmdline() else None
        except (OSError, ValueError, psutil.Error):
            return None

    def _answers(self, wait_s: float) -> bool:
        """Return whether the broker reacts to a new connection.

        The broker looks at signals whenever something arrives, and before it reads on: what
        follows a signal proves that the signal was obeyed.
        """
        try:
            with self._connection(wait_s) as probe:
                probe.sendall(b"\xc0\x00")  # no CONNECT: the broker hangs up
                probe.recv(1)
        except ConnectionResetError:
            return True
        except OSError:
            return False
        return True

    def _nudge(self, wait_s: float) -> None:
        """Wake the broker, which looks at signals when something arrives."""
        with suppress(OSError):
            self._connection(wait_s).close()

    def _connection(self, wait_s: float) -> socket.socket:
        host, port = endpoint(self._settings)
        if not self._settings.mqtt_tls_cert:
            return socket.create_connection((host, port), timeout=wait_s)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(wait_s)
            connection.connect(host)
        except OSError:
            connection.close()
            raise
        return connection

    def _text(self, *, debug: bool = False) -> str:
        return configuration(self._settings, self._folder, debug=debug)

    def _write_and_reload(self, text: str) -> None:
        replace(self._conf, text)
        self.reload()

    def _log_is_long(self) -> bool:
        log = self._folder / "log"
        return log.exists() and log.stat().st_size > LOG_LIMIT

    def _reap(self) -> None:
        """Take the exit code of a child that has ended, so that it goes."""
        if self._process and self._process.poll() is not None:
            self._process = None

    def _end(self, process: psutil.Process) -> None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(STOP_S)
        self._pid.unlink(missing_ok=True)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(errors="replace").splitlines()
    except OSError:
        return []
