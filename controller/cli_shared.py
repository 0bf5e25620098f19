"""What the commands share: options, loading a site file, and ending with words rather than a traceback."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

SITE = click.argument("site", type=click.Path(dir_okay=False, path_type=Path))
STATE_DIR = click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="PARKING_STATE_DIR",
    default=Path("parking-state"),
    show_default=True,
    help="Where the journal and the keys are kept.",
)
RUN_DIR = click.option(
    "--run-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="PARKING_RUN_DIR",
    help="Where the processes meet; on a Pi a RAM disk.  [default: run/ in the state directory]",
)


def fail(message: str, code: int = 2) -> NoReturn:
    """Tell the person who asked what is wrong, and end."""
    click.echo(message, err=True)
    raise SystemExit(code)


def load_site(path: Path) -> Any:
    """Load the site file, or end with all that is wrong with it."""
    from controller.site import load

    return load_by(load, path)


def load_by(load: Callable[[Path], Any], path: Path) -> Any:
    """Load a file in this way, or end with all that is wrong with it."""
    from controller.site import SiteError

    try:
        return load(path)
    except SiteError as error:
        count = len(error.faults)
        fail(f"{error}\n{count} {'fault' if count == 1 else 'faults'}; nothing was started.")
    except OSError as error:
        fail(
            f"{path}: can't be read ({error.strerror}). Give the path of a site file; see site.example.toml in deploy/"
        )


def places(state_dir: Path, run_dir: Path | None) -> Any:
    """Return where the processes keep things."""
    from controller.places import Places

    return Places(state_dir.absolute(), (run_dir or state_dir / "run").absolute())


def serve(what: str, work: Callable[[threading.Event], None]) -> None:
    """Run a process's work until it is told to stop; what ends it otherwise is said in one line."""
    from controller.journal import JournalError
    from controller.lifeline import watch_parent
    from controller.run import stop_on_signals

    stop = threading.Event()
    stop_on_signals(stop)
    watch_parent(stop.set)
    try:
        work(stop)
    except JournalError as error:
        fail(f"{what}: {error}")
    except (OSError, sqlite3.Error) as error:
        fail(f"{what}: {error}", 1)


def many(number: int, what: str) -> str:
    """Say a number of things: 1 lane, 2 lanes."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
