"""Guesses at passwords and tokens: counted, slowed down, and never at the cost of who knows the right one.

A right token is looked at first and never refused. A password costs real work to compare, so wrong ones are counted:
for each name and address, and, against a guesser with many addresses, for each name in all. A browser that once logged
in keeps a *device cookie* (OWASP, "Slow Down Online Guessing Attacks with Device Cookies") and is counted alone. So
however many guess at a name from elsewhere, its owner comes in from where he came in before.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict, deque

WINDOW_S = 60.0
PER_PLACE, PER_NAME, WRONG_TOKENS = 5, 50, 20
"""Wrong guesses within ``WINDOW_S``: for a name from one place, for a name in all, and at tokens in all."""
REMEMBERED = 4096
"""Places that are remembered; the longest unused one goes."""


class Throttle:
    """Counts wrong guesses, or whatever else may not come too often; ``now`` is the monotonic clock."""

    def __init__(self, window_s: float = WINDOW_S) -> None:
        self._window_s = window_s
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, key: str, most: int, now: float) -> int:
        """How long (s) there will be no looking at another; 0: look."""
        wrong = self._wrong.get(key)
        if wrong is None or len(wrong) < most or now - wrong[-most] >= self._window_s:
            return 0
        return int(wrong[-most] + self._window_s - now) + 1

    def count(self, key: str, most: int, now: float) -> bool:
        """Count one; whether it was the one too many."""
        times = self._wrong.setdefault(key, deque(maxlen=most))
        times.append(now)
        self._wrong.move_to_end(key)
        if len(self._wrong) > REMEMBERED:
            self._wrong.popitem(last=False)
        return self.wait_s(key, most, now) > 0

    def right(self, key: str) -> None:
        """Forget what was wrong before."""
        self._wrong.pop(key, None)


class Devices:
    """Device cookies: a random name, the user's, and a signature of both; a restart of the key voids them all."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def cookie(self, user: str) -> str:
        """Return a new one for a browser in which this user logged in."""
        name = secrets.token_urlsafe(12)
        return f"{name}.{self._sign(name, user)}"

    def name(self, cookie: str, user: str) -> str | None:
        """Return the device's name, or None when this user never logged in there."""
        name, _, signature = cookie.partition(".")
        return name if hmac.compare_digest(signature.encode(), self._sign(name, user).encode()) else None

    def _sign(self, name: str, user: str) -> str:
        return hmac.new(self._key, f"{name}\0{user}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
