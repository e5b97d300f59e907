"""`python -m edge run|check|upload|simulate`."""

import argparse
import logging
import signal
import sys
from pathlib import Path

from edge.check import check
from edge.commands import Refused
from edge.config import load
from edge.journal import Journal
from edge.login import ConfigError, read_house
from edge.outgoing import Outgoing
from edge.run import Runner
from edge.simulated.house import House
from edge.simulated.lock import Mode
from edge.web import Failed, Web
from edge.wire import wire_of

CONFIG = Path("/etc/gatehouse-edge.toml")


def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands; returns the exit code (2: a file is wrong)."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.INFO if options.verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
    )
    try:
        code: int = options.command(options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    return code


def simulate(options: argparse.Namespace) -> int:
    """Live in a simulated house until a signal comes."""
    house = House(read_house(options.credentials), mode=Mode(options.lock_mode))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: house.end())
    if options.parent:
        house.end_with(options.parent)
    house.run(control=options.control, backfill_h=options.backfill)
    return 0


def run(options: argparse.Namespace) -> int:
    """Be the device that a configuration file describes, until a signal comes."""
    config = load(options.config)
    try:
        runner = Runner(config)
    except OSError as error:
        print(f"{error.filename or config.state_dir}: {error.strerror}", file=sys.stderr)
        return 1
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: runner.end())
    runner.run()
    return 0


def upload(options: argparse.Namespace) -> int:
    """Send files to the server; 1 if one could not be sent."""
    config = load(options.config)
    wire = wire_of(config.login, Journal(), sealed=config.sealed)
    outgoing = Outgoing(
        Web(config.login.ca), wire.turning, folder=None, account=config.files.account
    )
    code = 0
    for path in options.files:
        try:
            outgoing.send(path)
        except (Refused, Failed, OSError) as error:
            print(f"{path}: {error}", file=sys.stderr)
            code = 1
        else:
            print(f"{path}: sent")
    return code


def check_all(options: argparse.Namespace) -> int:
    """Say what is wrong with a configuration, its parts and its broker; 1 if something is."""
    wrong = check(load(options.config))
    for line in wrong:
        print(line, file=sys.stderr)
    if not wrong:
        print("all is well")
    return 1 if wrong else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m edge", description="Gatehouse on a device.")
    parser.add_argument("-v", "--verbose", action="store_true", help="say more")
    parts = parser.add_subparsers(required=True, metavar="command")

    for name, command, text in (
        ("run", run, "be the device that a configuration file describes"),
        ("check", check_all, "try a configuration, its parts and its broker"),
    ):
        part = parts.add_parser(name, help=text)
        part.set_defaults(command=command)
        part.add_argument("config", type=Path, nargs="?", default=CONFIG, help=f"default: {CONFIG}")

    sending = parts.add_parser("upload", help="send files to the server")
    sending.set_defaults(command=upload)
    sending.add_argument("--config", type=Path, default=CONFIG, help=f"default: {CONFIG}")
    sending.add_argument("files", type=Path, nargs="+", metavar="file")

    house = parts.add_parser("simulate", help="a house full of devices that are not there")
    house.set_defaults(command=simulate)
    house.add_argument("--credentials", type=Path, required=True, help="JSON list of devices")
    house.add_argument(
        "--lock-mode", choices=[str(mode) for mode in Mode], default="ok", help="how locks behave"
    )
    house.add_argument(
        "--control",
        type=Path,
        help='JSON file {"<id or *>": "<lock mode>"}; may change at any time',
    )
    house.add_argument(
        "--backfill", type=float, default=0, metavar="HOURS", help="publish history first"
    )
    house.add_argument(
        "--parent", type=int, help="end when this process is not the parent any more"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
