"""``parking-controller sign preview``: any message on any panel, as text, as lit LEDs, and as a driver sees it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from controller.cli_shared import fail, load_site

_PITCH_MM = 4.0


@click.command("preview")
@click.argument("message")
@click.option("--site", type=click.Path(dir_okay=False, path_type=Path), help="Take the panel from this site file ...")
@click.option("--name", help="... this one of its signs.  [default: the first]")
@click.option("--width", type=click.IntRange(8, 512), default=64, show_default=True, help="LEDs; a multiple of 8.")
@click.option("--height", type=click.IntRange(8, 128), default=16, show_default=True, help="LEDs; a multiple of 8.")
@click.option("--digits", type=click.IntRange(1, 8), help="A sign of so many seven-segment digits instead.")
@click.option("--pitch", type=click.FloatRange(0.5, 200), help="From one LED to the next, mm.  [default: 4]")
@click.option("--language", type=click.Choice(["pl", "en", "de"]), default="pl", show_default=True)
@click.option("--beside", help="A word beside a number.")
@click.option("--also", help="A text below, such as 'P2 → 12'.")
@click.option("--row", "rows", multiple=True, help="A zone among others, such as wheelchair=2; MESSAGE is the first.")
@click.option("--pages", is_flag=True, help="Two phases where one picture does not do.")
@click.option("--scroll", is_flag=True, help="Running text where nothing else does.")
@click.option("--colours", is_flag=True, help="A panel whose colours repeat what words say.")
@click.option("--from", "distance", type=click.FloatRange(0.5, 500), help="The PNG as a driver sees it from so many m.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write a PNG of lit LEDs here.")
def preview(message: str, **options: Any) -> None:
    """Show what a panel would: MESSAGE is a number, P, full, closed, blank, or any text.

    \b
    Example:  parking-controller sign preview full --width 128 --height 32 --out full.png
              parking-controller sign preview 12 --row wheelchair=2 --row plug=1
              parking-controller sign preview full --also 'P2 → 12' --from 25 --out seen.png
    """
    from controller.sign.layout import CannotShow, compose
    from controller.sign.look import ascii_art
    from controller.sign.seen import sentence

    size, pitch_mm, rules, digits = _panel(options)
    try:
        show = compose(_message(message, options), *size, pages=rules["pages"], scroll=rules["scroll"], digits=digits)
    except CannotShow as error:
        fail(str(error))
    running = rules["scroll"] and len(show.pictures) > 2  # noqa: PLR2004  phases
    for picture in show.pictures[size[0] // 2 : size[0] // 2 + 1] if running else show.pictures:
        click.echo(ascii_art(picture.lit) + "\n")
        if said := sentence(picture, pitch_mm):
            click.echo(said)
    if len(show.pictures) > 1:
        click.echo("running text: a column of LEDs at a time" if running else f"two phases of {show.each_s:.0f} s each")
    if options["out"] is not None:
        _write(show.pictures, pitch_mm, options)


def _panel(options: dict[str, Any]) -> tuple[tuple[int, int], float, dict[str, bool], int | None]:
    from controller.site_sign_tables import DIGIT_LEDS, PITCHES_MM

    rules = {key: options[key] for key in ("pages", "scroll")}
    if options["site"] is None:
        if (digits := options["digits"]) is not None:
            size = digits * DIGIT_LEDS[0], DIGIT_LEDS[1]
            return size, options["pitch"] or PITCHES_MM["max7219-digits"], rules, digits
        return (options["width"], options["height"]), options["pitch"] or _PITCH_MM, rules, None
    panels = {panel.name: panel for panel in load_site(options["site"]).panels}
    name = options["name"] or next(iter(panels), "")
    if name not in panels:
        fail(f"{options['site']}: no sign {name or ''} here. Signs: {', '.join(panels) or 'none'}")
    panel = panels[name]
    options["colours"] |= panel.colours == "states"
    rules = {"pages": rules["pages"] or panel.pages, "scroll": rules["scroll"] or panel.scroll}
    return panel.size, options["pitch"] or panel.pitch_mm, rules, panel.digits


def _message(text: str, options: dict[str, Any]) -> Any:
    from controller.domain.report import MessageKind, Row
    from controller.sign.layout import message_for
    from controller.site_sign_tables import MARKS

    told = replace(message_for(text, language=options["language"]), beside=options["beside"], also=options["also"])
    if not options["rows"]:
        return told
    pairs = [("P", text), *(tuple(row.partition("=")[::2]) for row in options["rows"])]
    rows = tuple(Row(MARKS.get(mark, mark), number, None, told.tone, len(number)) for mark, number in pairs)
    if bad := [row.mark for row in rows if not row.mark or (row.text and not row.text.isdecimal())]:
        fail(f"--row {bad[0]!r}: write a mark and a number, such as wheelchair=2, and a number as MESSAGE")
    line = ", ".join(f"{row.mark} {row.text}".strip() for row in rows)
    return replace(told, kind=MessageKind.ROWS, text=line, rows=rows)


def _write(pictures: Any, pitch_mm: float, options: dict[str, Any]) -> None:
    """Write the PNG: phases below each other; of running text its first half."""
    from PIL import Image

    from controller.domain.report import Tone
    from controller.sign.colours import painted
    from controller.sign.look import AMBER, picture
    from controller.sign.seen import driver_sees

    out: Path = options["out"]
    drawn = []
    for one in pictures[: 2 if len(pictures) == 2 else 1]:  # noqa: PLR2004  phases
        lights = painted(one) if options["colours"] else painted(one, dict.fromkeys(Tone, AMBER))
        far = options["distance"]
        drawn.append(picture(lights) if far is None else driver_sees(lights, pitch_mm, far))
    whole = Image.new("RGB", (drawn[0].width, sum(one.height + 10 for one in drawn) - 10))
    y = 0
    for one in drawn:
        whole.paste(one, (0, y))
        y += one.height + 10
    try:
        whole.save(out, format="PNG")
    except OSError as error:
        fail(f"{out}: can't be written ({error.strerror}). Give a path in a folder that exists", 1)
