"""A row of the table that the experiments print."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What one experiment found."""

    experiment: str
    tries: int
    lost: int
    doubled: int
    recovered_s: float | None = None
    """The longest that it took until all was well again; None: does not apply."""
    note: str = ""

    def __str__(self) -> str:
        recovered = "" if self.recovered_s is None else f"{self.recovered_s:.1f}"
        cells = (self.experiment, f"{self.tries:,}", str(self.lost), str(self.doubled), recovered, self.note)
        return f"| {' | '.join(cells)} |"


HEAD = """\
| experiment | tries | lost | doubled | recovered in (s) | |
|---|---|---|---|---|---|"""
