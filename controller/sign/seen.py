"""What a driver sees of a sign, and from how far it can be read: the optics.

An eye with normal acuity (6/6) tells two points apart when they are one minute of arc from each other: that is how ISO
8596 measures acuity, with marks whose gap is 1' wide and which are 5' tall. So the light of each LED is spread by
about 1' (taken as the full width at half maximum of a bell curve), and a letter five minutes tall can just be read:
from 0.69 m for each millimetre of its height. Nobody drives by that limit: the US Manual on Uniform Traffic Control
Devices (MUTCD 2009, chapter 2A) wants an inch of letter height for every 30 ft, which is 0.36 m for each millimetre;
that is what ``check`` and ``sign preview`` tell.
"""

import math
from collections.abc import Iterator, Mapping

from PIL import Image, ImageFilter

from controller.domain.specs import SignSpec
from controller.sign import look
from controller.sign.layout import PHASE_S, Picture, compose_for
from controller.site import PanelSpec
from controller.site_signs import sayings

ARCMIN = math.radians(1 / 60)
LIMIT_M_PER_MM = 1 / (1000 * math.tan(5 * ARCMIN))
"""Letters just be told, by an eye at rest: 0.69 m for each mm of height."""
READ_M_PER_MM = 30 * 0.3048 / 25.4
"""Letters are read at a glance: 0.36 m for each mm of height."""
IN_VIEW_KMH = 20.0
"""How fast a driver comes to the entrance."""

_PX_PER_ARCMIN = 12
"""How much the picture is magnified; at arm's length a pixel of a screen is more than a third of a minute wide."""
_WIDEST_PX = 2400
_FWHM_PER_SIGMA = 2.355
_SRGB = 2.2


def height_mm(rows: int, pitch_mm: float) -> float:
    """Return how tall letters of so many rows of LEDs are."""
    return rows * pitch_mm


def read_from_m(rows: int, pitch_mm: float) -> float:
    """Return from how far letters of so many rows are read at a glance."""
    return height_mm(rows, pitch_mm) * READ_M_PER_MM


def in_view_s(distance_m: float) -> float:
    """Return for how long a driver who comes at 20 km/h has it before them from there on."""
    return distance_m / (IN_VIEW_KMH / 3.6)


def sentence(picture: Picture, pitch_mm: float) -> str:
    """Say how far a picture can be read, by its smallest letters; empty for one without."""
    if not picture.letters:
        return ""
    rows = picture.letters
    far = read_from_m(rows, pitch_mm)
    return (
        f"smallest letters {rows} rows = {height_mm(rows, pitch_mm):.0f} mm: read at a glance from {far:.0f} m "
        f"({in_view_s(far):.1f} s at 20 km/h), at the eye's limit from {far * LIMIT_M_PER_MM / READ_M_PER_MM:.0f} m"
    )


def notes(sign: SignSpec, panel: PanelSpec, capacities: Mapping[str, int]) -> Iterator[str]:
    """Yield what ``check`` says of a sign: how far it is read, and what about it a driver will not like."""
    rows: dict[str, int] = {}
    for key, message in sayings(sign, capacities):
        show = compose_for(panel, message)
        rows["number" if key == "width" else key] = min(
            (picture.letters for picture in show.pictures if picture.letters), default=0
        )
    mains = [rows[key] for key in ("number", "rows") if key in rows]
    far = f"read at a glance from {read_from_m(mains[0], panel.pitch_mm):.0f} m" if mains else "without a number"
    yield (f"sign {sign.name}: {_of(panel)}; its number is {far} (drivers: from {panel.read_from_m:g} m)")
    short = {key: tall for key, tall in rows.items() if 0 < read_from_m(tall, panel.pitch_mm) < panel.read_from_m}
    if short:
        need = math.ceil(panel.read_from_m / READ_M_PER_MM / panel.pitch_mm)
        each = (f"{key} {tall} rows: {read_from_m(tall, panel.pitch_mm):.0f} m" for key, tall in short.items())
        yield f"  note: {panel.read_from_m:g} m take letters of {need} rows. Smaller are {', '.join(each)}"
    if panel.scroll:
        yield (
            "  note: scroll = true lets a text run that does not fit. A driver reads the words that pass in two\n"
            "  seconds, not those before and after; the US MUTCD (2009, chapter 2L) forbids it on roads.\n"
            "  Better: shorter words, or pages = true"
        )
    if panel.pages:
        yield (
            f"  note: pages = true shows two phases of {PHASE_S:.0f} s where one picture does not do; at 20 km/h many\n"
            "  drivers see only one of them"
        )


def _of(panel: PanelSpec) -> str:
    if panel.digits is not None:
        return f"{panel.digits} digits of {height_mm(panel.height, panel.pitch_mm):.0f} mm"
    return f"{panel.width}x{panel.height}, {panel.pitch_mm:g} mm from LED to LED"


def driver_sees(lights: Image.Image, pitch_mm: float, distance_m: float) -> Image.Image:
    """Return what an eye sees of a sign at night from so far away, magnified 12 pixels to a minute of arc.

    ``lights`` is a picture in mode "RGB", a pixel a LED (see ``colours.painted``). LEDs are round, and add
    their light where the eye spreads it; the eye is adapted to the brightest spot.
    """
    if distance_m <= 0 or pitch_mm <= 0:
        raise ValueError(f"a pitch of {pitch_mm} mm from {distance_m} m away: both must be above 0")
    pitch_arcmin = pitch_mm / 1000 / distance_m / ARCMIN
    px = min(_PX_PER_ARCMIN, _WIDEST_PX / (lights.width * pitch_arcmin))
    fine = max(4, math.ceil(pitch_arcmin * px))
    dots = look.dots(*lights.size, fine)
    lights = lights.point([round(255 * (value / 255) ** _SRGB) for value in range(256)] * 3)  # amounts of light
    near = Image.composite(lights.resize(dots.size, Image.Resampling.NEAREST), Image.new("RGB", dots.size), dots)
    margin = math.ceil(4 * px)
    size = tuple(max(1, round(side * pitch_arcmin * px)) for side in lights.size)
    far = Image.new("RGB", (size[0] + 2 * margin, size[1] + 2 * margin))
    far.paste(near.resize((size[0], size[1]), Image.Resampling.BOX), (margin, margin))
    spread = far.filter(ImageFilter.GaussianBlur(px / _FWHM_PER_SIGMA))
    brightest = max(high for _, high in spread.getextrema()) or 1  # type: ignore[misc]  # RGB has three pairs
    return spread.point(list(_curve(brightest)) * 3)


def _curve(brightest: float) -> Iterator[int]:
    """Yield what a screen shows for each amount of light (IEC 61966-2-1, nearly)."""
    for light in range(256):
        yield round(255 * min(1.0, light / brightest) ** (1 / _SRGB))
