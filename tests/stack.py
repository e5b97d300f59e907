"""A whole running Gatehouse for tests: `python app.py` in a process of its own."""

import contextlib
import json
import os
import random
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A TCP port of loopback that nobody listens on.

    Below those that the system gives to outgoing connections: one of these could take it before
    the server that it is meant for.  Any of many, for tests that run side by side.
    """
    for port in random.sample(range(10_000, 32_000), 100):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


def until(check: Callable[[], Any], seconds: float = 20.0, what: str = "") -> Any:
    """Ask again and again until the answer is true; fail after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        if answer := check():
            return answer
        assert time.monotonic() < end, f"not within {seconds} s: {what or check}"
        time.sleep(0.02)


@dataclass
class Stack:
    """One installation in a folder of its own, running."""

    instance: Path
    port: int
    mqtt_port: int
    env: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    arguments: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{'https' if self.trust else 'http'}://localhost:{self.port}"

    @property
    def trust(self) -> ssl.SSLContext | None:
        """Whom to trust where the web server speaks TLS."""
        if "TLS_CERT" not in self.env:
            return None
        return ssl.create_default_context(cafile=self.env["MQTT_CA"])

    def start(self, *arguments: str, wait: bool = True) -> "Stack":
        with open(self.instance.parent / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "app.py", *(arguments or self.arguments)],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
            )
        if wait:
            until(self.answers, 30, "the server answers")
        return self

    def answers(self) -> bool:
        assert self.process is None or self.process.poll() is None, self.log()
        try:
            with urllib.request.urlopen(self.url + "/readyz", timeout=2, context=self.trust):
                return True
        except OSError:
            return False

    def log(self) -> str:
        return (self.instance.parent / "server.log").read_text()

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(20)

    def flask(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command of the command line in this installation."""
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "app", *arguments],
            cwd=ROOT,
            env=self.env,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def mails(self, to: str) -> list[dict[str, str]]:
        with urllib.request.urlopen(self.url + "/outbox.json", timeout=5) as answer:
            return [mail for mail in json.load(answer) if mail["to"] == to]

    def link(self, to: str, path: str) -> str:
        """The newest link to a path in a mail to somebody; waits for the mail."""

        def found() -> str | None:
            for mail in sorted(self.mails(to), key=lambda mail: mail["at"], reverse=True):
                if match := re.search(rf"http\S*{path}\S*", mail["text"]):
                    return match[0]
            return None

        return str(until(found, what=f"a mail to {to} with a link to {path}"))


@contextlib.contextmanager
def stack(folder: Path, *arguments: str, **settings: str) -> Iterator[Stack]:
    """Run a fresh installation until the block ends."""
    instance = folder / "instance"
    instance.mkdir(parents=True, exist_ok=True)
    port, mqtt_port = free_port(), free_port()
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "LANG": "C.UTF-8",
        "PORT": str(port),
        "MQTT_PORT": str(mqtt_port),
        "INSTANCE_DIR": str(instance),
        "APP_URL": f"http://localhost:{port}",
        "BCRYPT_COST": "4",
        "WEB_THREADS": "64",
        **settings,
    }
    made = Stack(instance, port, mqtt_port, env, arguments=list(arguments))
    try:
        yield made.start()
    finally:
        if made.process and made.process.poll() is None:
            made.stop()
