"""A million malformed inputs: MQTT messages, recordings, site files and bodies for the API, made from good ones.

What comes in is taken or refused, and every one is in a counter: what was taken and what was refused is what was sent.
"Lost" is what is in no counter or was not acknowledged; "doubled", what is in two: of messages only, which the product
counts itself. Of the rest we count what it answered, so that nothing can be lost there, and those rows have a dash.
Anything else that escapes (a crash) ends the experiment with the input that did it.
"""

import asyncio
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from controller.api.accounts import Accounts, Role
from controller.api.server import WebConfig, create_app
from controller.inputs.mqtt import MqttMessage
from controller.inputs.sensors import Sensors
from controller.link import default_address
from controller.recording import RecordingError, read_line
from controller.salvage import open_journal
from controller.service import MAX_PAYLOAD
from controller.sign.frames import Ask, Frame, FrameError, read_ask, read_frame
from controller.site import SensorInput, SiteError, load
from controller.site_far import load_far
from torture.lot import SITE, Counting, Hands, written
from torture.power import ROOT
from torture.row import Row

DATA = ROOT / "tests" / "data" / "mqtt"
EXAMPLE = ROOT / "deploy" / "site.example.toml"
SHARES = {
    "messages": 0.8,
    "messages, into the journal": 0.05,
    "recordings": 0.07,
    "far signs' questions and frames": 0.05,
    "site files": 0.008,
    "far signs' files": 0.002,
    "API bodies": 0.02,
}
"""What part of all is which: a site file takes 1,000 times as long as a message."""
COUNTED = ("messages", "messages, into the journal")
"""Where the product's own counters say what became of each."""
FAR = b"""\
[mqtt]
host = "parking.local"
username = "sign-gate"
password_file = "word"

[[sign]]
name = "gate"
driver = "max7219"
width = 64
height = 16
arrows = "right"
"""
JUNK = (
    *(b"", b"\xff", b"\x00", b'"', b"{", b"}", b"[" * 2000, b"NaN", b"-Infinity", b"1e999", b"9" * 5000, b"null"),
    *(b"true", b"\xed\xa0\x80", "żółw".encode(), b"\\u0000", b"\\ud800", b",", b":", b"=", b"\n", b"-1", b"1970-01-01"),
)
RECORDED = (
    b'{"t": 1.0, "detector": "main.outer", "occupied": true}',
    b'{"t": 2.5, "bay": "B1", "occupied": false}',
    b'{"t": 3.0, "topic": "bays/B1", "payload": "1"}',
    b'{"t": 4.0, "correction": {"zone": "customers", "occupied": 7}}',
    b'{"t": 5.0, "closure": {"zone": "customers", "closed": true}}',
    b'{"t": 6.0, "override": {"sign": "entrance", "text": "Wjazd B", "until": 90.0}}',
    b'{"t": 7.0, "down": 12.0, "kept": ["main.outer"]}',
    b'{"t": 8.0, "epoch": 1795000000.0}',
)
BODIES = (
    ("/api/v1/zones/customers/correction", b'{"occupied": 37, "reason": "counted on foot"}'),
    ("/api/v1/zones/customers/closure", b'{"closed": true, "reason": "snow"}'),
    ("/api/v1/signs/entrance/message", '{"text": "Wjazd B: żółw", "minutes": 90, "reason": "works"}'.encode()),
)
Verdict = str
"""``accepted``, or how it was refused."""


def spoilt(chance: random.Random, good: bytes, others: Sequence[bytes]) -> bytes:
    """Return some bytes that once were good; one in ten still are."""
    data = bytearray(good)
    for _ in range(chance.choice((0, 1, 1, 1, 1, 2, 2, 3, 5, 8))):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice((0, 1, 2, 8, 40)))
        match chance.randrange(6):
            case 0:
                data[at:end] = chance.choice(JUNK)
            case 1:
                data[at:at] = data[at:end] * chance.choice((1, 2, 50))
            case 2:
                del data[at:end]
            case 3:
                data[at:end] = chance.randbytes(end - at)
            case 4:
                other = chance.choice(others)
                data[at:] = other[chance.randrange(len(other) + 1) :]
            case _:
                data[at:end] = str(chance.choice((0, -1, 2**31, 2**63, 1e308, 0.1, True, "1"))).encode()
    return bytes(data[: 2 * MAX_PAYLOAD])


def _samples() -> list[tuple[str, bytes, str]]:
    """Return good messages: format, payload, topic."""
    found = [("plain", b"occupied", "bays/A2"), ("esphome", b"ON", "gate/binary_sensor/outer/state")]
    found += [
        ("shelly-gen1", b"1", "shellies/one/input/0"),
        ("shelly-gen2", b'{"id":0,"state":true}', "g/status/input:0"),
    ]
    found.append(
        ("zigbee2mqtt/occupancy", b'{"occupancy":true,"battery":9,"last_seen":1684497600000}', "zigbee2mqtt/bay")
    )
    for line in (DATA / "envelopes.ndjson").read_text("utf-8").splitlines():
        case = json.loads(line)
        found.append((case["format"], json.dumps(case["message"]).encode(), f"app/{len(found)}/up"))
    for line in (DATA / "tasmota.ndjson").read_text("utf-8").splitlines():
        case = json.loads(line)
        found.append(("tasmota", case["payload"].encode(), f"{len(found)}/{case['topic']}"))
    return found


def _messages(number: int, chance: random.Random) -> Counter[Verdict]:
    """Let the decoders of all formats read them; one in fifty comes on a topic that is nobody's."""
    samples = _samples()
    payloads = [payload for _, payload, _ in samples]
    sensors = Sensors([SensorInput(topic, name, None, bay=f"B{n}") for n, (name, _, topic) in enumerate(samples)])
    for _ in range(number):
        _, payload, topic = chance.choice(samples)
        if chance.random() < 0.02:
            topic = spoilt(chance, topic.encode(), payloads).decode("utf-8", "replace")
        sensors.translate(topic, spoilt(chance, payload, payloads), 1.0, retained=chance.random() < 0.1)
    return _counted(sensors.report())


def _counted(told: dict[str, object]) -> Counter[Verdict]:
    """Return what the counters of a status page say."""
    unknown, malformed = told["unknown"], told["malformed"]
    assert isinstance(unknown, dict)
    assert isinstance(malformed, dict)
    taken = {name: int(str(told[name])) for name in ("accepted", "no_level", "retained_ignored")}
    refused = {"unknown": sum(unknown.values()), "malformed": sum(bad["count"] for bad in malformed.values())}
    return Counter(taken | refused)


def _journalled(number: int, chance: random.Random) -> Counter[Verdict]:
    """Let a service take them, with its journal: each must be acknowledged, once."""
    payloads, acknowledged = [b"1", b"0", b"occupied", *(payload for _, payload, _ in _samples()[:9])], 0

    def done() -> None:
        nonlocal acknowledged
        acknowledged += 1

    with tempfile.TemporaryDirectory() as name:
        counting = Counting(written(Path(name)), lambda: open_journal(Path(name) / "journal.sqlite"), Hands())
        try:
            for sent in range(number):
                topic = chance.choice(("bays/B1", "bays/B2", "lot/side/outer", "lot/side/inner"))
                payload = spoilt(chance, chance.choice(payloads), payloads)
                if chance.random() < 0.001:
                    payload = bytes(MAX_PAYLOAD + 1)
                counting.hands.advance(0.05)
                counting.service.put(MqttMessage(topic, payload, counting.hands.monotonic, False, done))
                if sent % 5000 == 0:
                    counting.settle()
            counting.settle()
            told = counting.said["inputs"]
        finally:
            counting.stop()
    assert acknowledged == number, f"{acknowledged} of {number} acknowledged"
    return _counted(told["sensors"]) + Counter(oversize=told["oversize"], repeated=told["repeated"])


def _each(number: int, make: Callable[[], bytes], read: Callable[[bytes], Verdict]) -> Counter[Verdict]:
    found: Counter[Verdict] = Counter()
    for _ in range(number):
        data = make()
        try:
            found[read(data)] += 1
        except BaseException as error:
            error.add_note(f"the input: {data[:2000]!r}")
            raise
    return found


def _recordings(number: int, chance: random.Random) -> Counter[Verdict]:
    def read(data: bytes) -> Verdict:
        try:
            read_line(data.decode("utf-8", "surrogateescape"))
        except RecordingError:
            return "malformed"
        return "accepted"

    return _each(number, lambda: spoilt(chance, chance.choice(RECORDED), RECORDED), read)


def _frames(number: int, chance: random.Random) -> Counter[Verdict]:
    """Let both ends of a sign on another machine read what comes over MQTT."""
    ask = Ask("5f2c9e01b7a4d386", "no SPI").payload().encode()
    frame = Frame("5f2c9e01b7a4d386", 17, 2.64, (16, 8), 8, "00ff" * 8).payload().encode()

    def read(data: bytes) -> Verdict:
        found = "malformed"
        with suppress(FrameError):
            read_ask(data).payload().encode()  # what it says must go on into logs and files
            found = "accepted"
        with suppress(FrameError):
            read_frame(data, (16, 8)).payload().encode()
            found = "accepted"
        return found

    return _each(number, lambda: spoilt(chance, chance.choice((ask, frame)), (ask, frame)), read)


def _far_files(number: int, chance: random.Random) -> Counter[Verdict]:
    return _files(number, chance, (FAR,), load_far)


def _site_files(number: int, chance: random.Random) -> Counter[Verdict]:
    return _files(number, chance, (EXAMPLE.read_bytes(), SITE.encode()), load)


def _files(
    number: int, chance: random.Random, goods: Sequence[bytes], loader: Callable[[Path], object]
) -> Counter[Verdict]:
    lines = [line for good in goods for line in good.splitlines(keepends=True)]
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "site.toml"

        def read(data: bytes) -> Verdict:
            path.write_bytes(data)
            try:
                loader(path)
            except SiteError:
                return "malformed"
            return "accepted"

        return _each(number, lambda: spoilt(chance, chance.choice(goods), lines), read)


def _bodies(number: int, chance: random.Random) -> Counter[Verdict]:
    """Send them to the API, whose counting process is away: what is well-formed is answered with 503."""
    goods = [body for _, body in BODIES]

    async def sent(folder: Path) -> Counter[Verdict]:
        with Accounts(folder) as accounts:
            token = accounts.make_token("fuzz", Role.MANAGER, time.time())
        site = written(folder)
        app = create_app(WebConfig(site, default_address(folder), folder, folder, folder))
        found: Counter[Verdict] = Counter()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://lot", headers=headers) as client,
        ):
            for _ in range(number):
                path, good = chance.choice(BODIES)
                body = spoilt(chance, good, goods)
                answer = await client.post(path, content=body)
                assert answer.status_code in {422, 503} or 400 <= answer.status_code < 500, (body, answer.text)
                found["accepted" if answer.status_code == 503 else "malformed"] += 1
        return found

    with tempfile.TemporaryDirectory() as name:
        return asyncio.run(sent(Path(name)))


PARTS: dict[str, Callable[[int, random.Random], Counter[Verdict]]] = {
    "messages": _messages,
    "messages, into the journal": _journalled,
    "recordings": _recordings,
    "far signs' questions and frames": _frames,
    "site files": _site_files,
    "far signs' files": _far_files,
    "API bodies": _bodies,
}


def run(inputs: int, seed: int) -> list[Row]:
    """Spoil and send so many in all."""
    rows = []
    for name, part in PARTS.items():
        number = max(20, round(inputs * SHARES[name]))
        found = part(number, random.Random(f"{seed} {name}"))
        total = found.total()
        said = ", ".join(f"{count:,} {verdict}" for verdict, count in found.most_common())
        note = f"seed {seed}; {said}"
        counted = name in COUNTED
        lost, doubled = (max(0, number - total), max(0, total - number)) if counted else (None, None)
        rows.append(Row(f"malformed: {name}", number, lost, doubled, note=note))
    return rows
