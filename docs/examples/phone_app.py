"""A phone app without the phone: finds, reads and operates the devices that know its token.

    phone_app.py URL pair                    makes the app's token once, and shows it
    phone_app.py URL list                    the devices that vouched for it
    phone_app.py URL read DEVICE             what their sensors said last
    phone_app.py URL ask DEVICE unlock       asks, and waits for what comes of it

The token is the app's own: it never leaves the phone but over Bluetooth, to a device in reach,
which tells the server about it (`vouch` plays that device).  Python's standard library is enough.
"""

import argparse
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

OPEN = {"queued", "sent", "delivered"}  # states after which another follows
PATIENCE_S = 15.0


class Refused(Exception):
    """The server said no; `status` is 401 when no device knows the app any more."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class PhoneApp:
    """An app with its token, which the server knows as a hash only."""

    def __init__(self, server: str, token: str) -> None:
        self._server, self._token = server.rstrip("/"), token

    def devices(self) -> list[dict[str, Any]]:
        """Return the devices that vouched for this app, with its level on each."""
        return list(self._call("GET", "/discover")["items"])

    def sensors(self, device_id: str) -> list[dict[str, Any]]:
        """Return the sensors of a device with their newest values."""
        return list(self._call("GET", f"/discover/{device_id}/sensors")["items"])

    def ask(self, device_id: str, name: str, **params: object) -> dict[str, Any]:
        """Ask something of a device once and return what came of it: state and detail."""
        path = f"/discover/{device_id}/commands"
        # the key makes a repeated request the same press, should the network swallow the answer
        key = {"Idempotency-Key": uuid.uuid4().hex}
        asked: dict[str, Any] = self._call("POST", path, {"name": name, "params": params}, key)
        end = time.monotonic() + PATIENCE_S
        while asked["state"] in OPEN and time.monotonic() < end:
            time.sleep(0.2)
            asked = self._call("GET", f"{path}/{asked['id']}")
        return asked

    def _call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> Any:
        return call(
            self._server, method, path, body, {"X-App-Token": self._token, **(headers or {})}
        )


def vouch(server: str, device_id: str, device_token: str, app_token: str, level: str) -> str:
    """Tell the server, as a device, of an app that was near; returns the id of the pairing."""
    made = call(
        server,
        "POST",
        f"/devices/{device_id}/app-tokens",
        {"app_token": app_token, "level": level},
        {"Authorization": f"Bearer {device_token}"},
    )
    return str(made["id"])


def call(server: str, method: str, path: str, body: object, headers: dict[str, str]) -> Any:
    """Return the server's answer.

    Raises:
        Refused: it said no.
        OSError: it could not be reached.
    """
    request = urllib.request.Request(  # noqa: S310 - the person says which server
        f"{server.rstrip('/')}/api/v1{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return json.load(answer) if answer.status != 204 else None
    except urllib.error.HTTPError as error:
        problem = json.load(error)["error"]
        raise Refused(error.code, problem["message"]) from None


def own_token(file: Path) -> str:
    """Return the app's token; it is made the first time, and only its owner can read the file."""
    if not file.exists():
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(secrets.token_urlsafe(32))
    return file.read_text()


def main(arguments: list[str]) -> int:
    """Do what the command line says; returns 1 if the server or the device says no."""
    parser = argparse.ArgumentParser(description="A phone app without the phone.")
    parser.add_argument("server", help="such as https://gatehouse.example.org")
    parser.add_argument("--token", type=Path, default=Path("phone.token"), help="the token's file")
    tasks = parser.add_subparsers(dest="task", required=True)
    tasks.add_parser("pair", help="make the token once, and show it")
    tasks.add_parser("list", help="list the devices")
    tasks.add_parser("read", help="show what the sensors said").add_argument("device")
    ask = tasks.add_parser("ask", help="ask something of a device")
    ask.add_argument("device")
    ask.add_argument("name", help="unlock, open, close, on, off, ...")
    given = parser.parse_args(arguments)
    token = own_token(given.token)
    app = PhoneApp(given.server, token)
    try:
        if given.task == "pair":
            print(token)
        elif given.task == "list":
            for one in app.devices():
                print(one["id"], one["name"], one["level"], one["state"], sep="\t")
        elif given.task == "read":
            for one in app.sensors(given.device):
                print(one["name"], one["last_value"], one["unit"], sep="\t")
        else:
            outcome = app.ask(given.device, given.name)
            print(outcome["state"], outcome["detail"], sep="\t")
            return int(outcome["state"] != "done")
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
