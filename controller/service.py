"""The one thread that owns all state: inbox -> domain -> journal -> outputs.

Other threads only ``put`` frozen items into the inbox. The loop takes whatever waits, folds it, commits it once, and
then speaks: the newest state to everyone, then replies and acknowledgements. It never waits for an output.

When the journal can't be written (see ``store``) it goes on counting, but acknowledges nothing, refuses commands, and
says that no number is to be trusted, until what it holds is written.
"""

import contextlib
import logging
import queue
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from controller import __version__
from controller.clocks import Clocks, moment
from controller.commands import CommandError, understood
from controller.domain import chronicle, lot, view
from controller.domain.events import (
    ChangesLost,
    ClockSet,
    DetectorChanged,
    Event,
    Interrupted,
    OutageTold,
    Tick,
    WentDown,
    WentUnreadable,
)
from controller.domain.health import DetectorState
from controller.domain.report import FaultKind, LotReport
from controller.domain.specs import Moment
from controller.domain.state import LotState
from controller.inputs.gpio import ChangesMissed, PinLevel, Unreadable
from controller.inputs.mqtt import MqttMessage
from controller.inputs.sensors import Sensors
from controller.journal import Audit, Clock, Journal, Record
from controller.link import TTL_S, Json, Reply
from controller.recording import Entry, Message
from controller.site import Site
from controller.store import Answer, Store
from controller.taken import REPEATED, Taken

log = logging.getLogger(__name__)

HEARTBEAT_S = 0.5
"""The state is answers at least this often, which keeps the signs lit."""
REREAD_S = 1.0
CLOCK_STEP_S = 2.0
"""The wall clock moved against the monotonic one by more than this: note it."""
SAME_S = 0.001
"""A kept change that is no later than this after the detector's last one in the journal is that one."""
UNKNOWN_DOWN_S = 86_400.0
"""How long the controller is taken to have been off when no clock can tell."""
BATCH = 1000
"""At most so many inputs share a commit: a flood may not keep what it brought from being answers."""
MAX_PAYLOAD = 64 * 1024
"""Longest message (bytes) that is taken; no sensor sends a fraction of it, and the journal must stay readable."""

_REPORT = TypeAdapter(LotReport)


@dataclass(frozen=True, slots=True)
class Command:
    """What a person or a system asks for over the link; ``reply`` hears when it is durable."""

    fields: Json
    reply: Reply
    monotonic: float


Item = PinLevel | ChangesMissed | Unreadable | MqttMessage | Command
_FromPins = PinLevel | ChangesMissed | Unreadable


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where the state goes, and what is polled; all of it returns at once."""

    publish: Sequence[Callable[[Json], None]] = ()
    reread: Callable[[], object] = lambda: None
    inputs: Callable[[], Json] = dict
    kept: frozenset[str] = frozenset()
    """Detectors whose changes were kept while no process was there; they are in the inbox before ``run``."""
    progress: Callable[[], None] = lambda: None
    """Called at each turn of the loop after intake and journal went well: feeds the watchdog."""


class Service:
    """Owns the state of one lot. ``put`` may be called from any thread; the rest belongs to the thread that runs it."""

    def __init__(self, site: Site, journal: Journal, sensors: Sensors, clocks: Clocks | None = None) -> None:
        self._site = site
        self._sensors = sensors
        self._timezone = ZoneInfo(site.timezone)
        self._clocks = Clocks() if clocks is None else clocks
        self._outlets = Outlets()
        self._inbox: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._levels: dict[str, bool] = {}
        self._zone_levels: dict[str, chronicle.Level] = {}
        self._was_down: WentDown | Interrupted | None = None
        self._oversize = 0
        self._settled = self._clocks.settled()
        now = self._clocks.monotonic()
        self._store = Store(journal, keep_days=site.journal.keep_days, now=now)
        self._taken = Taken(journal.packets(REPEATED))
        self._state, self._offset = self._restored(journal)
        self._said_at = -HEARTBEAT_S
        self._reread_at = now - REREAD_S

    @property
    def state(self) -> LotState:
        """The folded state."""
        return self._state

    def put(self, item: Item) -> None:
        """Take an input; returns at once."""
        self._inbox.put(item)

    def stop(self) -> None:
        """End ``run`` after what waits in the inbox now."""
        self._inbox.put(None)

    def run(self, outlets: Outlets) -> None:
        """Own the state until ``stop``."""
        self._outlets = outlets
        self._begin()
        running = True
        while running:
            running = self._turn()
        now = self._clocks.monotonic()
        for answer in self._store.close(self._state, self._clock(now), self._epoch(now)):
            answer()

    def _turn(self) -> bool:
        self._poll(self._clocks.monotonic())
        self._settled = self._clocks.settled()  # before the intake: what was handed over by then is in it
        items = self._take(self._patience(self._clocks.monotonic()))
        now = self._clocks.monotonic()
        before, troubled = self._state, self._store.trouble
        refusals = self._fold_batch([i for i in items if i is not None], now)
        changed = self._state is not before
        changed |= self._advance(now)
        self._look_at_the_clock(now)
        self._chronicle()
        answers = self._store.commit(self._state, self._clock(now), self._epoch(now))
        changed |= self._store.trouble is not troubled
        if changed or now - self._said_at >= HEARTBEAT_S:
            self._say()
        for answer in (*answers, *refusals):  # after the state: who was answered may look at once
            answer()
        self._outlets.progress()
        return None not in items

    def _patience(self, now: float) -> float:
        due = lot.next_due(self._state) - self._lot_now(now)
        soon = min(due, self._said_at + HEARTBEAT_S - now, self._reread_at + REREAD_S - now)
        return max(0.0, min(soon, self._clocks.patience_s))

    def _take(self, patience_s: float) -> list[Item | None]:
        items: list[Item | None] = []
        try:
            items.append(self._inbox.get(timeout=patience_s) if patience_s > 0 else self._inbox.get_nowait())
            while len(items) < BATCH:
                items.append(self._inbox.get_nowait())
        except queue.Empty:
            pass
        return items

    def _fold_batch(self, items: Iterable[Item], now: float) -> list[Answer]:
        """Fold what came; the store makes it durable. Return what tells of commands that can't be done."""
        refusals: list[Answer] = []
        for item in sorted(items, key=lambda i: i.monotonic):  # threads may hand over out of order
            # A message has no time of its own, and may not overtake a pin's.
            lot_time = self._lot_time if isinstance(item, _FromPins) else self._lot_now
            at = max(lot_time(min(item.monotonic, now)), self._state.at)
            match item:
                case PinLevel():
                    self._pin(item, at)
                case ChangesMissed():
                    self._fold(ChangesLost(item.detector, item.changes, at))
                case Unreadable():
                    self._unreadable(item, at)
                case MqttMessage():
                    self._message(item, at)
                case Command():
                    refusals += self._command(item, at)
        return refusals

    def _pin(self, item: PinLevel, at: float) -> None:
        if item.taken is not None:
            self._store.when_written(item.taken)
        if self._levels.get(item.detector) is item.occupied:
            return  # a re-read that found nothing new
        self._levels[item.detector] = item.occupied
        self._fold(DetectorChanged(item.detector, item.occupied, at))

    def _unreadable(self, item: Unreadable, at: float) -> None:
        self._levels.pop(item.detector, None)  # whatever is read next is news
        known = self._state.detectors.get(item.detector)
        if known is not None and known.fault is not FaultKind.UNREADABLE:
            self._fold(WentUnreadable(item.detector, at))

    def _message(self, item: MqttMessage, at: float) -> None:
        self._store.when_written(item.ack)
        if len(item.payload) > MAX_PAYLOAD:
            self._oversize += 1
            log.log(
                logging.WARNING if self._oversize == 1 else logging.DEBUG,
                "MQTT %s: a message of %d bytes is no sensor's; not taken",
                item.topic,
                len(item.payload),
            )
            return
        if self._taken.again(item):
            return
        events = self._sensors.translate(item.topic, item.payload, at, retained=item.retained)
        if item.retained and not events:
            return  # of unknown age: it may be neither believed now nor in a replay
        self._fold(Message(item.topic, item.payload, at), events, packet=item.packet)

    def _command(self, item: Command, at: float) -> list[Answer]:
        if (trouble := self._store.trouble) is not None:
            return [lambda: item.reply(f"{trouble.why}. Nothing was changed; ask again then")]
        try:
            event, audit = understood(item.fields, self._site.lot, self._state, at)
        except CommandError as error:
            why = str(error)
            return [lambda: item.reply(why)]
        self._store.when_written(lambda: item.reply(None))
        self._fold(event, audit=audit)
        return []

    def _fold(
        self,
        entry: Entry,
        events: Sequence[Event] | None = None,
        *,
        audit: Audit | None = None,
        packet: int | None = None,
    ) -> None:
        """Fold one journal entry: itself, or the events that it was translated to."""
        for event in [entry] if events is None else events:
            if not isinstance(event, Message):
                self._apply(event)
        self._store.take(Record(entry, self._clocks.wall(), audit, packet))

    def _apply(self, event: Event) -> None:
        before = self._state
        self._state = lot.apply(self._site.lot, before, event)
        self._store.found(self._state.passed)
        self._store.keep(chronicle.changes(self._site.lot, before, self._state, event))

    def _advance(self, now: float) -> bool:
        """Let time-outs happen; whether any did."""
        at = max(self._lot_now(now), self._state.at)
        due = lot.next_due(self._state) <= at
        self._apply(Tick(at))
        return due

    def _chronicle(self) -> None:
        """Keep how full the zones are, as often as the history wants it."""
        new = chronicle.levels(self._site.lot, self._state, self._zone_levels)
        self._zone_levels |= {level.zone: level for level in new}
        self._store.keep(new)

    def _poll(self, now: float) -> None:
        if now - self._reread_at >= REREAD_S:
            self._reread_at = now
            self._outlets.reread()

    def _look_at_the_clock(self, now: float) -> None:
        epoch = self._epoch(now)
        if self._state.epoch is None or abs(epoch - self._state.epoch) > CLOCK_STEP_S:
            self._fold(ClockSet(epoch, self._state.at))
        if (before := self._state.epoch_before) is not None and self._clocks.synchronised():
            away = epoch - before  # lot time stood still meanwhile
            if away < 0:
                log.warning("the wall clock is before the journal's last entry; taken to have been off for a day")
            self._fold(OutageTold(round(UNKNOWN_DOWN_S if away < 0 else away, 3), self._state.at))

    def _epoch(self, now: float) -> float:
        return self._clocks.wall() - self._lot_now(now)

    def _say(self) -> None:
        now = self._clocks.monotonic()
        self._said_at = now
        trouble = self._store.trouble
        unwritten = None if trouble is None else trouble.since
        envelope = {
            "type": "state",
            "sent": now,
            "ttl_s": TTL_S,
            "epoch": self._state.epoch,
            "version": __version__,
            "lot": _REPORT.dump_python(
                view.report(self._site.lot, self._state, unwritten, local=self._local()), mode="json"
            ),
            "inputs": {
                **self._outlets.inputs(),
                "sensors": self._sensors.report(),
                "stale": self._state.stale,
                "strange": self._state.strange,
                "oversize": self._oversize,
                "repeated": self._taken.repeated,
            },
            "journal": {
                **self._store.size(),
                "unrecorded": self._store.unrecorded,
                "trouble": None if trouble is None else trouble.why,
            },
        }
        for publish in self._outlets.publish:
            publish(envelope)

    def _local(self) -> Moment | None:
        """Return what time of the week it is at the site; None while the clock is not known to be right."""
        if not self._clocks.synchronised():
            return None
        return moment(self._clocks.wall(), self._timezone)

    def _restored(self, journal: Journal) -> tuple[LotState, float]:
        """Fold the newest snapshot and what came after it; return the state, and lot time less the monotonic clock."""
        spec = self._site.lot
        kept, tail = journal.restore()
        state = lot.initial(spec) if kept is None else lot.adapted(spec, kept)
        inputs = 0
        for inputs, entry in enumerate(tail, 1):  # noqa: B007  how many there were is used afterwards
            for event in translated(entry, self._sensors):
                state = lot.apply(spec, state, event)
                self._store.found(state.passed)
        self._store.restored(inputs)
        clock = journal.last_clock()
        if clock is not None and clock.t > state.at:
            state = lot.apply(spec, state, Tick(clock.t))
            self._store.found(state.passed)
        down_s = None if clock is None else self._off_for(clock, state.at)
        if clock is not None:
            self._was_down = Interrupted(state.at) if down_s is None else WentDown(round(down_s, 3), state.at)
        return state, state.at + (down_s or 0.0) - self._clocks.lot(min(self._clocks.monotonic(), self._settled))

    def _off_for(self, clock: Clock, at: float) -> float | None:
        """How long nobody watched, by whichever clock can tell; None: none can, yet."""
        if self._clocks.boot and clock.boot == self._clocks.boot:
            away = self._clocks.monotonic() - clock.monotonic
        elif clock.boot and self._clocks.boot and not self._clocks.synchronised():
            return None
        else:
            away = self._clocks.wall() - clock.wall
        away -= at - clock.t
        if away < 0:
            log.warning("the wall clock is before the journal's last entry; taken to have been off for a day")
            return UNKNOWN_DOWN_S
        return away

    def _begin(self) -> None:
        """Note in the journal what this start means for the count."""
        now = self._clocks.monotonic()
        if isinstance(self._was_down, Interrupted):
            log.info("the controller was off, and its clock can't tell yet for how long")
            self._fold(self._was_down)
        elif self._was_down is not None:
            known = self._state.detectors
            kept = tuple(sorted(self._outlets.kept & known.keys()))
            also = f"; the changes of {', '.join(kept)} were kept" if kept else ""
            log.info("the controller was off for %.1f s%s", self._was_down.seconds, also)
            self._fold(replace(self._was_down, kept=kept))
            self._catch_up({name: known[name] for name in kept})
            self._apply(Tick(max(self._lot_now(now), self._state.at)))
        self._remember_levels()
        self._fold(ClockSet(self._epoch(now), self._state.at))
        for answer in self._store.commit(self._state, self._clock(now), self._epoch(now)):
            answer()

    def _remember_levels(self) -> None:
        """Take the pins for what they were, if that is known: to read the same again is no change that was missed."""
        for name, known in self._state.detectors.items():
            last = known.occupied if known.settling is None else known.settling
            if last is not None and known.fault is not FaultKind.UNREADABLE:
                self._levels[name] = last

    def _catch_up(self, kept: Mapping[str, DetectorState]) -> None:
        """Fold what the pins kept while no process was there, each at its own time; the rest of the inbox waits."""
        for name, was in kept.items():
            last = was.occupied if was.settling is None else was.settling
            if last is not None and was.fault is not FaultKind.UNREADABLE:
                self._levels[name] = last  # all changes since are at hand: to read this level again would be no news
        changes: list[PinLevel | ChangesMissed] = []
        for item in self._all_waiting():
            if isinstance(item, PinLevel | ChangesMissed) and item.detector in kept:
                changes.append(item)
            else:
                self._inbox.put(item)
        for change in sorted(changes, key=lambda c: c.monotonic):
            at, before = self._lot_time(change.monotonic), kept[change.detector].heard_at
            if isinstance(change, ChangesMissed):
                self._fold(ChangesLost(change.detector, change.changes, max(at, self._state.at)))
            elif before is None or at > before + SAME_S:
                self._pin(change, max(at, self._state.at))
            elif change.taken is not None:
                self._store.when_written(change.taken)

    def _all_waiting(self) -> list[Item | None]:
        items: list[Item | None] = []
        with contextlib.suppress(queue.Empty):
            while True:
                items.append(self._inbox.get_nowait())
        return items

    def _lot_time(self, monotonic: float) -> float:
        """Lot time, to the microsecond as the journal keeps it: a restart folds the very same times."""
        return round(self._clocks.lot(monotonic) + self._offset, 6)

    def _lot_now(self, monotonic: float) -> float:
        """Lot time until which all inputs have come: how far time may move on without one."""
        return self._lot_time(min(monotonic, self._settled))

    def _clock(self, now: float) -> Clock:
        return Clock(self._lot_now(now), self._clocks.wall(), now, self._clocks.boot)


def translated(entry: Entry, sensors: Sensors) -> list[Event]:
    """Return the domain events of a journal or recording entry."""
    if isinstance(entry, Message):
        return [*sensors.translate(entry.topic, entry.payload, entry.at)]
    return [entry]
