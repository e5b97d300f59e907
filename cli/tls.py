"""`tls`: certificates for a network where no public authority can vouch for the server."""

import socket
from urllib.parse import urlsplit

import click

import wiring
from cli import certificates
from cli.groups import Group
from clock import utcnow

tls = Group("tls", help="Certificates for a private network.")
HERE = ("localhost", "127.0.0.1", "::1")
NOWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  where one listens, not where one is reached


@tls.command()
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="HOST",
    help="A host name or address under which browsers and devices reach this server.",
)
def init(names: tuple[str, ...]) -> None:
    """Make an authority and a certificate, and say which settings use them.

    The authority is made once and kept, so that devices which trust it need no change when the
    certificate is made again. Without --name: the host of APP_URL and this machine's name.
    """
    settings = wiring.current().settings
    folder = settings.instance_dir.absolute() / "tls"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    given = names or (urlsplit(settings.url).hostname or "", socket.gethostname())
    wanted = [one for one in dict.fromkeys((*given, *HERE)) if one not in NOWHERE]
    try:
        certificates.server(folder, wanted, now=utcnow())
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"# certificate for {', '.join(wanted)}", err=True)
    click.echo(
        f"# put these lines into .env, restart, and have devices trust {folder / 'ca.pem'}",
        err=True,
    )
    for setting, file in (
        ("TLS_CERT", "server.pem"),
        ("TLS_KEY", "server.key"),
        ("MQTT_TLS_CERT", "server.pem"),
        ("MQTT_TLS_KEY", "server.key"),
        ("MQTT_CA", "ca.pem"),
    ):
        click.echo(f"{setting}={folder / file}")
    if names:
        click.echo(f"APP_URL=https://{_in_url(names[0])}:{settings.port}")


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host
