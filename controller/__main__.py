"""The command line. Imports of a command's own are inside it, so that counting starts without waiting for the rest."""

import logging
import signal
import sys
from pathlib import Path
from typing import Any

import click

from controller import __version__
from controller.cli_access import access
from controller.cli_decoder import decoder
from controller.cli_recordings import record, replay
from controller.cli_score import score
from controller.cli_shared import RUN_DIR, SITE, STATE_DIR, fail, load_by, load_site, many, places, serve
from controller.cli_sign import sign
from controller.cli_simulate import simulate


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
    for noisy in ("PIL", "asyncio", "amqtt", "transitions", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


@cli.command()
@SITE
@STATE_DIR
@RUN_DIR
def run(site: Path, state_dir: Path, run_dir: Path | None) -> None:
    """Run count, sign and web together: a laptop, or a small site without systemd.

    \b
    Example:  parking-controller run site.toml
    """
    load_site(site)
    from controller.run import product, supervise

    kept = places(state_dir, run_dir)
    raise SystemExit(supervise(product(site, kept.state_dir, kept.run_dir)))


@cli.command()
@SITE
@STATE_DIR
@RUN_DIR
def count(site: Path, state_dir: Path, run_dir: Path | None) -> None:
    """Count: pins and MQTT in, journal and state out. One of the three services.

    \b
    Example:  parking-controller count /etc/parking-controller/site.toml
    """
    loaded, kept = load_site(site), places(state_dir, run_dir)
    from controller import count as process

    serve("count", lambda stop: process.run(loaded, kept, stop))


@cli.command()
@SITE
@STATE_DIR
@RUN_DIR
@click.option(
    "--token-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="PARKING_TOKEN_DIR",
    help="Where the accounts are kept.  [default: the state directory]",
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
    loaded, kept = load_site(site), places(state_dir, run_dir)
    from controller.api.server import WebConfig

    return WebConfig(
        site=loaded,
        link_address=kept.link,
        run_dir=kept.run_dir,
        state_dir=kept.state_dir,
        token_dir=(token_dir or kept.state_dir).absolute(),
    )


@cli.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Web port; 0: any free one.  [default: 8080 or a free one]")
@click.option("--speed", type=click.FloatRange(0.1, 300), default=1.0, show_default=True, help="How fast time goes.")
@click.option("--scenario", default="demo36", show_default=True, help="Which lot: see simulate --list, or a file.")
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
@click.argument("sites", metavar="SITE...", nargs=-1, required=True, type=click.Path(dir_okay=False, path_type=Path))
def check(sites: tuple[Path, ...]) -> None:
    """Check site files and say everything that is wrong with them; exit 2 if anything is.

    \b
    Example:  parking-controller check site.toml
    """
    refused = 0
    for site in sites:
        try:
            _check(site)
        except SystemExit:
            refused += 1
    if len(sites) > 1:
        click.echo(f"{len(sites)} files: {len(sites) - refused} good, {refused} refused.")
    if refused:
        raise SystemExit(2)


def _check(site: Path) -> None:
    from controller.site_far import is_far, load_far

    if load_by(is_far, site):
        far = load_by(load_far, site)
        names = ", ".join(panel.name for panel in far.panels)
        click.echo(f"{site}: good. Far from the controller: {names}, fed over MQTT by {far.mqtt.host}:{far.mqtt.port}.")
        return
    loaded = load_site(site)
    lot = loaded.lot
    click.echo(
        f"{site}: good. {lot.name}: {many(len(lot.zones), 'zone')}, {many(len(lot.lanes), 'lane')}, "
        f"{many(len(lot.bays), 'bay')}, {many(len(lot.signs), 'sign')}."
    )
    from controller.sign.seen import notes

    for says, panel in zip(lot.signs, loaded.panels, strict=True):
        for note in notes(says, panel, {zone.name: zone.capacity for zone in lot.zones}):
            click.echo(note)


@cli.command()
def version() -> None:
    """Print the version.

    \b
    Example:  parking-controller version
    """
    click.echo(__version__)


cli.add_command(access)
cli.add_command(sign)
cli.add_command(replay)
cli.add_command(record)
cli.add_command(simulate)
cli.add_command(decoder)
cli.add_command(score)


if __name__ == "__main__":
    main()
