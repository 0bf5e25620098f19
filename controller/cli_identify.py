"""``parking-controller sign identify``: which module, or LED, is which, and what to write for what one sees."""

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

import click

from controller.cli_kept_up import KeptUp
from controller.cli_shared import SITE, fail, load_by

_CORNERS = ("top-left", "top-right", "bottom-left", "bottom-right")


@click.command("identify")
@SITE
@click.option("--name", help="The sign of this name.  [default: the only one]")
@click.option("--seconds", type=click.FloatRange(0.1, 3600), help="Ask nothing; show the pattern for so long.")
def identify(site: Path, name: str | None, seconds: float | None) -> None:
    """Show which module (or LED) is which, ask what you see, and say what to write for it. Stop the sign service first.

    \b
    Example:  parking-controller sign identify site.toml
    """
    spec = _panel(site, name)
    from controller.sign.panel import open_panel

    guide = _by_leds if spec.driver == "ws2812" or spec.tile is not None else _by_modules
    try:
        with contextlib.closing(open_panel(spec)) as panel, KeptUp(panel) as shown:
            keys = guide(spec, shown, seconds)
    except OSError as error:
        fail(f"sign identify: {error}", 1)
    if keys is None:
        return
    if all(getattr(spec, key) == value for key, value in keys.items()):
        click.echo("The site file is right.")
        return
    lines = "\n".join(f"{key} = {_toml(value)}" for key, value in keys.items())
    click.echo(f'Write this under [[sign]] name = "{spec.name}", in place of what is there:\n\n{lines}')


def _by_modules(spec: Any, shown: KeptUp, seconds: float | None) -> dict[str, Any] | None:
    from controller.sign.identify import mend, pattern
    from controller.sign.look import ascii_art

    picture = pattern(spec)
    shown.show(picture)
    click.echo(
        f"{spec.name}: every module shows its number in the chain; module 1, where the cable enters, is lit "
        "the other way round.\nThe panel is right when it looks like this, with every arrow up:\n\n"
        f"{ascii_art(picture)}\n"
    )
    if seconds is not None:
        shown.wait(seconds)
        return None
    keys: dict[str, Any] = mend(spec, _asked(spec))
    return keys


def _by_leds(spec: Any, shown: KeptUp, seconds: float | None) -> dict[str, Any] | None:
    from controller.sign.arrangement import tile_of
    from controller.sign.identify_leds import identify, lit

    if seconds is not None:
        tile = tile_of(spec)
        shown.show(lit(spec, range(min(tile.width, tile.height))))
        click.echo(f"{spec.name}: the first LEDs of the data line are lit.")
        shown.wait(seconds)
        return None

    def ask(picture: Any, question: str, answers: tuple[str, ...]) -> str:
        shown.show(picture)
        return _choose(question, answers)

    return dict(identify(spec, ask))


def _panel(site: Path, name: str | None) -> Any:
    from controller.site_far import panels as load_panels

    loaded = load_by(load_panels, site)
    panels = [p for p in loaded if name in {None, p.name}]
    known = ", ".join(p.name for p in loaded) or "none"
    if len(panels) != 1:
        fail(f"{site}: {f'no sign {name} here' if name else 'which sign? Give its --name'}. Signs: {known}")
    (spec,) = panels
    if spec.driver not in {"max7219", "ws2812", "emulator"}:
        fail(
            f"{site}: sign {spec.name} is neither a max7219 nor a ws2812 panel; there is nothing to tell. Try sign test"
        )
    return spec


def _asked(spec: Any) -> Any:
    """Ask what is seen; what a panel of this size cannot be asked about is as the site file has it."""
    from controller.sign.identify import Seen, line_length

    across, down = spec.width // 8, spec.height // 8
    corner = _choose("In which corner is module 1?", _CORNERS)
    if 1 in {across, down}:
        second = "beside" if down == 1 else "above or below"
    else:
        second = _choose("Where is module 2, seen from module 1?", ("beside", "above or below"))
    line = "row" if second == "beside" else "column"
    arrow = _choose("Where does the arrow on module 1 point?", ("up", "right", "down", "left"))
    following, next_line, next_arrow = line_length(spec, second) + 1, "same", arrow
    if following <= across * down:
        sides = "left or right" if line == "row" else "upper or lower"
        question = f"Module {following} begins the next {line}. Is it on the same {sides} side as module 1?"
        next_line = _choose(question, ("same", "other"))
        next_arrow = _choose(f"Where does the arrow on module {following} point?", ("up", "right", "down", "left"))
    mirrored = click.confirm("Are the digits as in a mirror (look at a 2)?", default=False)
    return Seen(corner, second, next_line, next_arrow=next_arrow, arrow=arrow, mirrored=mirrored)  # type: ignore[arg-type]


def _choose(question: str, answers: tuple[str, ...]) -> str:
    answer: str = click.prompt(question, type=click.Choice(answers))
    return answer


def _toml(value: Any) -> str:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        inside = ", ".join(f"{key} = {_toml(each)}" for key, each in dataclasses.asdict(value).items())
        return f"{{ {inside} }}"
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'
