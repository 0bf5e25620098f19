"""What a sign shows, kept in a small file in the run directory, so that others can see what the driver sees.

The guardian writes ``sign-NAME.json`` whole at every change and about once a second; the web process and the demo's
terminal read it. ``alive`` is the machine's monotonic clock: an old one means that the sign process hangs or is gone.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image
from pydantic import TypeAdapter

from controller.domain.report import Message, MessageKind
from controller.sign.layout import Tint

_MESSAGE = TypeAdapter(Message)
_TINTS = TypeAdapter(tuple[Tint, ...])


@dataclass(frozen=True, slots=True)
class Shown:
    """The pixels last sent to a panel, and why these."""

    name: str
    driver: str
    width: int
    height: int
    rows: tuple[str, ...]
    """One hexadecimal string a row, the leftmost LED in the highest bit; all zero when dark."""
    lit: bool
    message: Message | None
    """What the sign is told and believes; None when there is nothing to trust."""
    why_dark: str | None
    shown_at: float
    """Since when the panel shows this: Unix seconds."""
    alive: float
    """When the guardian last had a look: seconds of the monotonic clock."""
    because: tuple[str, ...] = ()
    """What led to the message, newest last; empty when there is nothing to trust."""
    brightness: int | None = None
    """0 (dim, but lit) to 15."""
    why_bright: str | None = None
    """What the brightness follows, in plain English."""
    tints: tuple[Tint, ...] = ()
    """On a panel with colours: in which tone the LEDs of a box shine."""

    def image(self) -> Image.Image:
        """Return the picture in mode "1"."""
        return Image.frombytes("1", (self.width, self.height), bytes.fromhex("".join(self.rows)))


def rows(image: Image.Image) -> tuple[str, ...]:
    """Return a mode "1" picture as ``Shown.rows``."""
    data = image.tobytes()
    stride = (image.width + 7) // 8
    return tuple(data[start : start + stride].hex() for start in range(0, len(data), stride))


def path(run_dir: Path, name: str) -> Path:
    """Return where the sign of this name is read back; a name is safe in it, whatever it has inside."""
    return run_dir / f"sign-{quote(name, safe='')}.json"


def write(run_dir: Path, shown: Shown) -> None:
    """Replace the sign's file in one step; OSError when that is not possible just now (Windows: somebody reads it).

    In ASCII: a reason may have come from anywhere, and half a surrogate pair in it is no UTF-8.
    """
    target = path(run_dir, shown.name)
    fresh = target.with_suffix(".tmp")
    fresh.write_text(json.dumps(asdict(shown)), "ascii")
    os.replace(fresh, target)  # noqa: PTH105  the same as Path.replace, said as what it is: atomic


def read(run_dir: Path, name: str) -> Shown | None:
    """Return what the sign of this name shows; None when nobody has written it, or not whole."""
    try:
        shown = _shown(json.loads(path(run_dir, name).read_text("utf-8")))
        shown.image()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return shown


def _shown(raw: dict[str, Any]) -> Shown:
    return Shown(
        name=str(raw["name"]),
        driver=str(raw["driver"]),
        width=int(raw["width"]),
        height=int(raw["height"]),
        rows=tuple(raw["rows"]),
        lit=bool(raw["lit"]),
        message=None if raw["message"] is None else message(raw["message"]),
        why_dark=raw["why_dark"],
        because=tuple(raw["because"]),
        brightness=raw["brightness"],
        why_bright=raw["why_bright"],
        shown_at=float(raw["shown_at"]),
        alive=float(raw["alive"]),
        tints=_TINTS.validate_python(raw.get("tints", ())),
    )


def message(raw: Any) -> Message:
    """Build a message from its JSON; ValueError when it is none, or contradicts itself."""
    told = _MESSAGE.validate_python(raw)
    if told.kind is MessageKind.NUMBER and told.text != str(told.free):
        raise ValueError(f"a number says {told.text!r} but means {told.free!r}")
    return told
