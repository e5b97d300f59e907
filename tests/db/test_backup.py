"""Backups are whole, made while others write, and can be brought back."""

import sqlite3
import threading
from pathlib import Path

import pytest
from flask import Flask

from clock import utcnow
from db import backup
from db.base import db, telemetry_engine, transaction
from db.models import User


def engines() -> dict:
    return {"app": db.engine, "telemetry": telemetry_engine()}


def add_user(email: str) -> None:
    with transaction() as session:
        session.add(User(email=email, email_typed=email, created_at=utcnow()))


def test_a_backup_brings_back_what_was_there(context: Flask, tmp_path: Path):
    add_user("ana@example.org")
    backup.save(engines(), tmp_path / "copy")
    add_user("bo@example.org")
    db.session.remove()

    backup.restore(engines(), tmp_path / "copy")

    assert [user.email for user in db.session.query(User)] == ["ana@example.org"]


def test_a_backup_while_others_write_is_whole(context: Flask, tmp_path: Path):
    stop = threading.Event()

    def write() -> None:
        number = 0
        with context.app_context():
            while not stop.is_set():
                add_user(f"u{number}@example.org")
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            paths = backup.save(engines(), tmp_path / f"copy{number}")
            assert [path.name for path in paths] == ["app.sqlite", "telemetry.sqlite"]
    finally:
        stop.set()
        writer.join()


def test_a_damaged_copy_is_refused_and_nothing_changes(context: Flask, tmp_path: Path):
    add_user("ana@example.org")
    backup.save(engines(), tmp_path / "copy")
    damaged = tmp_path / "copy/telemetry.sqlite"
    damaged.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)

    with pytest.raises(backup.BackupFailed):
        backup.restore(engines(), tmp_path / "copy")

    assert db.session.query(User).count() == 1


def test_a_folder_that_is_there_is_not_overwritten(context: Flask, tmp_path: Path):
    (tmp_path / "copy").mkdir()
    with pytest.raises(backup.BackupFailed):
        backup.save(engines(), tmp_path / "copy")


def test_only_this_user_can_read_a_copy(context: Flask, tmp_path: Path):
    for path in backup.save(engines(), tmp_path / "copy"):
        assert path.stat().st_mode & 0o077 == 0
        copy = sqlite3.connect(path)
        assert copy.execute("PRAGMA quick_check").fetchone() == ("ok",)
        copy.close()


def test_nothing_is_replaced_under_a_running_server(context: Flask, tmp_path: Path):
    backup.save(engines(), tmp_path / "copy")
    path = str(engines()["telemetry"].url.database)
    server = sqlite3.connect(path)
    server.execute("SELECT * FROM series").fetchall()

    with pytest.raises(backup.BackupFailed, match="stop the server"):
        backup.restore(engines(), tmp_path / "copy")

    server.close()
    assert not Path(path + ".before").exists()
