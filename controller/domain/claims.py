"""Whether evidence moves the number as far as the belief claims it may.

Theory of operation. While a belief is right about itself, each piece of evidence lessens its variance, on average, by
the square of how far that evidence moves its mean (the law of total variance), and what one moved tells nothing of
where the next will move it. So over any stretch the square of the sum of what was moved is, on average, what the
variance lost. Where the lanes err more than was thought, or evidence leans the same way for hours, it is more. Both are
summed over blocks of a day, and their ratio says how many times too small the variance of the belief is.
"""

from dataclasses import dataclass

BLOCK_S = 86_400.0
FADES = 0.5 ** (1 / 14)
"""How much less a block counts with each one after it."""
FIRST = 5.0
"""So much variance (vehicles squared) was claimed, and rightly, before anything is known ..."""
FIRST_PER_SPACE = 0.01
"""... and so much more for each space."""
MOST = 6.0
"""Never is the variance taken to be more times too small than this."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What evidence did in the block that goes on, and in those before."""

    moved: float = 0.0
    """How far it has moved the number in this block (vehicles, signed) ..."""
    lost: float = 0.0
    """... and the variance that was lost by it (vehicles squared)."""
    squares: float = 0.0
    """Over the blocks before, older ones fading: squares of the first ..."""
    losses: float = 0.0
    """... and sums of the second."""

    def heard(self, moved: float, lost: float) -> "Claims":
        """Take a piece of evidence."""
        return Claims(self.moved + moved, self.lost + lost, self.squares, self.losses)

    def waited(self, unix: float, lasted_s: float) -> "Claims":
        """Let time pass until Unix time ``unix``; a block that ended meanwhile is summed up."""
        if unix // BLOCK_S == (unix - lasted_s) // BLOCK_S:
            return self
        lost = max(self.lost, 0.0)
        # One day like no other must not speak for all days.
        square = min(self.moved**2, 1 + MOST * 1.5 * lost)
        return Claims(0.0, 0.0, self.squares * FADES + square, self.losses * FADES + lost)

    def overstated(self, capacity: int) -> float:
        """Return how many times too small the variance is (1: the belief is honest, or too modest)."""
        first = FIRST + FIRST_PER_SPACE * capacity
        return min(max((self.squares + first) / (self.losses + first), 1.0), MOST)
