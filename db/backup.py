"""Copies of the databases that are whole, made while everything runs.

SQLite: `VACUUM INTO`, then `quick_check` and `foreign_key_check`; never a copy of the file,
which misses committed rows.  PostgreSQL: `pg_dump` and `pg_restore` of the installed client.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from db.move import METADATA
from errors import AppError

__all__ = ["BackupFailed", "Engine", "restore", "save"]


class BackupFailed(AppError):
    """A copy could not be made, or is not whole."""

    status, code, text = 500, "backup_failed", "The backup failed: %(why)s"


def save(engines: Mapping[str, Engine], folder: Path) -> list[Path]:
    """Copy each database to a file in a new folder; returns the files.

    Raises:
        BackupFailed: the folder exists, the disk is full, or a copy is not whole.
    """
    unfinished = folder.with_name(folder.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        if folder.exists():
            raise BackupFailed(why=f"{folder} is there already")
        unfinished.mkdir(parents=True, mode=0o700)
        for name, engine in _distinct(engines).items():
            _save_one(engine, unfinished / name)
        unfinished.rename(folder)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(why=str(error)) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return sorted(folder.iterdir())


def restore(engines: Mapping[str, Engine], folder: Path) -> list[str]:
    """Put each database's copy in its place; a SQLite file that was there is kept as *.before.

    Raises:
        BackupFailed: a copy is missing or not whole, or a server uses a SQLite file; nothing was
            changed then.
    """
    distinct = _distinct(engines)
    for name, engine in distinct.items():
        copy = _copy_in(folder, name, engine)
        if engine.dialect.name == "sqlite":
            _check(copy)
            engine.dispose()
            _check_unused(Path(str(engine.url.database)))
        else:
            _postgres(engine.url, "pg_restore", "--file=/dev/null", str(copy))
    done = []
    for name, engine in distinct.items():
        copy, url = _copy_in(folder, name, engine), engine.url
        engine.dispose()
        if engine.dialect.name == "sqlite":
            target = Path(str(url.database))
            for suffix in ("-wal", "-shm"):
                Path(f"{target}{suffix}").unlink(missing_ok=True)
            if target.exists():
                target.replace(target.with_name(target.name + ".before"))
            shutil.copyfile(copy, target)
            target.chmod(0o600)
        else:
            _replace(url, copy)
        done.append(name)
    return done


def _distinct(engines: Mapping[str, Engine]) -> dict[str, Engine]:
    """One PostgreSQL database may serve both; it is copied once."""
    seen: dict[str, Engine] = {}
    for name, engine in engines.items():
        if all(engine.url != other.url for other in seen.values()):
            seen[name] = engine
    return seen


def _copy_in(folder: Path, name: str, engine: Engine) -> Path:
    path = folder / (name + (".sqlite" if engine.dialect.name == "sqlite" else ".dump"))
    if not path.exists():
        raise BackupFailed(why=f"{path} is missing")
    return path


def _save_one(engine: Engine, target: Path) -> None:
    if engine.dialect.name == "sqlite":
        path = target.with_suffix(".sqlite")
        source = sqlite3.connect(str(engine.url.database), timeout=30)
        try:
            source.execute("VACUUM INTO ?", (str(path),))
        finally:
            source.close()
        path.chmod(0o600)
        _check(path)
        with path.open("rb") as file:
            os.fsync(file.fileno())
    else:
        path = target.with_suffix(".dump")
        _postgres(
            engine.url,
            "pg_dump",
            "--format=custom",
            "--compress=1",
            "--file",
            str(path),
            str(engine.url.database),
        )
        path.chmod(0o600)


def _check(path: Path) -> None:
    copy = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        said = [row[0] for row in copy.execute("PRAGMA quick_check")]
        broken = copy.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.DatabaseError as error:
        raise BackupFailed(why=f"{path}: {error}") from error
    finally:
        copy.close()
    if said != ["ok"] or broken:
        raise BackupFailed(why=f"{path} is not whole: {said[0]}")


def _check_unused(path: Path) -> None:
    """Make sure that nobody would go on writing to a file that is not there any more.

    Raises:
        BackupFailed: somebody has it open.
    """
    connection = sqlite3.connect(path, isolation_level=None, timeout=1)
    try:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorname == "SQLITE_BUSY":
            raise BackupFailed(why=f"{path.name} is in use; stop the server first") from error
    except sqlite3.DatabaseError:
        pass  # damaged: that is why it is replaced
    finally:
        connection.close()


def _replace(url: URL, copy: Path) -> None:
    """Put the tables of a whole copy in the place of ours, in one transaction.

    `pg_restore --clean` cannot: it tries to drop the keys of partitions, which go with the table.
    """
    tables = [table for metadata in METADATA.values() for table in metadata.tables]
    tables += [f"alembic_version_{history}" for history in METADATA]
    drop = f"DROP TABLE IF EXISTS {', '.join(tables)} CASCADE"
    script = ["pg_restore", "--file=-", str(copy)]
    with subprocess.Popen(script, stdout=subprocess.PIPE) as made:  # noqa: S603  a fixed program
        _postgres(
            url,
            "psql",
            "--no-psqlrc",
            "--quiet",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            f"--dbname={url.database}",
            f"--command={drop}",
            "--file=-",
            stdin=made.stdout,
        )


def _postgres(url: URL, program: str, *arguments: str, stdin: IO[bytes] | None = None) -> None:
    """Run a program of the client.

    Raises:
        BackupFailed: with what it said last.
    """
    env = os.environ | {
        "PGHOST": url.host or "",
        "PGPORT": str(url.port or ""),
        "PGUSER": url.username or "",
        "PGPASSWORD": url.password or "",
        "PGOPTIONS": "-c lock_timeout=30s -c client_min_messages=warning",
    }
    done = subprocess.run(  # noqa: S603  a fixed program; the password goes through the environment
        [program, *arguments],
        check=False,
        env={k: v for k, v in env.items() if v},
        stdin=stdin,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise BackupFailed(why=f"{program}: {done.stderr.strip()[-500:]}")
