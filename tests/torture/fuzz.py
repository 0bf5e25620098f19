"""A million malformed inputs: MQTT messages, recordings, site files and bodies for the API, made from good ones.

What comes in is taken or refused, and every one is in a counter of the product: what was taken and what was refused is
what was sent. "Lost" is what is in no counter or was not acknowledged; "doubled", what is in two. The counters: of
messages, those of the status page; of recordings, what ``replay --lenient`` tells; of files, the last line of
``check``; of bodies, ``parking_http_requests_total``; of far signs, what they log when they end. Anything else that
escapes (a crash) ends the experiment with the input that did it.
"""

import asyncio
import json
import logging
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from paho.mqtt.client import MQTTMessage
from prometheus_client.parser import text_string_to_metric_families

from controller.api.accounts import Accounts, Role
from controller.api.server import WebConfig, create_app
from controller.inputs.mqtt import MqttMessage
from controller.inputs.sensors import Sensors
from controller.link import default_address
from controller.recording import Reader
from controller.salvage import open_journal
from controller.service import HEARTBEAT_S, MAX_PAYLOAD
from controller.sign.elsewhere import Elsewhere
from controller.sign.far import FarSign
from controller.sign.frames import Ask, Asker, Frame
from controller.sign.panel import Emulator
from controller.site import MqttSpec, PanelSpec, SensorInput
from torture.lot import SITE, Counting, Hands, written
from torture.power import ROOT
from torture.row import Row

DATA = ROOT / "tests" / "data" / "mqtt"
EXAMPLE = ROOT / "deploy" / "site.example.toml"
SHARES = {
    "messages": 0.8,
    "messages, into the journal": 0.05,
    "recordings": 0.07,
    "far signs' questions": 0.025,
    "far signs' frames": 0.025,
    "site files": 0.008,
    "far signs' files": 0.002,
    "API bodies": 0.02,
}
"""What part of all is which: a site file takes 1,000 times as long as a message."""
LINES = 20
"""Of a recording: one with a time in the far future makes all after it late."""
FILES = 500
"""Checked by one process."""
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
Found = tuple[int, Counter[Verdict]]
"""How many were sent, and what the product counted."""


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


def _messages(number: int, chance: random.Random) -> Found:
    """Let the decoders of all formats read them; one in fifty comes on a topic that is nobody's."""
    samples = _samples()
    payloads = [payload for _, payload, _ in samples]
    sensors = Sensors([SensorInput(topic, name, None, bay=f"B{n}") for n, (name, _, topic) in enumerate(samples)])
    for _ in range(number):
        _, payload, topic = chance.choice(samples)
        if chance.random() < 0.02:
            topic = spoilt(chance, topic.encode(), payloads).decode("utf-8", "replace")
        sensors.translate(topic, spoilt(chance, payload, payloads), 1.0, retained=chance.random() < 0.1)
    return number, _counted(sensors.report())


def _counted(told: dict[str, object]) -> Counter[Verdict]:
    """Return what the counters of a status page say."""
    unknown, malformed = told["unknown"], told["malformed"]
    assert isinstance(unknown, dict)
    assert isinstance(malformed, dict)
    taken = {name: int(str(told[name])) for name in ("accepted", "no_level", "retained_ignored")}
    refused = {"unknown": sum(unknown.values()), "malformed": sum(bad["count"] for bad in malformed.values())}
    return Counter(taken | refused)


def _journalled(number: int, chance: random.Random) -> Found:
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
            counting.hands.advance(HEARTBEAT_S)  # what changes nothing but a count of inputs is told at the next beat
            counting.settle()
            told = counting.said["inputs"]
        finally:
            counting.stop()
    assert acknowledged == number, f"{acknowledged} of {number} acknowledged"
    return number, _counted(told["sensors"]) + Counter(oversize=told["oversize"], repeated=told["repeated"])


@contextmanager
def _with(data: bytes) -> Iterator[None]:
    """Name the input that made something escape."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"the input: {data[:2000]!r}")
        raise


def _recordings(number: int, chance: random.Random) -> Found:
    sent, found = 0, Counter[Verdict]()
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "recording.jsonl"
        while sent < number:
            lines = [RECORDED[0], *(spoilt(chance, chance.choice(RECORDED), RECORDED) for _ in range(LINES - 1))]
            data = b"\n".join(lines)
            path.write_bytes(data)
            reader = Reader(path, lenient=True)
            with _with(data):
                for _ in reader:
                    pass
            sent += data.count(b"\n") + (not data.endswith(b"\n"))  # some have more than one line in them
            found += Counter(accepted=reader.read, malformed=reader.bad, empty=reader.empty)
    return sent, found


def _questions(number: int, chance: random.Random) -> Found:
    """Let the controller's end of a sign on another machine read what comes over MQTT; its broker is away."""
    good = Ask("5f2c9e01b7a4d386", "no SPI").payload().encode()
    spec = PanelSpec("gate", "mqtt", 16, 8, broker=MqttSpec(host="127.0.0.1", port=1))
    told = logging.getLogger("controller.broker")
    told.addFilter(_quiet)  # that nobody answers is no news here
    gate = Elsewhere(spec)
    try:
        take = gate._client.on_message  # noqa: SLF001  as paho calls it
        assert take is not None
        for _ in range(number):
            message = MQTTMessage(topic=b"parking/_signs/gate/ask")
            message.payload = spoilt(chance, good, (good,))
            message.retain = chance.random() < 0.01
            with _with(message.payload):
                take(gate._client, None, message)  # noqa: SLF001
    finally:
        gate.close()
        told.removeFilter(_quiet)
    return number, Counter(accepted=gate.asked, malformed=gate.malformed)


def _quiet(_record: logging.LogRecord) -> bool:
    return False


def _frames(number: int, chance: random.Random) -> Found:
    """Let the far end read what comes over MQTT: each answers a question that it has just asked, if it still does."""
    asked = "5f2c9e01b7a4d386"
    good = Frame(asked, 17, 2.64, (16, 8), 8, "00ff" * 8).payload().encode()
    sign = FarSign(Emulator(PanelSpec("gate", "emulator", 16, 8)), Asker((16, 8), lambda: asked))
    for second in range(number):
        data = spoilt(chance, good, (good,))
        with _with(data):
            sign.ask(float(second))
            sign.hear(data, float(second))
    sign.close()
    return number, Counter(accepted=sign.taken, malformed=sign.ignored)


def _far_files(number: int, chance: random.Random) -> Found:
    return _files(number, chance, (FAR,))


def _site_files(number: int, chance: random.Random) -> Found:
    return _files(number, chance, (EXAMPLE.read_bytes(), SITE.encode()))


def _files(number: int, chance: random.Random, goods: Sequence[bytes]) -> Found:
    lines = [line for good in goods for line in good.splitlines(keepends=True)]
    found = Counter[Verdict]()
    with tempfile.TemporaryDirectory() as name:
        paths = [Path(name) / f"{n}.toml" for n in range(FILES)]
        for left in range(number, 0, -FILES):
            these = paths[:left]
            for path in these:
                path.write_bytes(spoilt(chance, chance.choice(goods), lines))
            found += _checked(these)
    return number, found


def _checked(paths: Sequence[Path]) -> Counter[Verdict]:
    """Let ``check`` judge these; one that it can't judge is named."""
    argv = [sys.executable, "-m", "controller", "check", *map(str, paths)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, encoding="utf-8", errors="replace", check=False)
    last = re.search(r"^\d+ files?: (\d+) good, (\d+) refused\.$", done.stdout, re.MULTILINE)
    if last is None or done.returncode not in {0, 2}:
        judged = sum(f"{path}: " in done.stdout + done.stderr for path in paths)
        with _with(paths[judged].read_bytes()):
            raise AssertionError(f"check ended with {done.returncode}: {done.stderr[-2000:]}")
    assert (done.returncode == 2) is (last[2] != "0"), done.returncode
    return Counter(accepted=int(last[1]), malformed=int(last[2]))


def _bodies(number: int, chance: random.Random) -> Found:
    """Send them to the API, whose counting process is away: what is well-formed is answered with 503."""
    goods = [body for _, body in BODIES]

    async def sent(folder: Path) -> Counter[Verdict]:
        with Accounts(folder) as accounts:
            token = accounts.make_token("fuzz", Role.MANAGER, time.time())
        site = written(folder)
        app = create_app(WebConfig(site, default_address(folder), folder, folder, folder))
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://lot", headers=headers) as client,
        ):
            for _ in range(number):
                path, good = chance.choice(BODIES)
                body = spoilt(chance, good, goods)
                with _with(body):
                    answer = await client.post(path, content=body)
                    assert answer.status_code == 503 or 400 <= answer.status_code < 500, answer.text
            return _answered((await client.get("/metrics")).text)

    with tempfile.TemporaryDirectory() as name:
        return number, asyncio.run(sent(Path(name)))


def _answered(metrics: str) -> Counter[Verdict]:
    """Return what Prometheus is told became of the POSTs."""
    found = Counter[Verdict]()
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples:
            if sample.name == "parking_http_requests_total" and sample.labels["method"] == "POST":
                found["accepted" if sample.labels["code"] == "503" else "malformed"] += int(sample.value)
    return found


PARTS: dict[str, Callable[[int, random.Random], Found]] = {
    "messages": _messages,
    "messages, into the journal": _journalled,
    "recordings": _recordings,
    "far signs' questions": _questions,
    "far signs' frames": _frames,
    "site files": _site_files,
    "far signs' files": _far_files,
    "API bodies": _bodies,
}


def run(inputs: int, seed: int) -> list[Row]:
    """Spoil and send so many in all."""
    rows = []
    for name, part in PARTS.items():
        number = max(20, round(inputs * SHARES[name]))
        sent, found = part(number, random.Random(f"{seed} {name}"))
        total = found.total()
        said = ", ".join(f"{count:,} {verdict}" for verdict, count in found.most_common())
        note = f"seed {seed}; {said}"
        rows.append(Row(f"malformed: {name}", sent, max(0, sent - total), max(0, total - sent), note=note))
    return rows
