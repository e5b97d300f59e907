"""`python -m edge run`: reads the sensors, switches the outputs, talks to the server."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from edge import clock
from edge.buffer import Buffer
from edge.client import DeviceClient
from edge.commands import Command
from edge.config import SHORTEST_S, Config, Part
from edge.drivers import Output, Sensor, Value
from edge.incoming import Incoming
from edge.journal import Journal
from edge.outgoing import Outgoing
from edge.schedule import Schedule
from edge.settings import Settings
from edge.transfers import Transfers
from edge.web import Web
from edge.wire import Wire

WATCH_S = 0.05  # how often a button is looked at
HEALTH_S = 60.0
LONGEST_S = 86_400  # between two readings of a sensor
MAX_TEXT = 200
OPENING = {"unlock", "open"}
SWITCHING = {"on": True, "off": False}
log = logging.getLogger("gatehouse.edge")


class Runner:
    """One configured device at work, in one thread plus the connection's."""

    def __init__(self, config: Config) -> None:
        """Open the files in which readings wait.

        Raises:
            OSError: the state folder or the one for files cannot be written.
        """
        folder = config.state_dir
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.schedule = Schedule()
        self._config = config
        self._outputs = {part.name: part for part in config.outputs}
        self._every_s = {part.name: part.every_s for part in config.sensors}
        self._shown: dict[str, Value] = {}
        self._failing: dict[str, str] = {}  # part -> why
        self.client = DeviceClient(
            config.login,
            on_command=lambda command: self.schedule.soon(partial(self._carry_out, command)),
            on_settings=lambda settings: self.schedule.soon(partial(self._settle, settings)),
            on_file=lambda offer: self.transfers.carry(offer, now_ms=clock.now_ms()),
            buffer=Buffer(folder / "buffer.sqlite", max_bytes=config.buffer_mb * 2**20),
            journal=Journal(folder / "journal.sqlite"),
            attributes=_attributes(config),
            sealed=config.sealed,
        )
        self.transfers = _transfers(config, self.client.wire)

    def run(self) -> None:
        """Work until `end`; a part that fails is tried again and told on `status`."""
        self.transfers.start(self.client)
        self.client.start()
        for output in self._config.outputs:
            self._guarded(output, output.driver.open)
        for part in self._config.sensors:
            self._guarded(part, part.driver.open)
            self.schedule.every(
                partial(self._every_s.__getitem__, part.name),
                partial(self._guarded, part, partial(self._say, part)),
            )
            if part.driver.watched:
                self.schedule.every(
                    WATCH_S, partial(self._guarded, part, partial(self._watch, part))
                )
        self.schedule.every(HEALTH_S, self._health, first_s=HEALTH_S)
        self.schedule.run()
        self.transfers.stop()
        self.client.stop()
        for sensor in self._config.sensors:
            sensor.driver.close()
        for output in self._config.outputs:
            output.driver.close()

    def end(self) -> None:
        """Make `run` return."""
        self.schedule.end()

    def _say(self, part: Part[Sensor]) -> None:
        self._shown[part.name] = value = part.driver.read()
        self.client.publish({part.name: value})

    def _watch(self, part: Part[Sensor]) -> None:
        if part.driver.read() != self._shown.get(part.name):
            self._say(part)

    def _guarded(self, part: Part[Any], action: Callable[[], None]) -> None:
        """Do something with a part; a failure is told once, and tried again next time."""
        try:
            if part.name in self._failing:
                part.driver.open()
            action()
        except OSError as error:
            if self._failing.get(part.name) != str(error):
                self._failing[part.name] = str(error)
                log.warning("%s: %s", part.name, error)
                self._report_failing()
        else:
            if self._failing.pop(part.name, None):
                self._report_failing()

    def _report_failing(self) -> None:
        told = "; ".join(f"{name}: {why}" for name, why in self._failing.items())
        self.client.report(failing=told[:MAX_TEXT])

    def _settle(self, settings: Settings) -> None:
        """Follow `{"every_s": {sensor: seconds}}` whole, or not at all and say why."""
        wanted = settings.values.get("every_s", {})
        problems = [f"{name}: unknown" for name in settings.values if name != "every_s"]
        if not isinstance(wanted, dict):
            problems.append("every_s: needs sensors with seconds")
            wanted = {}
        for name, period_s in wanted.items():
            if name not in self._every_s:
                problems.append(f"every_s {name}: no such sensor")
            elif type(period_s) not in {int, float} or not SHORTEST_S <= period_s <= LONGEST_S:
                problems.append(f"every_s {name}: needs {SHORTEST_S} to {LONGEST_S} seconds")
        if not problems:
            self._every_s |= wanted
        self.client.settled(settings, "; ".join(problems)[:MAX_TEXT] or "applied")

    def _carry_out(self, command: Command) -> None:
        if command.name == "restart":
            self.client.answer(command, "done")
            self.schedule.after(1.0, self.end)  # systemd starts it again
            return
        if command.name == "upload":
            self.transfers.upload(command)
            return
        target = command.params.get("target")
        part = self._target(command.name, target)
        if part is None:
            self.client.answer(
                command, "refused", f"cannot {command.name} {target or ''}"[:MAX_TEXT]
            )
            return
        act = self._pulse if command.name in OPENING else self._switch
        self._trying(command, partial(act, part, command))

    def _trying(self, command: Command, action: Callable[[], None]) -> None:
        try:
            action()
        except OSError as error:
            self.client.answer(command, "failed", str(error)[:MAX_TEXT])

    def _target(self, name: str, target: object) -> Part[Output] | None:
        """Return the output that is meant; the only door opener need not be named."""
        openers = [part for part in self._config.outputs if part.driver.pulse_s]
        if name in OPENING and target is None:
            return openers[0] if len(openers) == 1 else None
        part = self._outputs.get(str(target))
        if part is None or (part in openers) is not (name in OPENING):
            return None
        return part if name in OPENING | {*SWITCHING, "set"} else None

    def _pulse(self, part: Part[Output], command: Command) -> None:
        part.driver.switch(on=True)

        def release() -> None:
            part.driver.switch(on=False)
            self.client.answer(command, "done")

        self.schedule.after(part.driver.pulse_s, partial(self._trying, command, release))

    def _switch(self, part: Part[Output], command: Command) -> None:
        wanted = SWITCHING.get(command.name, command.params.get("value"))
        if not isinstance(wanted, bool):
            self.client.answer(command, "refused", "value: needs true or false")
            return
        part.driver.switch(on=wanted)
        self.client.publish({part.name: wanted})
        self.client.answer(command, "done")

    def _health(self) -> None:
        lost = self.client.buffer.dropped + self.client.counters.undated
        self.client.report(buffered=len(self.client.buffer), lost=lost)


def _transfers(config: Config, wire: Wire) -> Transfers:
    files, web = config.files, Web(config.login.ca)
    incoming = None
    if files.folder is not None:
        largest = files.largest_mb * 2**20
        incoming = Incoming(files.folder, largest=largest, web=web, turning=wire.turning)
    outgoing = Outgoing(web, wire.turning, folder=files.upload_from, account=files.account)
    return Transfers(incoming=incoming, outgoing=outgoing)


def _attributes(config: Config) -> dict[str, object]:
    attributes: dict[str, object] = {"sealed": True} if config.sealed else {}
    return attributes | ({"firmware": config.firmware} if config.firmware else {})
