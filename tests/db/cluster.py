"""A PostgreSQL cluster of its own, for as long as tests or benchmarks need it."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL

from tests.stack import free_port

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def as_postgres(*command: str) -> None:
    """Run a program; PostgreSQL's refuse to run as root."""
    root = os.geteuid() == 0
    done = subprocess.run(
        command,
        user=pwd.getpwnam("postgres").pw_uid if root else None,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def cluster(*options: str) -> Iterator[URL]:
    """Start one on loopback and give the address of its database; `options` are `name=value`."""
    programs, port = POSTGRES[-1], free_port()
    # not in pytest's own folder, which only the user of the tests may enter
    with tempfile.TemporaryDirectory() as name:
        if os.geteuid() == 0:
            shutil.chown(name, "postgres")
        data = f"{name}/data"
        as_postgres(
            *(str(programs / "initdb"), "-D", data, "-U", "gatehouse"),
            *("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
        )
        settings = (f"port={port}", "listen_addresses=127.0.0.1", *options)
        given = " ".join(f"-c {setting}" for setting in settings) + f" -k {name}"
        control = (str(programs / "pg_ctl"), "-D", data, "-w")
        as_postgres(*control, "-l", f"{name}/log", "-o", given, "start")
        try:
            yield URL.create(
                "postgresql+psycopg",
                username="gatehouse",
                host="127.0.0.1",
                port=port,
                database="postgres",
            )
        finally:
            as_postgres(*control, "-m", "immediate", "stop")
