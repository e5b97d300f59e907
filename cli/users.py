"""`users`: look after accounts from the shell of the server."""

import sys

import click

from auth import addresses, administration, people
from cli.groups import Group
from clock import utcnow
from db.models import User
from errors import NotFound
from notify.language import LANGUAGES

users = Group("users", help="Look after accounts.")

email_argument = click.argument("email")
role_option = click.option("--role", type=click.Choice(administration.ROLES), default="user")
yes_option = click.confirmation_option(prompt="Really?")


@users.command()
@email_argument
@role_option
@click.option("--language", type=click.Choice(list(LANGUAGES)), default="en")
@click.option("--invite", is_flag=True, help="Mail a link; the person chooses the password.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(email: str, role: str, language: str, invite: bool, password_stdin: bool) -> None:
    """Add an account that can be used at once, or invite its person."""
    now = utcnow()
    if invite:
        user = administration.invite(email, role=role, language=language, by=None, now=now)
        click.echo(f"{user.email} is invited")
        return
    password = _password(password_stdin)
    user = administration.add(email, password, role=role, language=language, by=None, now=now)
    click.echo(f"{user.email} is added as {user.role}")


@users.command("list")
def list_all() -> None:
    """List all accounts."""
    _show("")


@users.command()
@click.argument("text")
def find(text: str) -> None:
    """List the accounts whose address contains TEXT."""
    _show(text)


@users.command()
@email_argument
@click.option("--email", "new_email", help="The new address.")
@click.option("--role", type=click.Choice(administration.ROLES))
def edit(email: str, new_email: str | None, role: str | None) -> None:
    """Change the address or the role of an account."""
    if new_email is None and role is None:
        raise click.UsageError("Nothing is to be changed: name --email or --role.")
    user = _user(email)
    administration.edit(user, by=None, now=utcnow(), email=new_email, role=role)
    click.echo(f"{user.email} is {user.role}")


@users.command()
@email_argument
@click.argument("role", type=click.Choice(administration.ROLES))
def role(email: str, role: str) -> None:
    """Set the role of an account."""
    user = _user(email)
    administration.edit(user, by=None, now=utcnow(), role=role)
    click.echo(f"{user.email} is {user.role}")


@users.command()
@email_argument
@yes_option
def delete(email: str) -> None:
    """Delete an account."""
    administration.delete(_user(email), by=None, now=utcnow())
    click.echo(f"{email} is deleted")


@users.command()
@email_argument
def disable(email: str) -> None:
    """Switch an account off; everything it has open ends."""
    administration.disable(_user(email), by=None, now=utcnow())
    click.echo(f"{email} is switched off")


@users.command()
@email_argument
def enable(email: str) -> None:
    """Switch an account on again."""
    administration.enable(_user(email), by=None, now=utcnow())
    click.echo(f"{email} is switched on")


@users.command()
@email_argument
def resend(email: str) -> None:
    """Send the invitation or the confirmation link again."""
    administration.resend(_user(email), by=None, now=utcnow())
    click.echo(f"a mail to {email} is on its way")


@users.command("end-sessions")
@email_argument
def end_sessions(email: str) -> None:
    """Log a person out everywhere; API tokens and links end too."""
    administration.end_sessions(_user(email), by=None, now=utcnow())
    click.echo(f"{email} is logged out everywhere")


def _user(email: str) -> User:
    user = people.by_email(addresses.key(email))
    if user is None:
        raise NotFound("user_not_found", "There is no such person.")
    return user


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    answer: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return answer


def _show(search: str) -> None:
    for user in people.everybody(search):
        state = "off" if user.disabled_at else "confirmed" if user.confirmed_at else "waiting"
        click.echo(f"{user.email}\t{user.role}\t{state}\t{user.created_at:%Y-%m-%d}")
