"""``parking-controller sign``: drive the panels, test them, darken them, preview a message."""

import contextlib
import sys
import threading
import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from controller.cli_identify import identify
from controller.cli_kept_up import KeptUp
from controller.cli_preview import preview
from controller.cli_shared import RUN_DIR, SITE, STATE_DIR, fail, load_by, load_site, places, serve


class _SignGroup(click.Group):
    """``sign SITE.toml`` is short for ``sign run SITE.toml``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_SignGroup)
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
    loaded, kept = load_site(site), places(state_dir, run_dir)
    from controller.notify import notify
    from controller.sign import darken, guardian
    from controller.sign.light import opened

    kept.run_dir.mkdir(parents=True, exist_ok=True)
    kept.state_dir.mkdir(parents=True, exist_ok=True)

    def drive(stop: threading.Event) -> None:
        darken.remember(kept.state_dir / darken.MEMORY, darken.driven(loaded.panels))
        light = None if loaded.light is None else opened(loaded.light, ZoneInfo(loaded.timezone), time.time)
        guardian.run(loaded.panels, kept.link, kept.run_dir, stop, notify, light=light)

    serve("sign", drive)


@sign.command("far")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@STATE_DIR
def sign_far(file: Path, state_dir: Path) -> None:
    """Drive the panels of this machine as the controller elsewhere tells over MQTT; dark when nothing fresh comes.

    \b
    FILE has [mqtt] and [[sign]] with the panel's keys; docs/sign.md has one.
    Example:  parking-controller sign far /etc/parking-controller/far.toml
    """
    from controller.site_far import load_far

    loaded = load_by(load_far, file)
    from controller.notify import notify
    from controller.sign import darken, far

    state_dir.mkdir(parents=True, exist_ok=True)

    def drive(stop: threading.Event) -> None:
        darken.remember(state_dir / darken.MEMORY, darken.driven(loaded.panels))
        far.run(loaded.mqtt, loaded.panels, stop, notify)

    serve("sign far", drive)


@sign.command("hub75")
@SITE
@click.option("--name", help="Only the sign of this name.  [default: the only one]")
@click.option("--python", "interpreter", default=sys.executable, help="The Python that has the rgbmatrix binding.")
def sign_hub75(site: Path, name: str | None, interpreter: str) -> None:
    """Drive a HUB75 panel, as root, for the sign's process: a program of its own; see docs/sign.md.

    \b
    Example:  parking-controller sign hub75 /etc/parking-controller/site.toml --python /opt/rgbmatrix/bin/python
    """
    import json
    import os

    from controller.sign import hub75_process

    found = [spec for spec in _panels(site, name) if spec.driver == "hub75"]
    if len(found) != 1:
        fail(f"{site}: {len(found)} HUB75 panels here; {'name one of them' if found else 'nothing to drive'}")
    built = found[0].hub75
    told = json.dumps({"socket": str(built.socket), "options": built.options()})
    try:  # -P: what lies beside that program is not to be found by it
        os.execv(interpreter, [interpreter, "-P", hub75_process.__file__, told])  # noqa: S606  nothing of ours stays
    except OSError as error:
        fail(f"sign hub75: {interpreter}: {error.strerror}; name a Python with --python", 1)


NAME = click.option("--name", help="Only the sign of this name.  [default: all]")


def _panels(site: Path, name: str | None) -> list[Any]:
    from controller.site_far import panels as load_panels

    loaded = load_by(load_panels, site)
    panels = [p for p in loaded if name in {None, p.name}]
    if not panels:
        known = ", ".join(p.name for p in loaded) or "none"
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
    if elsewhere := [spec.name for spec in panels if spec.driver == "mqtt"]:
        fail(f"sign test: {', '.join(elsewhere)} hangs on another machine; test it there, with its own file")
    from controller.sign.look import ascii_art, test_pattern
    from controller.sign.panel import open_panel

    def show(stop: threading.Event) -> None:
        for spec in panels:
            with contextlib.closing(open_panel(spec)) as panel, KeptUp(panel) as shown:  # some go dark after 3 s
                for picture in test_pattern(*spec.size):
                    shown.show(picture)
                    if spec.driver == "emulator":
                        click.echo(ascii_art(picture) + "\n")
                    if stop.wait(seconds):
                        return

    serve("sign test", show)


@sign.command("dark")
@SITE
@STATE_DIR
@NAME
def sign_dark(site: Path, state_dir: Path, name: str | None) -> None:
    """Darken the panels at once, whatever they show now. The sign's unit does so whenever its process has ended.

    \b
    Example:  parking-controller sign dark site.toml
    """
    from controller.sign import darken

    chains, why = darken.chains(site, state_dir / darken.MEMORY, name)
    wrong = darken.darken(chains)  # first: chips light on by themselves, and the rest takes longer to load
    if why is not None:
        fail("\n".join([*wrong, why]))
    from controller.sign.panel import open_panel

    for spec in _panels(site, name):
        if spec.driver not in (*darken.CHAINED, "mqtt", "hub75"):  # these are dark when nobody feeds them
            try:
                with contextlib.closing(open_panel(spec)) as panel:
                    panel.dark()
            except OSError as error:
                wrong.append(str(error))
    if wrong:
        fail("sign dark: " + "\n".join(wrong), 1)


sign.add_command(identify)


sign.add_command(preview)
