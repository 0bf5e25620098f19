"""What a loop detector's relay, or a barrier's contact, makes of what covers it: true levels in, reported ones out.

A relay reports changes. It may lose one (the reported level is then wrong until the next change, or until the
controller reads the levels anew), bounce, stick, chatter or fall silent. Pure but for its own stream of chance.
"""

import random
from dataclasses import dataclass, field

from controller.simulator.scenario_tables import ErrorsTable

BOUNCE_S = (0.001, 0.012)
"""How long after a change a contact may still bounce."""


@dataclass(slots=True)
class Glimpse:
    """What one detector made of one vehicle or person."""

    missed: bool = False
    """It did not see it at all."""
    merged: bool = False
    """It did not release between this one and another."""
    lost: bool = False
    """It saw it, but an edge was not reported."""
    blind: str | None = None
    """Why it could report nothing: stuck, dead, chatter or off."""


@dataclass(slots=True)
class Relay:
    """One detector's output. ``said`` is the level that was reported last."""

    name: str
    errors: ErrorsTable
    rng: random.Random
    """Decides what it sees ..."""
    edges: random.Random
    """... and what becomes of its edges."""
    worse: float = 1.0
    said: bool = False
    stuck: bool | None = None
    dead: bool = False
    chatters: bool = False
    on_it: list[Glimpse] = field(default_factory=list)
    """What covers it now and is seen."""

    @property
    def level(self) -> bool:
        """The level at which the relay stands."""
        return bool(self.on_it) if self.stuck is None else self.stuck

    @property
    def fault(self) -> str | None:
        """Why it reports nothing useful, if so."""
        if self.dead:
            return "dead"
        if self.stuck is not None:
            return "stuck"
        return "chatter" if self.chatters else None

    def misses(self) -> bool:
        """Draw whether it does not see a vehicle."""
        return self.rng.random() < self.errors.miss * self.worse

    def cover(self, glimpse: Glimpse) -> bool:
        """Let something come over it; return whether to report."""
        if self.on_it:
            glimpse.merged = True
            for other in self.on_it:
                other.merged = True
        self.on_it.append(glimpse)
        return len(self.on_it) == 1 and self._reports(glimpse)

    def uncover(self, glimpse: Glimpse) -> bool:
        """Let it be gone again; return whether to report."""
        self.on_it = [other for other in self.on_it if other is not glimpse]
        return not self.on_it and self._reports(glimpse)

    def _reports(self, glimpse: Glimpse) -> bool:
        if (fault := self.fault) is not None:
            glimpse.blind = fault
            return False
        if self.edges.random() < self.errors.lost_edge * self.worse:
            glimpse.lost = True
            return False
        return True

    def bounces(self) -> list[float]:
        """Draw when (s) after a change the contact flips, ending at the new level."""
        if self.edges.random() >= self.errors.bounce:
            return []
        return sorted(self.edges.uniform(*BOUNCE_S) for _ in range(2 * self.edges.randint(1, 3)))
