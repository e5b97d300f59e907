"""`db`: migrate, back up, restore and move the databases."""

from pathlib import Path

import click

import wiring
from cli.groups import Group
from clock import utcnow
from db import backup, migrations, move
from db.base import db, telemetry_engine

database = Group("db", help="Migrate, back up, restore and move the databases.")


def _engines() -> dict[str, "backup.Engine"]:
    return {"app": db.engine, "telemetry": telemetry_engine()}


@database.command()
def upgrade() -> None:
    """Bring the databases to the newest revision; every start does this too."""
    for history, engine in _engines().items():
        migrations.upgrade(history, engine)
        click.echo(f"{history}: revision {migrations.current(history, engine)}")


@database.command("backup")
@click.argument("folder", type=click.Path(path_type=Path), required=False)
def backup_command(folder: Path | None) -> None:
    """Write a copy of both databases to a new FOLDER while everything runs.

    Without FOLDER it goes to INSTANCE_DIR/backups/<time>.
    """
    target = folder or (
        wiring.current().settings.instance_dir / "backups" / f"{utcnow():%Y%m%d-%H%M%S}"
    )
    for path in backup.save(_engines(), target):
        click.echo(f"{path}  {path.stat().st_size} bytes, checked")


@database.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.confirmation_option(
    prompt="This replaces both databases. The server must be stopped. Go on?"
)
def restore(folder: Path) -> None:
    """Replace both databases by the copy in FOLDER; what was there is kept beside it."""
    wiring.current().store.close()
    for path in backup.restore(_engines(), folder):
        click.echo(f"{path} restored")
    for history, engine in _engines().items():
        migrations.upgrade(history, engine)


@database.command("move")
@click.option("--to", "url", required=True, help="postgresql://USER@HOST/DATABASE, an empty one")
def move_command(url: str) -> None:
    """Copy everything from the SQLite files to PostgreSQL; the server must be stopped.

    The files stay as they are.  A password is better kept in ~/.pgpass or PGPASSWORD than in
    the address, where other users of this machine can see it.
    """
    wiring.current().store.close()
    files = {}
    for history, engine in _engines().items():
        if engine.dialect.name != "sqlite":
            raise click.ClickException("DATABASE_URL is set: the data is not in SQLite files")
        engine.dispose()
        files[history] = Path(str(engine.url.database))
    for table, rows, sensors in move.move(files, url):
        click.echo(f"{table}: {rows} rows" + (f" of {sensors} sensors" if sensors else ""))
    click.echo("All rows are equal.  Set DATABASE_URL to the new database and start the server.")
