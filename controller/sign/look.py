"""Pictures of a sign for people: as text, as lit LEDs on a dark board, and the patterns that try a panel out."""

from collections.abc import Iterator
from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from controller.sign import fonts

AMBER = (255, 150, 24)
_BOARD = (10, 10, 12)
_UNLIT = (30, 29, 31)
_FINE = 4
"""The dots are drawn this many times larger, then shrunk: round without jagged edges."""


def ascii_art(image: Image.Image) -> str:
    """Return a mode "1" picture as lines of ``#`` (lit) and ``.``, without a newline at the end."""
    width, height = image.size
    return "\n".join("".join("#" if image.getpixel((x, y)) else "." for x in range(width)) for y in range(height))


def picture(image: Image.Image, *, scale: int = 10, colour: tuple[int, int, int] = AMBER) -> Image.Image:
    """Return a picture as round LEDs with a soft glow: mode "RGB", ``scale`` pixels a LED.

    Of a mode "1" picture what is lit has ``colour``; of an "RGB" one (see ``colours.painted``) each LED has its own.
    """
    if scale < 1:
        raise ValueError(f"scale {scale} must be at least 1 pixel a LED")
    size = (image.width * scale, image.height * scale)
    leds = dots(*image.size, scale)
    on = image.convert("L").point(lambda value: 255 if value else 0)
    lit = ImageChops.multiply(on.resize(size, Image.Resampling.NEAREST), leds)
    board = Image.composite(Image.new("RGB", size, _UNLIT), Image.new("RGB", size, _BOARD), leds)
    glow = lit.filter(ImageFilter.GaussianBlur(scale * 0.45)).point(lambda value: value * 0.5)
    light = Image.new("RGB", size, colour)
    if image.mode == "RGB":
        light = _grown(image).resize(size, Image.Resampling.NEAREST)
    haze = Image.composite(light, Image.new("RGB", size), glow)
    return Image.composite(light, ImageChops.screen(board, haze), lit)


def _grown(image: Image.Image) -> Image.Image:
    """Give unlit LEDs the colour of a lit neighbour: a glow reaches over them."""
    return ImageChops.lighter(image, image.filter(ImageFilter.MaxFilter(3)))


@lru_cache(maxsize=16)
def dots(width: int, height: int, scale: int) -> Image.Image:
    """Mask of all LEDs of a panel: mode "L"."""
    fine = scale * _FINE
    dot = Image.new("L", (fine, fine))
    edge = fine * 0.1
    ImageDraw.Draw(dot).ellipse((edge, edge, fine - 1 - edge, fine - 1 - edge), fill=255)
    dot = dot.resize((scale, scale), Image.Resampling.LANCZOS)
    row = Image.new("L", (width * scale, scale))
    for x in range(width):
        row.paste(dot, (x * scale, 0))
    mask = Image.new("L", (width * scale, height * scale))
    for y in range(height):
        mask.paste(row, (0, y * scale))
    return mask


def test_pattern(width: int, height: int) -> Iterator[Image.Image]:
    """Yield what ``sign test`` shows: all LEDs, each module's outline, a checker and its inverse, the word TEST."""
    yield Image.new("1", (width, height), 1)
    outlines = Image.new("1", (width, height))
    draw = ImageDraw.Draw(outlines)
    for x in range(0, width, 8):
        for y in range(0, height, 8):
            draw.rectangle((x, y, x + 7, y + 7), outline=1)
    yield outlines
    checker = Image.new("1", (width, height))
    checker.putdata([(x + y) % 2 * 255 for y in range(height) for x in range(width)])
    yield checker
    yield ImageChops.invert(checker)
    for face in map(fonts.load, fonts.FACES):
        if not face.missing("TEST") and all(a <= b for a, b in zip(face.measure("TEST"), (width, height), strict=True)):
            word = Image.new("1", (width, height))
            drawn = face.draw("TEST")
            word.paste(drawn, ((width - drawn.width) // 2, (height - drawn.height) // 2))
            yield word
            return
