"""State of the count + read-back of the panels → what the API says. Pure: time and files come as arguments.

The one rule: what is not fresh is not told. Then every number is None and every status UNKNOWN; passages stay, being
history.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from controller.api.envelope import Envelope, Inputs, JournalSize
from controller.api.models import (
    BayStatus,
    Cause,
    DetectorStatus,
    FaultStatus,
    Freshness,
    LaneQualityStatus,
    LaneStatus,
    PanelStatus,
    PanelTint,
    PassageRecord,
    Picture,
    RecountStatus,
    SignMessage,
    SignStatus,
    StaffMessageStatus,
    Why,
    ZoneStatus,
)
from controller.domain.report import BayReport, DetectorReport, LaneReport, Message, SignReport, Status, ZoneReport
from controller.domain.specs import BaySpec, LaneSpec, SignSpec, ZoneSpec
from controller.sign.readback import Shown
from controller.site import PanelSpec, Site

ALIVE_S = 3.0
"""A read-back older than this (s): the sign process is gone or hangs, and its panel is taken for dark."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Lot time → wall clock, for people."""

    epoch: float
    zone: ZoneInfo

    def wall(self, at: float) -> datetime:
        """Return the wall-clock time of the lot time ``at``."""
        return unix_time(self.epoch + at, self.zone)

    def maybe(self, at: float | None) -> datetime | None:
        """Return the same, or None for None."""
        return None if at is None else self.wall(at)


def unix_time(seconds: float, zone: ZoneInfo) -> datetime:
    """Return Unix seconds as a time with its offset in ``zone``."""
    try:
        return datetime.fromtimestamp(seconds, zone)
    except (ValueError, OverflowError, OSError):  # a clock that is out of every calendar must not stop the answer
        return datetime.fromtimestamp(0, UTC)


def freshness(site: Site, envelope: Envelope | None, now: float) -> Freshness:
    """Say how fresh the state is at the monotonic time ``now``."""
    if envelope is None:
        return Freshness(live=False, at=None, age_s=None)
    sent = Clock(envelope.epoch, ZoneInfo(site.timezone)).wall(envelope.lot.at)
    return Freshness(live=envelope.is_fresh(now), at=sent, age_s=round(envelope.age_s(now), 3))


def is_alive(shown: Shown | None, now: float) -> bool:
    """Whether a read-back is fresh enough to be believed."""
    return shown is not None and 0 <= now - shown.alive <= ALIVE_S


def picture(site: Site, envelope: Envelope | None, shown: Mapping[str, Shown | None], now: float) -> Picture:
    """Say everything at the monotonic time ``now``; ``shown`` is the read-back of each sign."""
    zone = ZoneInfo(site.timezone)
    clock = Clock(envelope.epoch if envelope else 0.0, zone)
    fresh = freshness(site, envelope, now)
    heard = envelope if envelope is not None and fresh.live else None
    lot = heard.lot if heard else None
    zones = {z.name: z for z in lot.zones} if lot else {}
    lanes = {lane.name: lane for lane in lot.lanes} if lot else {}
    bays = {bay.name: bay for bay in lot.bays} if lot else {}
    signs = {sign.name: sign for sign in lot.signs} if lot else {}
    panels = {panel.name: panel_status(panel, shown.get(panel.name), now, zone) for panel in site.panels}
    lot_now = lot.at + (fresh.age_s or 0.0) if lot else 0.0
    faults = lot.faults if lot else ()
    return Picture(
        live=fresh.live,
        at=fresh.at,
        age_s=fresh.age_s,
        lot=site.lot.name,
        zones=[_zone(spec, zones.get(spec.name), clock) for spec in site.lot.zones],
        signs=[_sign(s, signs.get(s.name), panels[s.name], clock, lot_now) for s in site.lot.signs],
        faults=[FaultStatus(subject=f.subject, kind=f.kind, since=clock.wall(f.since)) for f in faults],
        lanes=[_lane(spec, lanes.get(spec.name), clock) for spec in site.lot.lanes],
        bays=[_bay(spec, bays.get(spec.name), clock) for spec in site.lot.bays],
        passages=_passages(envelope, clock),
        inputs=heard.inputs if heard else Inputs(),
        journal=heard.journal if heard else JournalSize(),
        version=heard.version if heard else None,
    )


def _zone(spec: ZoneSpec, report: ZoneReport | None, clock: Clock) -> ZoneStatus:
    return ZoneStatus(
        name=spec.name,
        capacity=spec.capacity,
        counted_by=report.counted_by if report else None,
        occupied=report.occupied if report else None,
        counted=report.counted if report else None,
        free=report.free if report else None,
        low=report.low if report else None,
        high=report.high if report else None,
        sure=report.sure if report else None,
        status=report.status if report else Status.UNKNOWN,
        reason=_why(report),
        since=clock.wall(report.since) if report else None,
        recount=_recount(report, clock),
        undo_until=clock.maybe(report.undo_until) if report else None,
        out_of_service=report.out_of_service if report else 0,
        degraded=list(report.degraded) if report else [],
    )


def _recount(report: ZoneReport | None, clock: Clock) -> RecountStatus | None:
    if report is None or report.recount is None:
        return None
    now = report.recount
    return RecountStatus(began=clock.wall(now.began), inside=now.inside, entries=now.entries, exits=now.exits)


def _why(report: ZoneReport | None) -> Why:
    return report.reason if report else "not_live"


def _message(message: Message) -> SignMessage:
    return SignMessage(
        kind=message.kind,
        text=message.text,
        free=message.free,
        tone=message.tone,
        beside=message.beside,
        rows=list(message.rows),
        also=message.also,
        second=message.second,
    )


def _sign(spec: SignSpec, report: SignReport | None, panel: PanelStatus, clock: Clock, lot_now: float) -> SignStatus:
    return SignStatus(
        name=spec.name,
        zone=spec.zone,
        message=_message(report.message) if report else None,
        reason=report.message.reason if report else "not_live",
        since=clock.wall(report.since) if report else None,
        age_s=round(max(0.0, lot_now - report.since), 3) if report else None,
        because=list(report.because) if report else [],
        panel=panel,
        staff=_staff(report, clock),
        chain=[
            Cause(at=clock.wall(n.at), what=n.what, text=n.text, values=dict(n.values))
            for n in (report.chain if report else ())
        ],
    )


def _staff(report: SignReport | None, clock: Clock) -> StaffMessageStatus | None:
    if report is None or report.staff is None:
        return None
    return StaffMessageStatus(text=report.staff.text, until=clock.wall(report.staff.until))


def panel_status(spec: PanelSpec, shown: Shown | None, now: float, zone: ZoneInfo) -> PanelStatus:
    """Say what the panel shows; without a fresh read-back it is taken for dark."""
    if shown is None or not is_alive(shown, now):
        why = "the sign process has told nothing yet" if shown is None else "the sign process stopped telling"
        return PanelStatus(
            alive=False,
            lit=False,
            message=None,
            why_dark=why,
            width=spec.width,
            height=spec.height,
            rows=[],
            shown_at=None,
            because=[],
            brightness=None,
            why_bright=None,
            driver=spec.driver,
        )
    return PanelStatus(
        alive=True,
        lit=shown.lit,
        message=_message(shown.message) if shown.message else None,
        why_dark=shown.why_dark,
        width=shown.width,
        height=shown.height,
        rows=list(shown.rows),
        shown_at=unix_time(shown.shown_at, zone),
        because=list(shown.because),
        brightness=shown.brightness,
        why_bright=shown.why_bright,
        driver=shown.driver,
        tints=[PanelTint(box=tint.box, tone=tint.tone) for tint in shown.tints],
    )


def _detector(name: str, role: str, report: DetectorReport | None, clock: Clock) -> DetectorStatus:
    return DetectorStatus(
        name=name,
        role=role,
        occupied=report.occupied if report else None,
        since=clock.maybe(report.since) if report else None,
        changes=report.changes if report else None,
        fault=report.fault if report else None,
    )


def _lane(spec: LaneSpec, report: LaneReport | None, clock: Clock) -> LaneStatus:
    detectors = {d.name: d for d in report.detectors} if report else {}
    return LaneStatus(
        name=spec.name,
        zone=spec.zone,
        direction=spec.direction.value,
        entries=report.entries if report else None,
        exits=report.exits if report else None,
        back_outs=report.back_outs if report else None,
        ambiguous=report.ambiguous if report else None,
        quality=LaneQualityStatus(**dataclasses.asdict(report.quality)) if report and report.quality else None,
        detectors=[_detector(d.name, d.role.value, detectors.get(d.name), clock) for d in spec.detectors],
    )


def _bay(spec: BaySpec, report: BayReport | None, clock: Clock) -> BayStatus:
    return BayStatus(
        name=spec.name,
        zone=spec.zone,
        occupied=report.occupied if report else None,
        since=clock.maybe(report.since) if report else None,
        heard_at=clock.maybe(report.heard_at) if report else None,
        out_of_service=report.out_of_service if report else False,
    )


def _passages(envelope: Envelope | None, clock: Clock) -> list[PassageRecord]:
    if envelope is None:
        return []
    return [
        PassageRecord(
            lane=p.lane,
            kind=p.kind,
            at=clock.wall(p.at),
            began=clock.wall(p.began),
            tailgating=p.tailgating,
            wrong_way=p.wrong_way,
            doubt=p.doubt,
        )
        for p in reversed(envelope.lot.passages)
    ]
