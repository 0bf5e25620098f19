"""Messages that come one to five times, out of order, across restarts; and those that lay at a broker for days.

Virtual time. Bays speak in LoRaWAN uplinks, which carry a counter and a time; a lane's node speaks in plain levels.
"""

import base64
import json
import random
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from controller.inputs.mqtt import MqttMessage
from controller.salvage import open_journal
from controller.site import Site
from torture.lot import BEFORE, STEPS, Counting, Hands, written
from torture.row import Row

BAYS = 20
BAY = """
[[bay]]
name = "L{number}"
zone = "deck"
mqtt = "application/1/device/{number}/event/up"
format = "chirpstack-v4/bosch-pls"
"""
MORE = f'\n[[zone]]\nname = "deck"\ncapacity = {BAYS}\n' + "".join(BAY.format(number=n) for n in range(BAYS))


def uplink(counter: int, wall: float, *, occupied: bool) -> bytes:
    """Return what ChirpStack publishes of a Bosch sensor's frame."""
    return json.dumps(
        {
            "time": datetime.fromtimestamp(wall, UTC).isoformat(),
            "fCnt": counter,
            "fPort": 1,
            "data": base64.b64encode(bytes([occupied])).decode(),
        }
    ).encode()


def _begun(folder: Path, site: Site, hands: Hands) -> Counting:
    return Counting(site, lambda: open_journal(folder / "journal.sqlite"), hands)


def run(rounds: int, seed: int) -> Row:
    """Let every bay change so many times, and as many cars pass the lane of plain levels."""
    chance, hands = random.Random(seed), Hands()
    wrong = sent = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = written(folder, MORE)
        counting = _begun(folder, site, hands)
        last: dict[int, bool] = {}
        waiting: list[tuple[float, int, bytes]] = []
        for counter in range(rounds):
            for number in range(BAYS):
                last[number] = chance.random() < 0.5
                payload = uplink(counter, hands.wall, occupied=last[number])
                copies = [
                    (hands.monotonic + chance.uniform(0, 300), number, payload) for _ in range(chance.randint(1, 5))
                ]
                waiting += copies
                sent += len(copies)
            for loop, occupied, then_s in STEPS:
                for _ in range(chance.randint(1, 5)):
                    sent += 1
                    message = MqttMessage(
                        f"lot/side/{loop}", b"01"[occupied : occupied + 1], hands.monotonic, False, _done
                    )
                    counting.service.put(message)
                    hands.advance(0.01)
                counting.settle()
                hands.advance(then_s)
            hands.advance(60.0)
            waiting = _delivered(counting, sorted(waiting), hands.monotonic)
            if chance.random() < 0.2:
                counting.stop()
                hands.advance(1.0)
                counting = _begun(folder, site, hands)
        hands.advance(400.0)
        _delivered(counting, sorted(waiting), hands.monotonic)
        counting.settle()
        state = counting.service.state
        wrong = sum(state.bays[f"L{number}"].occupied is not last[number] for number in range(BAYS))
        passed = counting.counted - BEFORE - rounds
        counting.stop()
    note = f"seed {seed}; {rounds} cars, {BAYS} bays; wrong at the end: {wrong} bays"
    return Row("messages x1-5, late and out of order", sent, wrong + max(0, -passed), max(0, passed), note=note)


def _done() -> None:
    pass


def _delivered(
    counting: Counting, waiting: list[tuple[float, int, bytes]], now: float
) -> list[tuple[float, int, bytes]]:
    """Put the messages whose time has come; return the others."""
    for due, number, payload in waiting:
        if due <= now:
            topic = f"application/1/device/{number}/event/up"
            counting.service.put(MqttMessage(topic, payload, counting.hands.monotonic, False, _done))
    counting.settle()
    return [message for message in waiting if message[0] > now]


def stale() -> Row:
    """Broker and sensors died together; the broker comes back, and tells what it kept."""
    hands, believed = Hands(), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        counting = _begun(folder, written(folder, MORE), hands)
        for number in range(BAYS):
            wall = hands.wall - 86_400.0 * (2 + number)
            payload = uplink(number, wall, occupied=False)
            topic = f"application/1/device/{number}/event/up"
            counting.service.put(MqttMessage(topic, payload, hands.monotonic, True, _done))
        for topic in ("bays/B1", "bays/B2"):
            counting.service.put(MqttMessage(topic, b"0", hands.monotonic, True, _done))
        counting.settle()
        believed = sum(bay.occupied is not None for bay in counting.service.state.bays.values())
        counting.settle()
        zones = {zone["name"]: zone for zone in counting.said["lot"]["zones"]}
        believed += sum(zones[name]["free"] is not None for name in ("deck", "disabled"))
        counting.stop()
    return Row("stale is not live: retained values after both died", BAYS + 2, believed, 0, note="believed: 0 wanted")
