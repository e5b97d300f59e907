"""A whole server in this process, and real edge processes that carry files from and to it."""

import hashlib
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import db.base
import wiring
from auth import tokens
from clock import utcnow
from db.models import Device, DeviceFile, User
from devices import configs, file_delivery, files, kept_files, registry
from tests.portal import Portal, at_work, make
from tests.stack import free_port, until
from tests.web import serve

ROOT = Path(__file__).resolve().parents[2]


def python(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "edge", *map(str, arguments)]


@dataclass
class House:
    """One installation whose web server says what passed through it, and can cut it."""

    portal: Portal
    port: int
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, path, Range
    carried: bytearray = field(default_factory=bytearray)  # under temporary URLs, down
    cut_after: int = 0  # bytes of the next fetched file; 0: nothing is cut
    loses: bool = False  # what is cut had been taken from the server to its end

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        self.asked.append((environ["REQUEST_METHOD"], path, environ.get("HTTP_RANGE")))
        answer = self.portal.server(environ, start_response)
        is_file = "/transfers/" in path and environ["REQUEST_METHOD"] == "GET"
        return self._overheard(answer) if is_file else answer

    def _overheard(self, answer):
        after, self.cut_after = self.cut_after, 0
        for block in answer:
            self.carried += block
            yield block
            if after and len(self.carried) >= after:
                if self.loses:
                    list(answer)
                raise ConnectionAbortedError("cut by the test")


@dataclass
class Box:
    """A device with a folder, as its manager sees it and as it is."""

    house: House
    folder: Path  # where its configuration, its state and the folders `in` and `logs` are
    public_id: str
    controller_id: str
    token: str
    process: subprocess.Popen | None = None

    @property
    def config(self) -> Path:
        return self.folder / "edge.toml"

    @contextmanager
    def seen(self):
        """The device in the server's context, with its owner."""
        with self.house.portal.server.app_context():
            own = db.base.db.session.query(Device).filter_by(public_id=self.public_id).one()
            by = db.base.db.session.query(User).filter_by(email="alice@example.org").one()
            yield wiring.current(), own, by

    def send(self, name: str, content: bytes) -> str:
        """Send a file down; returns its id."""
        with self.seen() as (parts, own, by):
            offer = self._announced(own, by, name, content, "download")
            way = parts.file_way
            assert file_delivery.take(offer.file, [content], offset=0, way=way, now=utcnow())
            return offer.file.public_id

    def ask(self, name: str, content: bytes) -> str:
        """Ask for a file of the device; returns its id."""
        with self.seen() as (parts, own, by):
            offer = self._announced(own, by, name, content, "upload")
            assert file_delivery.tell(offer, way=parts.file_way, now=utcnow())
            return offer.file.public_id

    def _announced(self, own, by, name, content, direction):
        return files.announce(
            own,
            name=name,
            size=len(content),
            digest=hashlib.sha256(content).hexdigest(),
            direction=direction,
            by=by,
            now=utcnow(),
            address="",
        )

    def push(self, body: dict) -> None:
        with self.seen() as (parts, own, by):
            configs.push(
                own,
                body,
                by=by,
                store=parts.store,
                publisher=parts.publisher,
                keys=parts.keys,
                namespace="gatehouse",
                now=utcnow(),
                address="",
            )

    def version(self) -> tuple[str, str]:
        """How far the newest configuration is, and the device's words."""
        with self.seen() as (parts, own, by):
            newest = configs.history(own, by=by, store=parts.store)[0]
            return str(newest.state), newest.words

    def says(self, rest: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish to the device as the server would."""
        with self.seen() as (parts, _own, _by):
            topic = f"gatehouse/{self.controller_id}/{rest}"
            assert parts.publisher.publish(topic, payload, retain=retain)

    def file(self, public_id: str) -> tuple[str, str]:
        """How far a file is, and why the device refused it."""
        with self.seen():
            one = db.base.db.session.query(DeviceFile).filter_by(public_id=public_id).one()
            return str(file_delivery.state(one, now=utcnow())), one.result

    def files(self) -> dict[str, bytes]:
        """What the device sent up, by name."""
        with self.seen() as (parts, own, by):
            folder = parts.settings.instance_dir / "files"
            return {
                one.name: kept_files.path_of(one, folder).read_bytes()
                for one in kept_files.of(own, by=by)
                if (one.direction, one.state) == ("upload", "whole")
            }

    def became(self, public_id: str) -> tuple[str, str]:
        """Wait until the device said what it did with a file."""
        until(lambda: self.file(public_id)[0] in {"fetched", "refused"}, 20, "an answer")
        return self.file(public_id)

    def upload(self, *paths: Path) -> subprocess.CompletedProcess:
        command = python("upload", "--config", self.config, *paths)
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)

    def start(self) -> "Box":
        """Run the device until the server has heard that it is there."""
        self.process = subprocess.Popen(python("run", self.config), cwd=ROOT)
        with self.seen() as (parts, own, _by):
            device_id = own.id
            online = lambda: (  # noqa: E731
                (row := parts.store.presence([device_id]).get(device_id)) and row.said == "online"
            )
            until(online, 20, "the device is there")
        return self

    def stop(self) -> None:
        if self.process:
            self.process.terminate()
            self.process.wait(10)


@contextmanager
def house(folder: Path):
    """A server with broker, listener and web, until the block ends."""
    port = free_port()
    made = House(make(folder, app_url=f"http://localhost:{port}", mqtt_port=free_port()), port)
    with at_work(made.portal.server), serve(made, port=port):
        yield made


def box(house: House, folder: Path, *, seals: bool = False, must_seal: bool = False) -> Box:
    """A device of Alice with its configuration file; it is not started."""
    alice = house.portal.person("alice@example.org")
    with house.portal.server.app_context():
        parts = wiring.current()
        by = db.base.db.session.get_one(User, alice.user.id)
        made = registry.create(
            folder.name,
            "other",
            by=by,
            now=utcnow(),
            broker=parts.broker,
            keys=parts.keys,
            namespace="gatehouse",
        )
        registry.update(made.device, by=by, now=utcnow(), sealed=must_seal)
        _row, token = tokens.create(made.device, by=by, label="", now=utcnow(), address="")
        device, port = made.device, parts.settings.mqtt_port
        for name in ("in", "logs"):
            (folder / name).mkdir()
        (folder / "edge.toml").write_text(f"""
            [login]
            controller_id = "{device.controller_id}"
            username = "{device.mqtt_username}"
            password = "{made.mqtt_password}"
            command_key = "{made.command_key}"
            port = {port}
            [client]
            state_dir = "{folder}/state"
            sealed = {str(seals).lower()}
            [files]
            folder = "{folder}/in"
            upload_from = "{folder}/logs"
            largest_mb = 1
            server = "{house.url}"
            device_id = "{device.public_id}"
            token = "{token}"
            [[sensor]]
            name = "water"
            driver = "simulated"
            mean = 20
        """)
        return Box(house, folder, device.public_id, device.controller_id, token)
