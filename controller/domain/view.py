"""Lot state -> what others may know of it (``report`` has the shapes)."""

import math
from collections.abc import Container, Mapping
from dataclasses import replace

from controller.domain import lane, occupancy, upkeep
from controller.domain.amends import UNDO_S, Recount
from controller.domain.health import DetectorState
from controller.domain.message import Surroundings, message
from controller.domain.report import (
    BayReport,
    DetectorReport,
    Fault,
    FaultKind,
    LaneReport,
    LotReport,
    Message,
    Reason,
    RecountReport,
    SignReport,
    Status,
    ZoneReport,
)
from controller.domain.sight import sources_of
from controller.domain.specs import DetectorSpec, LaneSpec, LotSpec, Moment, Role, SignSpec, ZoneSpec
from controller.domain.staff import recount_of, undoable
from controller.domain.state import LotState, in_service, zones_of

NOTES_SHOWN = 5
JOURNAL = "journal"
"""The subject of a fault that is none of a detector."""


def report(spec: LotSpec, state: LotState, unwritten: float | None = None, *, local: Moment | None = None) -> LotReport:
    """Say everything that others may know, at this moment; ``local`` as in ``message.Surroundings``.

    ``unwritten``: since when (lot time) what happens can't be written down. No number is told then: it is not durable.
    """
    zones = zone_reports(spec, state)
    if unwritten is not None:
        zones = {name: _unwritten(zone) for name, zone in zones.items()}
    return LotReport(
        name=spec.name,
        at=state.at,
        zones=tuple(zones.values()),
        lanes=tuple(_lane(s, state) for s in spec.lanes),
        bays=tuple(
            BayReport(b.name, b.zone, now.occupied, now.since, now.heard_at, b.name in state.out_of_service)
            for b in spec.bays
            for now in (state.bays[b.name],)
        ),
        signs=tuple(_sign(s, zones, state, local) for s in spec.signs),
        faults=(
            *(() if unwritten is None else (Fault(JOURNAL, FaultKind.NOT_WRITTEN, unwritten),)),
            *faults(spec, state),
        ),
        passages=state.passages,
    )


def _unwritten(zone: ZoneReport) -> ZoneReport:
    if zone.status is Status.CLOSED:
        return zone
    return replace(zone, free=None, status=Status.UNKNOWN, reason=Reason.NOT_WRITTEN)


def zone_reports(spec: LotSpec, state: LotState) -> dict[str, ZoneReport]:
    """Say how full each zone is, by name."""
    at_fault = {fault.subject for fault in faults(spec, state)}
    return {z.name: _zone(spec, state, z, at_fault) for z in in_service(spec, state).zones}


def _zone(spec: LotSpec, state: LotState, zone: ZoneSpec, at_fault: Container[str]) -> ZoneReport:
    said = occupancy.report(zone, state.zones[zone.name], sources_of(spec, state, zone.name))
    recount, before = recount_of(state, zone.name, state.at), undoable(state, zone.name, state.at)
    return replace(
        said,
        recount=None if recount is None else _recount(recount),
        undo_until=None if before is None else before.at + UNDO_S,
        out_of_service=[*state.out_of_service.values()].count(zone.name),
        degraded=_degraded(spec, zone.name, at_fault),
    )


def _degraded(spec: LotSpec, zone: str, at_fault: Container[str]) -> tuple[str, ...]:
    """Return what the zone is counted by and does not wholly work: it errs more than the lane, or bay, has learned."""
    lanes = [s for s in spec.lanes if zone in zones_of(s)]
    if lanes:
        return tuple(s.name for s in lanes if any(d.name in at_fault for d in s.detectors))
    return tuple(b.name for b in spec.bays if b.zone == zone and b.name in at_fault)


def _recount(recount: Recount) -> RecountReport:
    entries, exits = (sum(max(0, sign * passed.by) for passed in recount.passed) for sign in (1, -1))
    return RecountReport(recount.began, recount.inside, entries, exits)


def faults(spec: LotSpec, state: LotState) -> tuple[Fault, ...]:
    """Say what is wrong with detectors and bays now."""
    detectors = [(s, d) for s in spec.lanes for d in s.detectors]
    found = [fault for s, d in detectors if (fault := _fault(s, d, state)) is not None]
    for bay in spec.bays:
        now = state.bays[bay.name]
        if bay.name in state.out_of_service:
            continue
        if now.flapping:
            found.append(Fault(bay.name, FaultKind.CHATTER, now.since or 0.0))
        elif now.silent:
            found.append(Fault(bay.name, FaultKind.SILENT, now.since or 0.0))
        if now.battery_low_since is not None:
            found.append(Fault(bay.name, FaultKind.BATTERY, now.battery_low_since))
    return tuple(found)


def _fault(spec: LaneSpec, detector: DetectorSpec, state: LotState) -> Fault | None:
    """Return what is wrong with a detector: by its own levels, or by what the lane makes of them."""
    now = state.detectors[detector.name]
    if now.fault is not None:
        return Fault(detector.name, now.fault, now.fault_since)
    watched = state.lanes[spec.name]
    found = [f for f in lane.faults(watched) if f.role is detector.role]
    if found:
        return Fault(detector.name, found[0].kind, found[0].since)
    since = lane.reversed_since(watched) if detector.role is Role.OUTER else None
    return None if since is None else Fault(detector.name, FaultKind.REVERSED, since)


def says(spec: SignSpec, zones: Mapping[str, ZoneReport], state: LotState, local: Moment | None = None) -> Message:
    """Say what a sign shows; ``zones`` as ``zone_reports`` has them."""
    neighbour = None if spec.redirect is None else state.neighbours.get(spec.redirect.lot or "")
    test = state.at < state.tests.get(spec.name, -math.inf)
    return message(spec, zones, Surroundings(state.at, local, test, state.staff.get(spec.name), neighbour))


def _sign(spec: SignSpec, zones: Mapping[str, ZoneReport], state: LotState, local: Moment | None) -> SignReport:
    chain = state.notes[spec.zone][-NOTES_SHOWN:]
    staff = state.staff.get(spec.name)
    return SignReport(
        name=spec.name,
        zone=spec.zone,
        message=says(spec, zones, state, local),
        since=zones[spec.zone].since,
        because=tuple(note.text for note in chain),
        staff=staff if staff is not None and state.at < staff.until else None,
        chain=chain,
    )


def _lane(spec: LaneSpec, state: LotState) -> LaneReport:
    now = state.lanes[spec.name]
    return LaneReport(
        name=spec.name,
        zone=spec.zone,
        direction=spec.direction.value,
        entries=now.entries,
        exits=now.exits,
        back_outs=now.back_outs,
        ambiguous=now.ambiguous,
        quality=upkeep.told(spec, lane.quality(spec, now), now.entries + now.exits, state.doubts.get(spec.name, 0.0)),
        detectors=tuple(_detector(d, state.detectors[d.name], _fault(spec, d, state)) for d in spec.detectors),
    )


def _detector(spec: DetectorSpec, now: DetectorState, fault: Fault | None) -> DetectorReport:
    kind = None if fault is None else fault.kind
    return DetectorReport(spec.name, spec.role.value, now.occupied, now.since, now.changes, kind)
