"""The sign process: it owns the panels and lets them say only what is known to be true now.

It is told (message, valid for). Nothing fresh within the time to live, a lost link, a message that cannot be drawn, a
sign that is not mentioned, the end of the process: dark, and the read-back says why. A panel that fails is tried again
while the others go on. ``Guardian`` is the rules, driven by whoever has a clock; ``run`` is the process around it.
"""

import json
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from controller.domain.report import Message, MessageKind
from controller.sign import readback
from controller.sign.brightness import Dimmer
from controller.sign.colours import painted
from controller.sign.layout import Picture, Show, compose_for
from controller.sign.light import Light
from controller.sign.listener import Listener
from controller.sign.panel import Panel, Reopening, Unreachable, open_panel
from controller.site import PanelSpec

log = logging.getLogger(__name__)

LONGEST_TTL_S = 3.0
"""No message is believed for longer than this, whatever it says itself."""
BEAT_S = 0.2
_LEAST_REST_S = 0.01
_READ_BACK_S = 0.8

_NOTHING_YET = "nothing has come from count yet"


class _Sign:
    """One panel, what it was told, and until when that holds."""

    def __init__(self, name: str, panel: Panel, run_dir: Path, clock: Callable[[], float], light: Light | None) -> None:
        self._name, self._panel, self._run_dir, self._clock = name, panel, run_dir, clock
        night = panel.spec.brightness_at_night
        self._light = None if night is None else light
        self._dimmer = Dimmer(panel.spec.brightness if night is None else night, panel.spec.brightness)
        self._brightness, self._why_bright = panel.spec.brightness, "the site file"
        self._told: Message | None = None
        self._because: tuple[str, ...] = ()
        self._show: Show | None = None
        self._since = 0.0
        self._until = -math.inf
        self._distrust: str | None = _NOTHING_YET
        """Why nothing told is shown; None while something is."""
        self._shown: readback.Shown | None = None
        self._written_at = -math.inf
        self._unwritten = False

    def hear(self, report: Mapping[str, Any] | None, until: float, now: float) -> None:
        """Take what the sign shall say until then; None when it is not spoken of."""
        self._until = until
        if report is None:
            self.distrust("count does not speak of this sign")
            return
        try:
            told = readback.message(report["message"])
            if told != self._told:
                self._told, self._show = None, None
                self._show = compose_for(self._panel.spec, told)
                self._told, self._since = told, now
            self._because = tuple(map(str, report.get("because", ())))
        except Exception as error:  # noqa: BLE001  whatever is wrong with it, a sign shows all or nothing
            self.distrust(str(error) or repr(error))
        else:
            self._distrust = None

    def distrust(self, why: str) -> None:
        """Be dark until something else is heard."""
        self._distrust = why
        self._told, self._show, self._because = None, None, ()

    def beat(self, now: float) -> None:
        """Show what holds, or be dark; say so in the read-back."""
        if self._distrust is None and now > self._until:
            self.distrust("nothing fresh came from count")
        why_dark = self._distrust
        if why_dark is None and self._told is not None and self._told.kind is MessageKind.BLANK:
            why_dark = f"the sign is told to be dark ({self._told.reason.value})"
        picture = self._show.at(now - self._since)[0] if why_dark is None and self._show is not None else None
        try:
            self._dim(now)
            if picture is None:
                self._panel.dark()
            else:
                image = painted(picture) if self._panel.spec.colours == "states" else picture.lit
                self._panel.show(image, self._until)
        except Unreachable as error:
            why_dark, picture = str(error), None
        except Exception as error:  # noqa: BLE001  a driver's fault must not darken the other signs
            why_dark, picture = f"the panel failed: {error}", None
            self._darken()
        self._read_back(picture, why_dark, now)

    def _darken(self) -> None:
        """Take down what may still be lit: a fault that is not the hardware's own makes nobody else do it."""
        try:
            self._panel.dark()
        except Exception as error:  # noqa: BLE001  the read-back says already why it is dark
            log.debug("sign %s: it could not be darkened after it had failed: %s", self._name, error)

    def _dim(self, now: float) -> None:
        if self._light is not None:
            share, self._why_bright = self._light.wanted(now)
            self._brightness = self._dimmer.step(share, now)
            self._panel.dim(self._brightness)

    def changes_in(self, now: float) -> float:
        """Return when its picture takes turns next (s from now); infinity: only when it is told something else."""
        if self._show is None:
            return math.inf
        return self._show.at(now - self._since)[1] - (now - self._since)

    def close(self, now: float) -> None:
        """Go dark for good."""
        self.distrust("the sign process has ended")
        self.beat(now)
        try:
            self._panel.close()
        except Exception:
            log.exception("sign %s: its panel could not be closed; it may show its last picture", self._name)

    def _read_back(self, picture: Picture | None, why_dark: str | None, now: float) -> None:
        spec = self._panel.spec
        shown = readback.Shown(
            name=self._name,
            driver=spec.driver,
            width=spec.width,
            height=spec.height,
            rows=readback.rows(Image.new("1", spec.size) if picture is None else picture.lit),
            lit=picture is not None,
            message=self._told,
            why_dark=why_dark,
            shown_at=self._clock(),
            alive=now,
            because=self._because,
            brightness=self._brightness,
            why_bright=self._why_bright,
            tints=picture.tints if picture is not None and spec.colours == "states" else (),
        )
        before = self._shown
        if before is not None and (before.rows, before.lit) == (shown.rows, shown.lit):
            shown = replace(shown, shown_at=before.shown_at)
        changed = before is None or _what(before) != _what(shown)
        if changed:
            self._tell_operator(shown)
        self._shown = shown
        if changed or self._unwritten or now - self._written_at >= _READ_BACK_S:
            self._write(shown, now)

    def _write(self, shown: readback.Shown, now: float) -> None:
        try:
            readback.write(self._run_dir, shown)
        except (OSError, ValueError) as error:  # the sign itself goes on; the next beat tries again
            if not self._unwritten:
                log.warning("sign %s: what it shows cannot be read back: %s", self._name, error)
            self._unwritten = True
        else:
            self._unwritten = False
            self._written_at = now

    def _tell_operator(self, shown: readback.Shown) -> None:
        before = self._shown
        if shown.why_dark is None:
            level = logging.DEBUG if before is not None and before.why_dark is None else logging.INFO
            log.log(level, "sign %s shows %r", self._name, "" if shown.message is None else shown.message.text)
        elif before is None or shown.why_dark != before.why_dark:
            level = logging.INFO if shown.why_dark == _NOTHING_YET else logging.WARNING
            log.log(level, "sign %s is dark: %s", self._name, shown.why_dark)


def _what(shown: readback.Shown) -> tuple[object, ...]:
    return shown.rows, shown.lit, shown.message, shown.why_dark, shown.because, shown.brightness


class Guardian:
    """The rules of the sign process. It has no clock of its own and waits for nothing.

    ``panels`` by the sign's name. ``tell`` it whatever comes, ``beat`` at least five times a second.
    """

    def __init__(
        self,
        panels: Mapping[str, Panel],
        *,
        run_dir: Path,
        light: Light | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._monotonic = monotonic
        self._light = light
        self._signs = {name: _Sign(name, panel, run_dir, clock, light) for name, panel in panels.items()}
        self.malformed = 0
        """Lines and envelopes that made no sense, and were ignored."""
        self.stale = 0
        """Envelopes that came too late to be believed."""

    def hear(self, line: bytes) -> None:
        """Take one line from the link."""
        try:
            envelope = json.loads(line)
        except (ValueError, RecursionError) as error:
            self._ignore(error)
        else:
            self.tell(envelope)

    def tell(self, envelope: Any) -> None:
        """Take one envelope: show what it says, while it holds. What is stale, or no state at all, changes nothing."""
        now = self._monotonic()
        try:
            if envelope["type"] != "state":
                return
            until = _until(envelope, now)
            reports = {report["name"]: report for report in envelope["lot"]["signs"]}
        except (KeyError, TypeError, ValueError) as error:
            self._ignore(error)
            return
        if now > until:
            self.stale += 1
            return
        if self._light is not None:
            self._light.hear(envelope, min(envelope["sent"], now))
        for name, sign in self._signs.items():
            sign.hear(reports.get(name), until, now)
        self.beat()

    def lost(self, why: str) -> None:
        """Go dark at once: the link is gone."""
        for sign in self._signs.values():
            sign.distrust(why)
        self.beat()

    def beat(self) -> None:
        """Let every sign show what still holds."""
        now = self._monotonic()
        for sign in self._signs.values():
            sign.beat(now)

    def rest_s(self) -> float:
        """Return how long to wait for the next beat: less than usual where a picture takes its turn before."""
        now = self._monotonic()
        return max(_LEAST_REST_S, min(BEAT_S, *(sign.changes_in(now) for sign in self._signs.values()), math.inf))

    def close(self) -> None:
        """Darken all signs and let their panels go."""
        for sign in self._signs.values():
            sign.close(self._monotonic())

    def _ignore(self, error: Exception) -> None:
        level = logging.DEBUG if self.malformed else logging.WARNING
        self.malformed += 1
        log.log(level, "ignored what count sent, it makes no sense: %r", error)


def _until(envelope: Mapping[str, Any], now: float) -> float:
    """Return until when an envelope may be believed (monotonic s); ValueError when its times make no sense."""
    sent, ttl_s = float(envelope["sent"]), float(envelope["ttl_s"])
    if not (math.isfinite(sent) and math.isfinite(ttl_s)):
        raise ValueError(f"sent {sent} and ttl_s {ttl_s} must be finite")
    return min(sent, now) + min(ttl_s, LONGEST_TTL_S)


def run(
    specs: Iterable[PanelSpec],
    link_address: str,
    run_dir: Path,
    stop: threading.Event,
    notify: Callable[[str], None],
    *,
    light: Light | None = None,
    opener: Callable[[PanelSpec], Panel] = open_panel,
) -> None:
    """Guard these panels until ``stop`` is set; dark from the first moment, and dark when it ends, however it ends.

    ``notify`` takes systemd's notifications: READY=1, WATCHDOG=1 with every beat, STOPPING=1.
    """
    panels = {spec.name: Reopening(spec, opener=opener) for spec in specs}
    guardian = Guardian(panels, run_dir=run_dir, light=light)
    try:
        with Listener(link_address) as listener:
            guardian.beat()
            notify("READY=1")
            _guard(guardian, listener, stop, notify)
    finally:
        notify("STOPPING=1")
        guardian.close()


def _guard(guardian: Guardian, listener: Listener, stop: threading.Event, notify: Callable[[str], None]) -> None:
    beat_at = time.monotonic()
    while not stop.is_set():
        try:
            for line in listener.lines(max(0.0, beat_at - time.monotonic())):
                guardian.hear(line)
        except OSError as error:
            guardian.lost(str(error))
        if time.monotonic() >= beat_at:
            guardian.beat()
            notify("WATCHDOG=1")
            beat_at = time.monotonic() + guardian.rest_s()
