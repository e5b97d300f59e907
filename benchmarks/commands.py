"""Measures 100 commands a second over 100 locks: what is lost or doubled, and how long they take.

    .venv/bin/python benchmarks/commands.py [--locks 100] [--rate 100] [--seconds 10]

Rows are committed before anything is sent.  The locks are MQTT clients in the same process, so
they share its interpreter with those who press; a server of its own is faster than that.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figures import Figure, percentile  # noqa: E402
from tests.api.conftest import close, installation  # noqa: E402
from tests.e2e.street import settled, street  # noqa: E402
from tests.stack import until  # noqa: E402

LATEST_S = 20  # after the last press


def figures(locks: int = 100, rate: int = 100, seconds: int = 10) -> Iterator[Figure]:
    """Press so often a second, and give what became of it."""
    count = rate * seconds
    with tempfile.TemporaryDirectory() as folder:
        server = installation(Path(folder))
        with street(server, locks) as doors:
            began, worked = time.monotonic(), time.process_time()
            asked = doors.presses(count, a_second=rate)
            pressed_s = time.monotonic() - began
            until(lambda: settled(doors, count), LATEST_S, "every command is done")
            worked = time.process_time() - worked
            heard = Counter((door, command) for door, command, _at in doors.heard)
            times = {command: at for _door, command, at in doors.heard}
        close(server)
    took = [(times[command] - at) * 1000 for _door, command, at in asked if command in times]
    wanted = {(door, command) for door, command, _at in asked}
    yield Figure("commands pressed", count / pressed_s, "a second", note=f"{locks} locks")
    yield Figure("commands lost", len(wanted - heard.keys()), "", at_most=0, note=f"of {count}")
    doubled = sum(heard.values()) - len(heard.keys() & wanted)
    yield Figure("commands heard twice or by another lock", doubled, "", at_most=0)
    high = f"p95 {percentile(took, 0.95):.1f} ms"
    yield Figure("press to lock, row committed first", statistics.median(took), "ms", note=high)
    yield Figure("processor time a command, locks included", worked / count * 1000, "ms")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--locks", type=int, default=100)
    parser.add_argument("--rate", type=int, default=100, help="commands a second")
    parser.add_argument("--seconds", type=int, default=10)
    for figure in figures(**vars(parser.parse_args())):
        print(figure.row(), flush=True)


if __name__ == "__main__":
    main()
