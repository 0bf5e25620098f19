"""The command line. Imports of a command's own are inside it, so that counting starts without waiting for the rest."""

import contextlib
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NoReturn

import click

from controller import __version__

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


def main() -> None:
    """Run the command line."""
    cli(prog_name="parking-controller")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("-v", "--verbose", is_flag=True, help="Log each event, too.")
def cli(*, verbose: bool) -> None:
    """Count the cars of a car park and show the free spaces on the sign at its entrance.

    \b
    Try it:      parking-controller demo
    Check:       parking-controller check site.toml
    Run it:      parking-controller run site.toml
    """
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for noisy in ("PIL", "asyncio", "amqtt", "transitions"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _load(path: Path) -> Any:
    """Load the site file, or end with all that is wrong with it."""
    from controller.site import SiteError, load

    try:
        return load(path)
    except SiteError as error:
        count = len(error.faults)
        fail(f"{error}\n{count} {'fault' if count == 1 else 'faults'}; nothing was started.")
    except OSError as error:
        fail(
            f"{path}: can't be read ({error.strerror}). Give the path of a site file; see site.example.toml in deploy/"
        )


def _places(state_dir: Path, run_dir: Path | None) -> Any:
    from controller.count import Places

    return Places(state_dir.absolute(), (run_dir or state_dir / "run").absolute())


def _serve(what: str, work: Callable[[threading.Event], None]) -> None:
    """Run a process's work until it is told to stop; what ends it otherwise is said in one line."""
    import sqlite3

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


@cli.command()
@SITE
@STATE_DIR
@RUN_DIR
def run(site: Path, state_dir: Path, run_dir: Path | None) -> None:
    """Run count, sign and web together: a laptop, or a small site without systemd.

    \b
    Example:  parking-controller run site.toml
    """
    _load(site)
    from controller.run import product, supervise

    places = _places(state_dir, run_dir)
    raise SystemExit(supervise(product(site, places.state_dir, places.run_dir)))


@cli.command()
@SITE
@STATE_DIR
@RUN_DIR
def count(site: Path, state_dir: Path, run_dir: Path | None) -> None:
    """Count: pins and MQTT in, journal and state out. One of the three services.

    \b
    Example:  parking-controller count /etc/parking-controller/site.toml
    """
    loaded, places = _load(site), _places(state_dir, run_dir)
    from controller import count as process

    _serve("count", lambda stop: process.run(loaded, places, stop))


@cli.command()
@SITE
@STATE_DIR
@RUN_DIR
@click.option(
    "--token-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="PARKING_TOKEN_DIR",
    help="Where the API token is kept.  [default: the state directory]",
)
def web(site: Path, state_dir: Path, run_dir: Path | None, token_dir: Path | None) -> None:
    """Serve the API and the pages. One of the three services.

    \b
    Example:  parking-controller web /etc/parking-controller/site.toml
    """
    config = _web_config(site, state_dir, run_dir, token_dir)
    from controller.api.server import run as serve
    from controller.lifeline import watch_parent

    watch_parent(_interrupt)
    serve(config)


def _interrupt() -> None:
    """Stop a web server as Ctrl-C would."""
    signal.raise_signal(signal.SIGINT)


def _web_config(site: Path, state_dir: Path, run_dir: Path | None, token_dir: Path | None = None) -> Any:
    loaded, places = _load(site), _places(state_dir, run_dir)
    from controller.api.server import WebConfig

    return WebConfig(
        site=loaded,
        link_address=places.link,
        run_dir=places.run_dir,
        state_dir=places.state_dir,
        token_dir=(token_dir or places.state_dir).absolute(),
    )


class _SignGroup(click.Group):
    """``sign SITE.toml`` is short for ``sign run SITE.toml``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@cli.group(cls=_SignGroup)
def sign() -> None:
    """Drive the signs, test them, darken them, or preview a message.

    \b
    Examples:  parking-controller sign site.toml           (drive them; short for sign run)
               parking-controller sign preview 12
    """


@sign.command("run")
@SITE
@STATE_DIR
@RUN_DIR
def sign_run(site: Path, state_dir: Path, run_dir: Path | None) -> None:
    """Drive the panels: show what count says, and go dark when nothing fresh comes. One of the three services.

    \b
    Example:  parking-controller sign run /etc/parking-controller/site.toml
    """
    loaded, places = _load(site), _places(state_dir, run_dir)
    from controller.notify import notify
    from controller.sign import guardian

    places.run_dir.mkdir(parents=True, exist_ok=True)
    _serve("sign", lambda stop: guardian.run(loaded.panels, places.link, places.run_dir, stop, notify))


NAME = click.option("--name", help="Only the sign of this name.  [default: all]")


def _panels(site: Path, name: str | None) -> list[Any]:
    loaded = _load(site)
    panels = [p for p in loaded.panels if name in {None, p.name}]
    if not panels:
        known = ", ".join(p.name for p in loaded.panels) or "none"
        fail(f"{site}: no sign {name or ''} here. Signs: {known}")
    return panels


@sign.command("test")
@SITE
@NAME
@click.option("--seconds", type=click.FloatRange(0.1, 60), default=2.0, show_default=True, help="For each picture.")
def sign_test(site: Path, name: str | None, seconds: float) -> None:
    """Show all LEDs, each module's outline, checkers and a word, on the real panel. Stop the sign service first.

    \b
    Example:  parking-controller sign test site.toml --name entrance
    """
    panels = _panels(site, name)
    from controller.sign.look import ascii_art, test_pattern
    from controller.sign.panel import open_panel

    def show(stop: threading.Event) -> None:
        for spec in panels:
            with contextlib.closing(open_panel(spec)) as panel:
                for picture in test_pattern(*spec.size):
                    panel.show(picture)
                    if spec.driver == "emulator":
                        click.echo(ascii_art(picture) + "\n")
                    if stop.wait(seconds):
                        return

    _serve("sign test", show)


@sign.command("blank")
@SITE
@NAME
def sign_blank(site: Path, name: str | None) -> None:
    """Darken the panels, whatever they show now.

    \b
    Example:  parking-controller sign blank site.toml
    """
    panels = _panels(site, name)
    from controller.sign.panel import open_panel

    def darken(_stop: threading.Event) -> None:
        for spec in panels:
            with contextlib.closing(open_panel(spec)) as panel:
                panel.dark()

    _serve("sign blank", darken)


@sign.command("preview")
@click.argument("message")
@click.option("--width", type=click.IntRange(8, 512), default=64, show_default=True, help="LEDs; a multiple of 8.")
@click.option("--height", type=click.IntRange(8, 128), default=16, show_default=True, help="LEDs; a multiple of 8.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write a PNG of lit LEDs here.")
def sign_preview(message: str, width: int, height: int, out: Path | None) -> None:
    """Show what a panel would: MESSAGE is a number, P, full, closed, blank, or any text.

    \b
    Example:  parking-controller sign preview full --width 128 --height 32 --out full.png
    """
    from controller.sign.layout import CannotShow, preview
    from controller.sign.look import ascii_art, picture

    try:
        image = preview(message, width, height)
    except CannotShow as error:
        fail(str(error))
    click.echo(ascii_art(image))
    if out is not None:
        try:
            picture(image).save(out, format="PNG")
        except OSError as error:
            fail(f"{out}: can't be written ({error.strerror}). Give a path in a folder that exists", 1)


@cli.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Web port; 0: any free one.  [default: 8080 or a free one]")
@click.option("--speed", type=click.FloatRange(0.1, 50), default=1.0, show_default=True, help="How fast time goes.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, other cars.")
@click.option("--no-traffic", is_flag=True, help="Only the cars that you send.")
@click.option("--state-dir", type=click.Path(file_okay=False, path_type=Path), help="Keep the journal here.")
@click.option("--open", "open_browser", is_flag=True, help="Open the page in the browser.")
def demo(**options: Any) -> None:
    """Run the whole product on simulated traffic: mock pins, an embedded broker, an emulated sign.

    \b
    Example:  parking-controller demo --speed 5
    """
    try:
        import amqtt  # noqa: F401  the demo's broker; said here rather than as a traceback
    except ImportError:
        fail('The demo needs its embedded MQTT broker. Install it: pip install "parking-controller[demo]"')
    from controller import demo as process

    raise SystemExit(process.run(**options))


@cli.command("demo-web", hidden=True)
@SITE
@STATE_DIR
@RUN_DIR
def demo_web(site: Path, state_dir: Path, run_dir: Path | None) -> None:
    """Serve the demo's pages; started by demo."""
    config = _web_config(site, state_dir, run_dir)
    from controller import demo as process
    from controller.lifeline import watch_parent

    watch_parent(_interrupt)
    process.web(config)


@cli.command()
@SITE
def check(site: Path) -> None:
    """Check a site file and say everything that is wrong with it; exit 2 if anything is.

    \b
    Example:  parking-controller check site.toml
    """
    loaded = _load(site)
    lot = loaded.lot
    click.echo(
        f"{site}: good. {lot.name}: {_many(len(lot.zones), 'zone')}, {_many(len(lot.lanes), 'lane')}, "
        f"{_many(len(lot.bays), 'bay')}, {_many(len(lot.signs), 'sign')}."
    )


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


@cli.command()
@click.argument("recording", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--site", "site", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The site file.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the CSV here.  [default: stdout]")
@click.option("--lenient", is_flag=True, help="Count and skip bad lines instead of ending at the first.")
def replay(recording: Path, site: Path, out: Path | None, *, lenient: bool) -> None:
    """Run a recording through the count as fast as it goes; CSV of what the sign would have shown, summary to stderr.

    \b
    Example:  parking-controller replay yesterday.jsonl.gz --site site.toml --out shown.csv
    """
    loaded = _load(site)
    from controller.recording import Reader, RecordingError
    from controller.replay import Replay

    reader = Reader(recording, lenient=lenient)
    try:
        with _output(out) as file, _progress(recording, reader) as tick:
            replayed = Replay(loaded, file)
            replayed.run(reader, tick)
    except RecordingError as error:
        fail(f"{error}\nMend the line, or skip such lines with --lenient.")
    except BrokenPipeError:  # whoever read the CSV has seen enough
        raise SystemExit(0) from None
    except OSError as error:
        fail(f"{error.filename or recording}: {error.strerror or error}. Check the path")
    if reader.bad:
        click.echo(f"{_many(reader.bad, 'bad line')} skipped; the last: {reader.last_bad}", err=True)
    click.echo(replayed.summary(), err=True)


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[IO[str]]:
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        yield file


PROGRESS_BYTES = 2_000_000
"""A recording below this size (bytes) is replayed before a bar could be read."""


@contextlib.contextmanager
def _progress(recording: Path, reader: Any) -> Iterator[Callable[[float], None]]:
    """Show how far the replay is, on a terminal, when it is long."""
    size = recording.stat().st_size
    if not sys.stderr.isatty() or size < PROGRESS_BYTES:
        yield lambda _at: None
        return
    with click.progressbar(length=size, label="replay", file=sys.stderr) as bar:

        def tick(_at: float) -> None:
            if reader.lines % 2000 == 0:
                bar.update(reader.position() - bar.pos)

        yield tick
        bar.update(size - bar.pos)


@cli.group()
def record() -> None:
    """Take what the service recorded to a laptop."""


@record.command("export")
@STATE_DIR
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write here, gzip if it ends in .gz.")
@click.option("--days", type=click.FloatRange(min=0), help="Only the last so many days.  [default: all that is kept]")
def record_export(state_dir: Path, out: Path | None, days: float | None) -> None:
    """Write the journal's raw inputs as a recording that replay reads. Safe while the service runs.

    \b
    Example:  parking-controller record export --state-dir /var/lib/parking-controller --out site.jsonl.gz
    """
    import gzip
    import time

    from controller.journal import JournalError, export

    since = None if days is None else time.time() - days * 86_400
    packed = out is not None and out.suffix == ".gz"
    try:
        lines = export(state_dir / "journal.sqlite", since)
        with gzip.open(out, "wt", encoding="utf-8") if out is not None and packed else _output(out) as file:
            number = 0
            for line in lines:
                file.write(line + "\n")
                number += 1
    except JournalError as error:
        fail(f"{error}. Give the folder of the journal with --state-dir")
    except BrokenPipeError:
        raise SystemExit(0) from None
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}. Check the path", 1)
    click.echo(f"{_many(number, 'line')} written", err=True)


@cli.command()
def version() -> None:
    """Print the version.

    \b
    Example:  parking-controller version
    """
    click.echo(__version__)


if __name__ == "__main__":
    main()
