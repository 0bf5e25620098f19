"""/metrics for Prometheus: the picture of this moment, named by its conventions.

What is not known has no sample at all; an alert on ``absent(...)`` or on ``parking_state_live == 0`` tells that apart
from zero.
"""

from collections.abc import Iterator, Mapping

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    StateSetMetricFamily,
)
from prometheus_client.registry import Collector

from controller.api.access import readable
from controller.api.door import Answers
from controller.api.models import Picture
from controller.api.parts import LiveDep
from controller.api.webhooks.outbox import Totals
from controller.api.webhooks.routes import Desk
from controller.domain.report import FaultKind, Status

router = APIRouter(tags=["read"])


@router.get(
    "/metrics",
    dependencies=[Depends(readable("metrics"))],
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}}},
)
def metrics(live: LiveDep, request: Request) -> Response:
    """Metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    desk: Desk = request.app.state.desk
    webhooks = {name: desk.outbox.totals(name) for name in desk.deliveries}
    registry.register(_Now(live.picture(), webhooks, request.app.state.answers.copy()))
    return Response(generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


class _Now(Collector):
    """The samples of one picture."""

    def __init__(self, picture: Picture, webhooks: Mapping[str, Totals], answers: Answers) -> None:
        self._picture = picture
        self._webhooks = webhooks
        self._answers = answers

    def collect(self) -> Iterator[Metric]:
        yield from _zones(self._picture)
        yield from _lanes(self._picture)
        yield from _signs_and_bays(self._picture)
        yield from _faults(self._picture)
        yield from _state(self._picture)
        yield from _inputs(self._picture)
        yield from _outgoing(self._webhooks)
        yield _counter(
            "parking_http_requests",
            "Requests answered by the web process; refused are those with a code from 400 to 499.",
            ["method", "code"],
            [([method, str(code)], number) for (method, code), number in sorted(self._answers.items())],
        )


def _gauge(name: str, text: str, labels: list[str], samples: list[tuple[list[str], float | None]]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, number in samples:
        if number is not None:
            family.add_metric(values, number)
    return family


def _counter(name: str, text: str, labels: list[str], samples: list[tuple[list[str], float | None]]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, number in samples:
        if number is not None:
            family.add_metric(values, number)
    return family


def _zones(now: Picture) -> Iterator[Metric]:
    zones = now.zones
    yield _gauge(
        "parking_free_spaces", "Free spaces; absent when not known.", ["zone"], [([z.name], z.free) for z in zones]
    )
    yield _gauge("parking_capacity_spaces", "Spaces.", ["zone"], [([z.name], z.capacity) for z in zones])
    yield _gauge(
        "parking_occupied_vehicles",
        "Vehicles inside as counted, unclamped; absent when not known.",
        ["zone"],
        [([z.name], z.occupied) for z in zones],
    )
    states = StateSetMetricFamily("parking_zone_status", "1 for the status that the zone has.", labels=["zone"])
    for zone in zones:
        states.add_metric([zone.name], {status.value: zone.status is status for status in Status})
    yield states


def _lanes(now: Picture) -> Iterator[Metric]:
    passages = [
        ([lane.name, kind], number)
        for lane in now.lanes
        for kind, number in (("entry", lane.entries), ("exit", lane.exits), ("back_out", lane.back_outs))
    ]
    yield _counter("parking_passages", "Passages since the journal began.", ["lane", "kind"], list(passages))
    yield _counter(
        "parking_ambiguous_passages",
        "Sequences that might have been something else.",
        ["lane"],
        [([lane.name], lane.ambiguous) for lane in now.lanes],
    )
    yield _gauge(
        "parking_detector_occupied",
        "1: a vehicle is on it (or the arm is up); absent when not known.",
        ["lane", "detector"],
        [([lane.name, d.name], d.occupied) for lane in now.lanes for d in lane.detectors],
    )


def _signs_and_bays(now: Picture) -> Iterator[Metric]:
    yield _gauge(
        "parking_bay_occupied",
        "1: a vehicle stands in it; absent when not known.",
        ["zone", "bay"],
        [([b.zone, b.name], b.occupied) for b in now.bays],
    )
    signs = now.signs
    yield _gauge(
        "parking_sign_lit", "1: the panel shows something.", ["sign"], [([s.name], s.panel.lit) for s in signs]
    )
    yield _gauge(
        "parking_sign_alive", "1: the sign process tells.", ["sign"], [([s.name], s.panel.alive) for s in signs]
    )


def _faults(now: Picture) -> Iterator[Metric]:
    counts = {kind: sum(fault.kind is kind for fault in now.faults) for kind in FaultKind}
    samples = [([kind.value], float(count) if now.live else None) for kind, count in counts.items()]
    yield _gauge("parking_faults", "Detectors and bay sensors at fault.", ["kind"], list(samples))


def _state(now: Picture) -> Iterator[Metric]:
    yield _gauge("parking_state_live", "1: the counting process speaks.", [], [([], now.live)])
    yield _gauge("parking_state_age_seconds", "Age of the newest state.", [], [([], now.age_s)])
    yield _gauge("parking_journal_bytes", "Size of the journal.", [], [([], now.journal.bytes)])
    if now.version is not None:
        yield InfoMetricFamily("parking_controller", "The counting process.", value={"version": now.version})


def _inputs(now: Picture) -> Iterator[Metric]:
    mqtt, sensors, gpio = now.inputs.mqtt, now.inputs.sensors, now.inputs.gpio
    if mqtt:
        yield _gauge("parking_mqtt_connected", "1: connected to the broker.", [], [([], mqtt.connected)])
        yield _counter("parking_mqtt_reconnects", "Connections after the first.", [], [([], mqtt.reconnects)])
    if sensors:
        kinds = {
            "accepted": sensors.accepted,
            "no_level": sensors.no_level,
            "unknown": sum(sensors.unknown.values()),
            "malformed": sum(bad.count for bad in sensors.malformed.values()),
        }
        samples: list[tuple[list[str], float | None]] = [([kind], number) for kind, number in kinds.items()]
        yield _counter("parking_mqtt_messages", "Sensor messages by what became of them.", ["kind"], samples)
    if gpio:
        yield _counter("parking_gpio_errors", "Pin reads or events that failed.", [], [([], gpio.errors)])
        yield _counter("parking_gpio_missed", "Changes of level that are known to be lost.", [], [([], gpio.missed)])


def _outgoing(webhooks: Mapping[str, Totals]) -> Iterator[Metric]:
    if not webhooks:
        return
    label, samples = ["webhook"], webhooks.items()
    yield _gauge("parking_webhook_waiting", "Messages that wait.", label, [([n], t.waiting) for n, t in samples])
    yield _gauge("parking_webhook_dead", "Messages that were given up.", label, [([n], t.dead) for n, t in samples])
    outcomes = [
        ([name, outcome], number)
        for name, t in samples
        for outcome, number in (
            ("taken", t.taken_total),
            ("failed", t.failed_total),
            ("dead", t.dead_total),
            ("replaced", t.replaced_total),
        )
    ]
    yield _counter(
        "parking_webhook_messages", "Attempts and messages by what became of them.", ["webhook", "outcome"], [*outcomes]
    )
