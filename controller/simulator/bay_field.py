"""The spaces of a lot: who stands where, and what the sensors in some of the spaces say of it.

Spaces are ranked by how near they are: a driver looks at a few that are free and takes the nearest. A sensor may miss
that a vehicle came or went (and is wrong until the next change), flap, and lose or delay messages; now and then it
repeats what it believes, as a sign of life.
"""

from dataclasses import dataclass

from controller.simulator.chance import stream
from controller.simulator.scenario_tables import BaysTable

LOOKED_AT = 8
"""How many free spaces a driver looks at."""


@dataclass(slots=True)
class Bay:
    """One space with a sensor."""

    name: str
    believes: bool
    """What its sensor says."""
    dead: bool = False


class BayField:
    """All spaces of a lot of this capacity; the vehicles in them are known by number."""

    def __init__(self, table: BaysTable, capacity: int, seed: int) -> None:
        self.table = table
        self._choice, self.rng = stream(seed, "spaces"), stream(seed, "bays")
        number = round(table.coverage * capacity)
        spaces = list(range(number)) if table.placed == "best" else sorted(self.rng.sample(range(capacity), number))
        self._free = list(range(capacity))
        self._space_of: dict[int, int] = {}
        self.bays = {space: Bay(f"B{space + 1}", believes=False) for space in spaces}

    @property
    def names(self) -> list[str]:
        """Names of the spaces with a sensor."""
        return [bay.name for bay in self.bays.values()]

    def park(self, vehicle: int) -> Bay | None:
        """Let a vehicle take a space; return the bay whose sensor has noticed. LookupError when no space is free."""
        if not self._free:
            raise LookupError("no space is free")
        looked_at = self._choice.sample(self._free, min(LOOKED_AT, len(self._free)))
        space = min(looked_at)
        self._free.remove(space)
        self._space_of[vehicle] = space
        return self._noticed(space, taken=True)

    def leave(self, vehicle: int) -> Bay | None:
        """Let a vehicle leave its space, if it has one; return the bay whose sensor has noticed."""
        space = self._space_of.pop(vehicle, None)
        if space is None:
            return None
        self._free.append(space)
        return self._noticed(space, taken=False)

    @property
    def is_full(self) -> bool:
        """Whether no space is free."""
        return not self._free

    def is_taken(self, space: int) -> bool:
        """Whether a vehicle stands in a space."""
        return space not in self._free

    def _noticed(self, space: int, *, taken: bool) -> Bay | None:
        bay = self.bays.get(space)
        if bay is None or self.rng.random() < self.table.wrong or bay.believes is taken:
            return None
        bay.believes = taken
        return bay

    def arrives_after_s(self, bay: Bay) -> float | None:
        """Draw how long a message takes; None: it is lost, or the sensor is dead."""
        lost, delay = self.rng.random() < self.table.lost, self.rng.uniform(*self.table.delay_s)
        return None if lost or bay.dead else delay
