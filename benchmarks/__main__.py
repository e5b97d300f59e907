"""Repeats every figure of docs/performance.md, each part in a process of its own.

    .venv/bin/python -m benchmarks [PART ...] [--write]

Each part has a time limit; what was measured until then counts.  With --write the tables of
docs/performance.md are replaced.
"""

import argparse
import dataclasses
import json
import os
import platform
import re
import signal
import subprocess
import sys
import threading
from importlib import import_module
from pathlib import Path

from benchmarks.figures import Figure, table

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/performance.md"
PARTS = {  # modules with a function `figures`, and seconds that each may take
    "live": 240,
    "ingest": 240,
    "flood": 60,
    "provisioning": 120,
    "store": 300,
    "postgresql": 300,
    "charts": 300,
    "ranges": 420,
    "export": 300,
    "commands": 60,
    "guest_page": 60,
}


def measure(part: str) -> None:
    """Be the process of one part: print its figures, one JSON object a line."""
    for figure in import_module(f"benchmarks.{part}").figures():
        print(json.dumps(dataclasses.asdict(figure)), flush=True)


def run(part: str, limit_s: int) -> list[Figure]:
    """Run one part and print its figures as they come; what takes too long is ended."""
    command = [sys.executable, "-m", "benchmarks", "--measure", part]
    figures = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    ) as process:
        ended = threading.Timer(limit_s, os.killpg, (process.pid, signal.SIGKILL))
        ended.start()
        for line in process.stdout or ():
            figures.append(Figure(**json.loads(line)))
            print(figures[-1].row(), flush=True)
        code = process.wait()
        ended.cancel()
    if code:
        print(f"{part} ended with code {code} (limit {limit_s} s)", file=sys.stderr)
    return figures


def write(part: str, figures: list[Figure], where: str) -> None:
    """Replace the table of a part, which stands between two comments."""
    begin, end = f"<!-- figures of {part} -->", "<!-- end of figures -->"
    text = f"{begin}\n\n{table(figures)}\n\n{where}\n\n{end}"
    page = PAGE.read_text()
    new, found = re.subn(
        re.escape(begin) + ".*?" + re.escape(end), lambda _: text, page, flags=re.S
    )
    if not found:
        raise SystemExit(f"{PAGE} has no place for the figures of {part}")
    PAGE.write_text(new)


def here() -> str:
    """Return what the figures depend on: the machine, and how busy it is."""
    return (
        f"{os.cpu_count()} processors, Python {platform.python_version()},"
        f" load {os.getloadavg()[0]:.1f} when it began."
    )


def main() -> None:
    """Run the parts that were asked for, or all."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("part", nargs="*", help=", ".join(PARTS))
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    parser.add_argument("--measure", choices=PARTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure)
        return
    if unknown := set(given.part) - set(PARTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    for part in given.part or PARTS:
        where = here()
        print(f"\n{part}: {where}", flush=True)
        figures = run(part, PARTS[part])
        if given.write and figures:
            write(part, figures, where)


if __name__ == "__main__":
    main()
