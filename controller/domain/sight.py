"""Which share of what passes the lanes see, and what the time that passed means for the zones."""

from collections.abc import Iterable

from controller.domain import lane, occupancy
from controller.domain.occupancy import Sources, ZoneState
from controller.domain.specs import Direction, LaneSpec, LotSpec
from controller.domain.state import LotState, zones_of


def is_blind(spec: LaneSpec, state: LotState) -> bool:
    """Whether vehicles pass the lane and no loop tells."""
    if spec.loop is not None:
        return state.detectors[spec.loop.name].fault is not None
    return lane.is_blind(spec, state.lanes[spec.name])


def zones_with(state: LotState, spec: LotSpec, at: float, names: Iterable[str]) -> dict[str, ZoneState]:
    """Return these zones as they are when the time until ``at`` is weighed."""
    return {
        zone.name: occupancy.waited(zone, state.zones[zone.name], at, *seen(spec, state, zone.name))
        for zone in spec.zones
        if zone.name in names
    }


def seen(spec: LotSpec, state: LotState, zone: str) -> tuple[float, float]:
    """Return which shares (0-1) of a zone's entries and exits its lanes see now, by what each has counted so far."""
    seen, every = [0.0, 0.0], [0.0, 0.0]
    for lane_spec in spec.lanes:
        if zone not in zones_of(lane_spec):
            continue
        watched, direction = state.lanes[lane_spec.name], lane_spec.direction
        counted = [
            watched.entries + (direction is not Direction.EXIT),
            watched.exits + (direction is not Direction.ENTRY),
        ]
        blind = is_blind(lane_spec, state)
        for way, number in enumerate(counted if lane_spec.zone == zone else counted[::-1]):
            every[way] += number
            seen[way] += 0 if blind else number
    return (seen[0] / every[0] if every[0] else 1.0), (seen[1] / every[1] if every[1] else 1.0)


def shares(lot: LotSpec, state: LotState, spec: LaneSpec) -> tuple[float, float]:
    """Return which shares (0-1) of its zone's entries and exits come through this lane, by what was counted so far."""
    beside = [s for s in lot.lanes if s.zone == spec.zone]
    entries, exits = (
        [getattr(state.lanes[s.name], way) + (s.direction is not other) for s in beside]
        for way, other in (("entries", Direction.EXIT), ("exits", Direction.ENTRY))
    )
    mine = beside.index(spec)
    return (entries[mine] / max(1, sum(entries)), exits[mine] / max(1, sum(exits)))


def sources_of(spec: LotSpec, state: LotState, zone: str) -> Sources:
    """Return what the zone is counted by, and how much of it works now."""
    lanes = [s for s in spec.lanes if zone in zones_of(s)]
    return Sources(len(lanes), sum(is_blind(s, state) for s in lanes))
