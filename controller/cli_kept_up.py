"""A picture that stays up while somebody looks at it: ``sign test`` and ``sign identify``."""

import contextlib
import threading
from typing import Any, Self

_REPEAT_S = 0.5


class KeptUp:
    """Shows a picture again and again in the background: noise passes, and some panels forget what is not repeated."""

    def __init__(self, panel: Any) -> None:
        self._panel = panel
        self._picture: Any = None
        self._one_at_a_time = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name="pattern", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def show(self, picture: Any) -> None:
        """Show this one, mode "1", from now on."""
        if self._panel.spec.colours == "states":
            from controller.sign.colours import painted
            from controller.sign.layout import Picture

            picture = painted(Picture(picture))
        with self._one_at_a_time:
            self._picture = picture
            self._panel.show(picture)

    def wait(self, seconds: float) -> None:
        """Let it be looked at for so long."""
        self._done.wait(seconds)

    def _repeat(self) -> None:
        while not self._done.wait(_REPEAT_S):
            with self._one_at_a_time, contextlib.suppress(OSError):
                if self._picture is not None:
                    self._panel.show(self._picture)
