"""What is said to a sign elsewhere: nothing old lights it, whatever happens to messages on their way."""

import contextlib
import dataclasses
import itertools
import json
import math
import queue
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from PIL import Image
from sign_envelopes import Clock

from controller.link import TTL_S
from controller.sign import far, readback
from controller.sign.elsewhere import Elsewhere
from controller.sign.far import FarSign
from controller.sign.frames import ASK_EVERY_S, Ask, Asker, Frame, FrameError, read_ask, read_frame, rows
from controller.sign.layout import preview
from controller.sign.panel import Emulator, PanelError, Unreachable
from controller.site import MqttSpec, PanelSpec

SIZE = (64, 16)
SPEC = PanelSpec("gate", "emulator", *SIZE)


def frame(ask: str, seq: int = 1, text: str = "12", valid_for_s: float = 3.0) -> Frame:
    return Frame(ask, seq, valid_for_s, SIZE, 8, rows(preview(text, *SIZE)))


def answer(ask: Ask, seq: int = 1, text: str = "12", valid_for_s: float = 3.0) -> bytes:
    return frame(ask.number, seq, text, valid_for_s).payload().encode()


class Gate:
    """A sign with an emulated panel, and its clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.panel = Emulator(SPEC)
        self.sign = FarSign(self.panel, Asker(SIZE))

    def ask(self) -> Ask:
        return self.sign.ask(self.clock.now)

    def hear(self, payload: bytes) -> None:
        self.sign.hear(payload, self.clock.now)

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds
        self.sign.beat(self.clock.now)

    @property
    def lit(self) -> bool:
        return self.panel.image is not None


def test_what_answers_is_shown_for_as_long_as_it_holds_from_the_question_on() -> None:
    gate = Gate()
    ask = gate.ask()
    gate.wait(1.0)  # on its way for a second
    gate.hear(answer(ask, valid_for_s=2.5))
    assert gate.lit
    assert gate.panel.brightness == 8
    assert gate.panel.image == preview("12", *SIZE)
    gate.wait(1.5)
    assert gate.lit
    gate.wait(0.1)
    assert not gate.lit


def test_nothing_is_believed_for_longer_than_the_time_to_live() -> None:
    gate = Gate()
    gate.hear(answer(gate.ask(), valid_for_s=1e6))
    gate.wait(TTL_S)
    assert gate.lit
    gate.wait(0.1)
    assert not gate.lit


def test_a_change_is_shown_though_nobody_asked_anew_and_an_older_picture_never_again() -> None:
    gate = Gate()
    ask = gate.ask()
    first, second = answer(ask, 1, "12"), answer(ask, 2, "11")
    gate.hear(first)
    gate.hear(second)
    gate.hear(first)
    assert gate.panel.image == preview("11", *SIZE)
    gate.wait(ASK_EVERY_S)
    gate.hear(answer(gate.ask(), 1, "10"))  # whoever answers has begun anew
    gate.hear(answer(ask, 3, "11"))  # and this one was slow
    assert gate.panel.image == preview("10", *SIZE)
    assert gate.sign.ignored == 2


def test_an_old_frame_lights_nothing() -> None:
    gate = Gate()
    recorded = answer(gate.ask())
    gate.hear(answer(Ask("5f2c9e01b7a4d386")))  # retained from another day
    assert not gate.lit
    gate.wait(TTL_S + 0.1)
    gate.hear(recorded)
    assert not gate.lit
    gate.ask()
    gate.hear(recorded)
    assert not gate.lit
    assert gate.sign.ignored == 3


def test_told_to_be_dark_it_is_so_at_once() -> None:
    gate = Gate()
    ask = gate.ask()
    gate.hear(answer(ask))
    gate.hear(dataclasses.replace(frame(ask.number, 2), rows=None).payload().encode())
    assert not gate.lit
    assert gate.sign.ignored == 0


def test_what_is_wrong_with_its_panel_is_said_with_the_next_question() -> None:
    class Broken(Emulator):
        def show(self, image: Image.Image, until: float = math.inf) -> None:
            del image, until
            raise PanelError("no SPI")

    sign = FarSign(Broken(SPEC), Asker(SIZE))
    assert sign.ask(0.0).trouble is None
    sign.hear(answer(sign.ask(0.0)), 0.0)
    asked = read_ask(sign.ask(1.0).payload().encode())
    assert asked.trouble == "no SPI"


GOOD = json.loads(frame("ab").payload())


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "100000 bytes are too many"),
        (b"[]", "no JSON object but list"),
        (b"{}", "no frame: KeyError"),
        (json.dumps({**GOOD, "width": 32}).encode(), "the frame is for 32x16 LEDs, and this panel has 64x16"),
        (json.dumps({**GOOD, "rows": "ff"}).encode(), "rows have 8 LEDs, not 1024"),
        (json.dumps({**GOOD, "rows": "x" * 256}).encode(), "no frame: ValueError"),
        (json.dumps({**GOOD, "rows": 5}).encode(), "no frame: TypeError"),
        (json.dumps({**GOOD, "valid_for_s": math.nan}).encode(), "valid_for_s nan"),
        (json.dumps({**GOOD, "valid_for_s": math.inf}).encode(), "valid_for_s inf"),
        (json.dumps({**GOOD, "valid_for_s": 10**400}).encode(), "no frame: OverflowError"),
        (json.dumps({**GOOD, "valid_for_s": None}).encode(), "no frame: TypeError"),
        (json.dumps({**GOOD, "seq": True}).encode(), "True is no whole number"),
        (json.dumps({**GOOD, "brightness": 16}).encode(), "brightness 16 is out of range"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_frame_is_named_and_changes_nothing(payload: bytes, why: str) -> None:
    with pytest.raises(FrameError, match=why):
        read_frame(payload, SIZE)
    gate = Gate()
    gate.hear(payload)
    assert (gate.lit, gate.sign.ignored) == (False, 1)


TEXTS = st.text() | st.text("a\ud800\udfff\0", min_size=1)  # hypothesis leaves lone surrogates out by itself
SCALARS = st.none() | st.booleans() | st.floats() | st.integers() | st.just(10**400) | TEXTS
VALUES = SCALARS | st.lists(SCALARS, max_size=3)
SPOILT = st.dictionaries(st.sampled_from(list(GOOD)), VALUES, max_size=3).map(lambda bad: {**GOOD, **bad})
ASKS = st.fixed_dictionaries({"ask": st.just("ab") | VALUES, "trouble": VALUES})


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Elsewhere]:
    panel = Elsewhere(dataclasses.replace(SPEC, broker=MqttSpec("127.0.0.1", 1, client_id="nobody")))
    yield panel
    panel.close()


@given(st.binary(max_size=200) | (SPOILT | ASKS | VALUES).map(lambda told: json.dumps(told).encode()))
@example(json.dumps({**GOOD, "valid_for_s": 10**400}).encode())
@example(json.dumps({"ask": "ab\ud800", "trouble": "\ud800"}).encode())
def test_no_bytes_do_harm(elsewhere: Elsewhere, tmp_path_factory: pytest.TempPathFactory, payload: bytes) -> None:
    with contextlib.suppress(FrameError):
        read_frame(payload, SIZE).payload().encode()
    gate = Gate()
    gate.sign = FarSign(gate.panel, Asker(SIZE, lambda: "ab"))
    gate.ask()
    gate.hear(payload)
    message = MQTTMessage(topic=b"parking/_signs/gate/ask")
    message.payload = payload
    elsewhere._asked(elsewhere._client, None, message)  # noqa: SLF001  as paho's thread does
    with contextlib.suppress(FrameError):
        read_ask(payload).payload().encode()
    why = None
    try:
        elsewhere.show(preview("12", *SIZE))
    except Unreachable as error:
        why = str(error)
    shown = readback.Shown("gate", "mqtt", *SIZE, ("00" * 8,) * 16, False, None, why, 0.0, 0.0)
    folder = tmp_path_factory.getbasetemp()
    readback.write(folder, shown)
    assert readback.read(folder, "gate") == shown


def test_a_reason_from_anywhere_can_be_read_back(tmp_path: Path) -> None:
    shown = readback.Shown("gate", "mqtt", 8, 8, ("00",) * 8, False, None, "\ud800", 0.0, 0.0)
    readback.write(tmp_path, shown)
    assert readback.read(tmp_path, "gate") == shown


@pytest.mark.parametrize("retained", [True, False])
def test_a_retained_frame_is_not_even_looked_at(*, retained: bool) -> None:
    heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
    message = MQTTMessage(topic=b"parking/_signs/gate/frame")
    message.payload, message.retain = b"{}", retained
    far.taker(heard)(Client(CallbackAPIVersion.VERSION2), None, message)
    assert heard.empty() is retained


class Faulty(Emulator):
    """A panel whose driver stumbles over a picture, and still shows the last one."""

    def show(self, image: Image.Image, until: float = math.inf) -> None:
        if self.image is not None:
            raise ValueError("a fault that is not the hardware's")
        super().show(image, until)


def test_a_fault_of_a_driver_darkens_what_it_showed() -> None:
    panel = Faulty(SPEC)
    sign = FarSign(panel, Asker(SIZE))
    ask = sign.ask(0.0)
    panel.show(preview("11", *SIZE))
    sign.hear(answer(ask, 1, "12"), 0.0)
    assert panel.image is None
    assert "not the hardware's" in (sign.ask(0.0).trouble or "")


Fate = tuple[float, float, bool, bool]
"""How long (s) a question is on its way, and its answer; whether either is lost, and whether the answer comes twice."""


def deliveries(fates: list[Fate], stopped_at: float, pictures: list[int]) -> list[tuple[float, bytes]]:
    """Return what reaches the sign, and when (empty: it asks). The count speaks each second until it stops."""
    found = []
    for number, (there_s, back_s, lost, twice) in enumerate(fates):
        asked_at = number * ASK_EVERY_S
        found.append((asked_at, b""))
        heard_at = asked_at + there_s
        left = min(math.floor(heard_at), stopped_at) + TTL_S - heard_at
        if left > 0 and not lost:
            text = str(pictures[int(min(heard_at, stopped_at))])
            sent = frame(str(number), number + 1, text, left).payload().encode()
            found += [(heard_at + back_s * (1 + again), sent) for again in range(1 + twice)]
    return sorted(found)


@given(
    fates=st.lists(st.tuples(st.floats(0, 8), st.floats(0, 8), st.booleans(), st.booleans()), min_size=40, max_size=40),
    stopped_at=st.floats(2, 12),
    pictures=st.lists(st.integers(0, 3), min_size=20, max_size=20),
)
def test_whatever_the_way_does_to_messages_a_sign_shows_only_what_was_so_within_the_time_to_live(
    fates: list[Fate], stopped_at: float, pictures: list[int]
) -> None:
    """Messages are late, lost, doubled and overtake one another."""
    questions = map(str, itertools.count())
    gate = Gate()
    gate.sign = FarSign(gate.panel, Asker(SIZE, lambda: next(questions)))
    for at, payload in deliveries(fates, stopped_at, pictures):
        gate.clock.now = at
        gate.sign.beat(at)
        if payload:
            gate.hear(payload)
        else:
            gate.ask()
        if gate.panel.image is not None:
            assert at <= stopped_at + TTL_S
            first, last = (int(min(max(moment, 0.0), stopped_at)) for moment in (at - TTL_S, at))
            assert gate.panel.image in [preview(str(n), *SIZE) for n in pictures[first : last + 1]]
