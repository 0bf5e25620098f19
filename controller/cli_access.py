"""``access``: who may use the pages and the API. Works on the accounts' file, whether the web process runs or not."""

import getpass
import os
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from controller.cli_shared import fail

SERVICE_DIR = Path("/var/lib/parking-web")
"""Where the installed service keeps its accounts (systemd/parking-web.service)."""

ROLE = click.option(
    "--role", type=click.Choice(["viewer", "attendant", "manager"]), required=True, help="What it may do."
)


@click.group()
@click.option(
    "--token-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar=["PARKING_TOKEN_DIR", "PARKING_STATE_DIR"],
    help=f"Where the accounts are kept.  [default: {SERVICE_DIR} where that is, else parking-state]",
)
@click.pass_context
def access(context: click.Context, *, token_dir: Path | None) -> None:
    """Make, list and revoke users (people, with a password) and tokens (other systems).

    A viewer looks, an attendant corrects and closes, a manager also writes on signs and takes bays out of service.
    On a Raspberry Pi: sudo parking-controller access ...

    \b
    Example:  parking-controller access user anna --role manager
              parking-controller access token scada --role viewer
              parking-controller access list
    """
    context.obj = token_dir or (SERVICE_DIR if SERVICE_DIR.is_dir() else Path("parking-state"))


@access.command()
@click.argument("name")
@ROLE
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input, for scripts.")
@click.pass_obj
def user(directory: Path, *, name: str, role: str, password_stdin: bool) -> None:
    """Make a user, or give one another password and role.

    \b
    Example:  parking-controller access user anna --role manager
    """
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    from controller.api.accounts import Role

    _try(directory, lambda accounts: accounts.set_user(name, password, Role(role), time.time(), by=_by()))
    click.echo(f"{name} may log in as {role}.")


@access.command()
@click.argument("name")
@ROLE
@click.pass_obj
def token(directory: Path, *, name: str, role: str) -> None:
    """Make a token for another system, and print it: this once.

    \b
    Example:  parking-controller access token scada --role viewer
    """
    from controller.api.accounts import Role

    click.echo(_try(directory, lambda accounts: accounts.make_token(name, Role(role), time.time(), by=_by())))


@access.command()
@click.argument("kind", type=click.Choice(["user", "token"]))
@click.argument("name")
@click.pass_obj
def revoke(directory: Path, *, kind: str, name: str) -> None:
    """Take away an account's rights, at once and without a restart.

    \b
    Example:  parking-controller access revoke token scada
    """
    _try(directory, lambda accounts: accounts.revoke(kind, name, time.time(), by=_by()))
    click.echo(f"{kind} {name} is revoked.")


@access.command("list")
@click.pass_obj
def everybody(directory: Path) -> None:
    """Tell who there is, and when each was last used.

    \b
    Example:  parking-controller access list
    """
    accounts = _try(directory, lambda kept: kept.accounts())
    for account in accounts:
        standing = f"revoked {_when(account.revoked)}" if account.revoked else f"last used {_when(account.used)}"
        click.echo(f"{account.kind:5}  {account.name:20}  {account.role:9}  made {_when(account.made)}  {standing}")
    if not accounts:
        click.echo(f"nobody yet in {directory}; begin with: parking-controller access user NAME --role manager")


def _by() -> str:
    """Return how the audit trail names whoever sits at this command line."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        name = "?"
    return f"command line ({name})"


def _when(seconds: float | None) -> str:
    return "never" if seconds is None else datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


def _try(directory: Path, work: Any) -> Any:
    from controller.api.accounts import AccountError, Accounts

    try:
        with Accounts(directory.absolute()) as accounts:
            return work(accounts)
    except (AccountError, OSError) as error:
        fail(f"access: {error}")
