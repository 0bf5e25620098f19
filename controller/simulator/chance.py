"""Streams of chance, one for each purpose: what one of them draws never changes what another one does."""

import random


def stream(seed: int, *purpose: str | int) -> random.Random:
    """Return the stream of a run for a purpose; the same on every machine and in every process."""
    return random.Random(f"{seed}/{'/'.join(map(str, purpose))}")  # noqa: S311  traffic, not a secret


def active_time(elapsed_s: float, hours: tuple[float, float]) -> float:
    """Return when so much time (s) between these hours of the days has passed, in seconds from the first midnight."""
    a_day = (hours[1] - hours[0]) * 3600
    days, rest = divmod(elapsed_s, a_day)
    return days * 86_400 + hours[0] * 3600 + rest
