"""What goes between us and a sign elsewhere, over MQTT: it asks, and is told a picture and for how long. Pure.

    PREFIX/_signs/NAME/ask     {"ask": "5f2c9e01b7a4d386", "trouble": null}          by the sign, twice a second
    PREFIX/_signs/NAME/frame   {"ask": "5f2c9e01b7a4d386", "seq": 17, "valid_for_s": 2.64, "width": 64, "height": 16,
                                "brightness": 8, "rows": "00ff..."}                  the answer, and at each change

Both are QoS 0 and never retained. ``rows`` is the picture, row by row from the top, the leftmost LED in the highest
bit, in hexadecimal; null: be dark. ``trouble`` is what is wrong with the sign's own panel.

Two machines share no clock, and a broker, a Wi-Fi or a full buffer may hold a message back for any time. So a frame
carries the number of a question, which the sign drew by chance, and the sign counts from when it asked: whatever
answers cannot be older. A frame that was retained, recorded, queued or delayed answers nothing that was asked of late,
and lights nothing. ``seq`` orders the frames that answer the same question.
"""

import json
import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PIL import Image

from controller.link import TTL_S

ASK_EVERY_S = 0.5
MOST_BYTES = 64 * 1024
"""No question or answer is longer: 512x128 LEDs are 16 KiB in hexadecimal."""
_MOST_WORDS = 200
_BRIGHTEST = 15


class FrameError(ValueError):
    """A question or an answer that makes no sense, or comes too late: why."""


def ask_topic(prefix: str, name: str) -> str:
    """Where the sign of this name asks."""
    return f"{prefix.rstrip('/')}/_signs/{name}/ask"


def frame_topic(prefix: str, name: str) -> str:
    """Where it is answered."""
    return f"{prefix.rstrip('/')}/_signs/{name}/frame"


@dataclass(frozen=True, slots=True)
class Ask:
    """A question."""

    number: str
    trouble: str | None = None

    def payload(self) -> str:
        """Return it as it is sent."""
        return json.dumps({"ask": self.number, "trouble": self.trouble}, ensure_ascii=False)


def read_ask(payload: bytes) -> Ask:
    """Read a question; FrameError when it is none."""
    raw = _read(payload)
    number, trouble = raw.get("ask"), raw.get("trouble")
    if not isinstance(number, str) or not 1 <= len(number) <= 64:  # noqa: PLR2004  an ESP32 may draw other numbers
        raise FrameError(f"ask {number!r} is no number of a question")
    if trouble is not None and not isinstance(trouble, str):
        raise FrameError(f"trouble {trouble!r} is no text")
    return Ask(_clean(number), None if trouble is None else _clean(trouble[:_MOST_WORDS]))


@dataclass(frozen=True, slots=True)
class Frame:
    """An answer: these LEDs for so long, or none (``rows`` is None)."""

    ask: str
    seq: int
    valid_for_s: float
    size: tuple[int, int]
    brightness: int
    rows: str | None

    def payload(self) -> str:
        """Return it as it is sent."""
        return json.dumps(
            {
                "ask": self.ask,
                "seq": self.seq,
                "valid_for_s": round(self.valid_for_s, 3),
                "width": self.size[0],
                "height": self.size[1],
                "brightness": self.brightness,
                "rows": self.rows,
            },
            separators=(",", ":"),
        )

    def image(self) -> Image.Image | None:
        """Return the picture, mode "1"; None: dark."""
        return None if self.rows is None else Image.frombytes("1", self.size, bytes.fromhex(self.rows))


def read_frame(payload: bytes, size: tuple[int, int]) -> Frame:
    """Read an answer to a panel of this size; FrameError when it is none, or for another panel."""
    raw = _read(payload)
    try:
        frame = Frame(
            ask=_clean(str(raw["ask"])),
            seq=_whole(raw["seq"]),
            valid_for_s=float(raw["valid_for_s"]),
            size=(_whole(raw["width"]), _whole(raw["height"])),
            brightness=_whole(raw["brightness"]),
            rows=None if raw["rows"] is None else bytes.fromhex(raw["rows"]).hex(),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:  # the last: a whole number of 400 digits
        raise FrameError(f"no frame: {error!r}") from error
    if frame.size != size:
        has, told = ("x".join(map(str, each)) for each in (size, frame.size))
        raise FrameError(f"the frame is for {told} LEDs, and this panel has {has}; make both files say the same")
    if frame.rows is not None and len(frame.rows) * 4 != size[0] * size[1]:
        raise FrameError(f"rows have {len(frame.rows) * 4} LEDs, not {size[0] * size[1]}")
    if not math.isfinite(frame.valid_for_s) or not 0 <= frame.brightness <= _BRIGHTEST:
        raise FrameError(f"valid_for_s {frame.valid_for_s} or brightness {frame.brightness} is out of range")
    return frame


def rows(image: Image.Image) -> str:
    """Return a mode "1" picture, whose width is a multiple of 8, as ``Frame.rows``."""
    return image.tobytes().hex()


class Asker:
    """A sign's own memory of what it asked: which answer holds, and until when. Time is an argument (monotonic s)."""

    def __init__(self, size: tuple[int, int], draw: Callable[[], str] = lambda: secrets.token_hex(8)) -> None:
        self._size = size
        self._draw = draw
        self._asked: dict[str, float] = {}
        self._last = (-math.inf, -1)

    def ask(self, now: float, trouble: str | None = None) -> Ask:
        """Draw a new question."""
        number = self._draw()
        self._asked = {one: at for one, at in self._asked.items() if now - at <= TTL_S}
        self._asked[number] = now
        return Ask(number, trouble)

    def hear(self, payload: bytes, now: float) -> tuple[Frame, float]:
        """Return what an answer shows and until when; FrameError when it must not be shown."""
        frame = read_frame(payload, self._size)
        asked = self._asked.get(frame.ask)
        if asked is None or now - asked > TTL_S:
            raise FrameError("it answers nothing that was asked of late: an old frame, or one that was held back")
        if (asked, frame.seq) <= self._last:
            raise FrameError("a later one came before it")
        self._last = asked, frame.seq
        return frame, asked + min(frame.valid_for_s, TTL_S)


def _read(payload: bytes) -> dict[str, Any]:
    if len(payload) > MOST_BYTES:
        raise FrameError(f"{len(payload)} bytes are too many")
    try:
        raw = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise FrameError(f"no JSON object but {type(raw).__name__}")
    return raw


def _clean(text: str) -> str:
    """Return a text without lone surrogates: JSON may hold them, and no file, log or message of ours takes them."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{value!r} is no whole number")
    return value
