"""The contact sheet: every standard message on every usual panel in every language, as PNG and as text.

``python -m controller.sign.sheet`` (``make sign-sheet``) writes the pictures into docs/img and the text into tests,
where a diff shows what a change of a face or a layout does to drivers.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from controller.domain.report import Message, MessageKind, Reason, Row, Tone
from controller.domain.specs import WORDS
from controller.sign import colours, look
from controller.sign.identify import pattern
from controller.sign.layout import CannotShow, Picture, compose
from controller.site import PanelSpec

PANELS = ((32, 8), (64, 8), (64, 16), (96, 16), (64, 32), (128, 32))

_MORE = {
    "pl": ("wolne", "ostatnie", "pn-pt 6-22", "Wjazd B", "Dzień dobry"),
    "en": ("free", "last", "Mon-Fri 6-22", "Entry B", "Welcome"),
    "de": ("frei", "noch", "Mo-Fr 6-22", "Einfahrt B", "Guten Tag"),
}
"""What a site may add, in each language: beside a number, beside the last ones, hours, staff's words, a greeting."""

_SCALE = 4
_GAP = 14
_BETWEEN = 8
"""Pixels between two phases."""
_INK = (190, 190, 196)
_PAPER = (24, 24, 27)
_REFUSED = (220, 160, 80)


def standard(language: str) -> Iterator[tuple[str, Message]]:
    """Yield every standard message with its title."""
    words, (free, few, hours, staff, greeting) = WORDS[language], _MORE[language]

    def number(n: int, tone: Tone = Tone.FREE, beside: str | None = None, also: str | None = None) -> Message:
        return Message(MessageKind.NUMBER, str(n), n, Reason.COUNTED, tone, beside, also=also)

    def full(also: str | None = None, second: str | None = None) -> Message:
        return Message(MessageKind.FULL, words.full, None, Reason.COUNTED, Tone.FULL, also=also, second=second)

    def closed(also: str | None = None) -> Message:
        return Message(MessageKind.CLOSED, words.closed, None, Reason.CLOSED_BY_STAFF, Tone.FULL, also=also)

    def rows(*said: tuple[str, str, Tone]) -> Message:
        lines = tuple(Row(mark, text, None, tone, 3 if mark == "P" else 1) for mark, text, tone in said)
        text = ", ".join(f"{line.mark} {line.text}" for line in lines)
        return Message(MessageKind.ROWS, text, None, Reason.COUNTED, rows=lines)

    yield "7", number(7)
    yield "38", number(38)
    yield "188", number(188)
    yield "a word and a number", number(38, beside=free)
    yield "nearly full", number(3, Tone.FEW, few)
    yield "not sure", Message(MessageKind.UNCERTAIN, "P", None, Reason.NEVER_COUNTED)
    yield "some are free", Message(MessageKind.FREE, words.free, None, Reason.DRIFT, Tone.FREE)
    yield "full", full()
    yield "full, go on", full("P2 →")
    yield "full, go on, number known", full("P2 → 12")
    yield "closed", closed()
    yield "closed, hours", closed(hours)
    yield "three zones", rows(("P", "12", Tone.FREE), ("♿", "2", Tone.FEW), ("🔌", "1", Tone.FREE))
    yield "one full, one not sure", rows(("P", "0", Tone.FULL), ("♿", "1", Tone.FREE), ("🔌", "", Tone.NEUTRAL))
    yield "staff's own words", Message(MessageKind.STAFF, staff, None, Reason.STAFF_MESSAGE)
    yield "greeting", number(38, also=greeting)
    yield "two languages", full(second=WORDS["pl" if language == "en" else "en"].full)


def ascii_sheet(language: str, width: int, height: int) -> str:
    """Return all messages of a language on one panel as text, with what a refused one lacks."""
    lines = []
    for title, message in standard(language):
        for phase, picture in enumerate(_pictures(message, width, height), start=1):
            lines.append(f"== {title}" if phase == 1 else f"-- {title}, phase {phase}")
            lines.append(picture if isinstance(picture, str) else look.ascii_art(picture.lit))
    return "\n".join(lines) + "\n"


def _pictures(message: Message, width: int, height: int) -> tuple[Picture | str, ...]:
    try:
        return compose(message, width, height, pages=True).pictures
    except CannotShow as refused:
        return (f"refused: {refused.text!r}: {refused.why}",)


def png_sheet(language: str) -> Image.Image:
    """Return all messages of a language on all panels as one picture, with colours repeating what words say."""
    font = ImageFont.load_default(size=13)
    left = 190
    columns = [left]
    for width, _ in PANELS:
        columns.append(columns[-1] + width * _SCALE + _GAP)
    cells = [(title, [_pictures(message, *size) for size in PANELS]) for title, message in standard(language)]
    heights = [
        max(len(shown) * (h * _SCALE + _BETWEEN) for shown, (_, h) in zip(row, PANELS, strict=True)) + _GAP
        for _, row in cells
    ]
    sheet = Image.new("RGB", (columns[-1], sum(heights) + 2 * _GAP + 10), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for x, (width, height) in zip(columns, PANELS, strict=False):
        draw.text((x, 6), f"{width}x{height}", _INK, font)
    y = 2 * _GAP
    for (title, row), tall in zip(cells, heights, strict=True):
        draw.text((_GAP, y), title, _INK, font)
        for x, shown, (_, height) in zip(columns, row, PANELS, strict=False):
            for phase, picture in enumerate(shown):
                top = y + phase * (height * _SCALE + _BETWEEN)
                if isinstance(picture, str):
                    draw.text((x, top), "does not fit", _REFUSED, font)
                else:
                    lights = colours.painted(picture)
                    sheet.paste(look.picture(lights, scale=_SCALE), (x, top))
        y += tall
    return sheet


def main() -> None:
    """Write all sheets."""
    parser = argparse.ArgumentParser(description="Write the contact sheet of every message, panel and language.")
    parser.add_argument("--pictures", type=Path, default=Path("docs/img"))
    parser.add_argument("--text", type=Path, default=Path("tests/sign/golden"))
    wanted = parser.parse_args()
    guide = wanted.pictures / "sign-identify.png"
    look.picture(pattern(PanelSpec("", "max7219", 64, 16, chain="rows-snake", arrows="right-left"))).save(guide)
    print(guide)  # noqa: T201  a program's output
    for language in WORDS:
        picture = wanted.pictures / f"sign-sheet-{language}.png"
        png_sheet(language).quantize(256).save(picture, format="PNG", optimize=True)
        print(picture)  # noqa: T201  as above
        for width, height in PANELS:
            text = wanted.text / f"{width}x{height}-{language}.txt"
            text.write_text(ascii_sheet(language, width, height), "utf-8")
            print(text)  # noqa: T201  as above


if __name__ == "__main__":
    main()
