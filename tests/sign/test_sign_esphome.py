"""The ESPHome node's own rules, compiled here, do what ``frames.Asker`` does."""

import ctypes
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fixtures_site import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.sign.frames import Asker, Frame, FrameError, ask_topic, frame_topic, rows
from controller.sign.layout import preview

NODE = ROOT / "firmware_config" / "esphome" / "matrix-sign.yaml"
SIZE = (64, 16)

GLUE = """
#include "sign_frames.h"
void begin(int w, int h) { sign_begin(sign_here(), w, h); }
const char *ask(uint32_t now, uint32_t a, uint32_t b) { return sign_ask(sign_here(), now, a, b); }
int lit(uint32_t now) { return sign_is_lit(sign_here(), now); }
int pixel(int x, int y) { return sign_pixel(sign_here(), x, y); }
int hear(uint32_t now, const char *number, uint32_t seq, float valid, int w, int h, int bright, const char *rows) {
  return sign_hear(sign_here(), now, number, seq, valid, w, h, bright, rows);
}
"""


class Node:
    """The header's functions; ``now`` in ms, and wrapping as an ESP32's clock does."""

    def __init__(self, library: ctypes.CDLL, start: int) -> None:
        self._library, self._start = library, start
        library.begin(*SIZE)

    def _now(self, ms: int) -> ctypes.c_uint32:
        return ctypes.c_uint32(self._start + ms)

    def ask(self, ms: int, number: int) -> str:
        self._library.ask.restype = ctypes.c_char_p
        told: bytes = self._library.ask(self._now(ms), ctypes.c_uint32(number >> 32), ctypes.c_uint32(number))
        return told.decode()

    def hear(self, ms: int, frame: Frame) -> bool:
        return bool(
            self._library.hear(
                self._now(ms),
                frame.ask.encode(),
                ctypes.c_uint32(frame.seq),
                ctypes.c_float(frame.valid_for_s),
                *frame.size,
                frame.brightness,
                None if frame.rows is None else frame.rows.encode(),
            )
        )

    def picture(self, ms: int) -> str | None:
        if not self._library.lit(self._now(ms)):
            return None
        width, height = SIZE
        bits = "".join(str(self._library.pixel(x, y)) for y in range(height) for x in range(width))
        return int(bits, 2).to_bytes(width * height // 8, "big").hex()


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ctypes.CDLL]:
    folder = tmp_path_factory.mktemp("node")
    (folder / "glue.c").write_text(GLUE)
    flags = ("-std=c11", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
    command = ["gcc", *flags, "-shared", "-fPIC", f"-I{NODE.parent}", "-o", "node.so", "glue.c"]
    subprocess.run(command, cwd=folder, check=True)
    return ctypes.CDLL(str(folder / "node.so"))


PICTURES = [rows(preview(text, *SIZE)) for text in ("0", "17", "P")]

STEPS = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.just("ask"), st.integers(0, 2**64 - 1)),
    st.tuples(
        st.just("hear"),
        st.tuples(
            st.integers(0, 12),  # which of the last questions it answers; 12: none
            st.integers(0, 4),
            st.sampled_from([0.0, 0.25, 1.0, 2.75, 3.0, 50.0]),
            st.sampled_from([None, *PICTURES, "ff", "zz" * 128]),
            st.sampled_from([SIZE, (32, 16)]),
            st.sampled_from([0, 15, 16, -1]),
        ),
    ),
)


@settings(max_examples=300)
@given(start=st.sampled_from([0, 2**32 - 5000]), steps=st.lists(STEPS, max_size=60))
def test_a_node_believes_what_a_pi_believes(library: ctypes.CDLL, start: int, steps: list[tuple[str, object]]) -> None:
    node, numbers = Node(library, start), list[str]()
    pi = Asker(SIZE, lambda: numbers[-1])
    ms, shown, until = 3, None, -1.0
    for what, argument in steps:
        if what == "wait" and isinstance(argument, int):
            ms += argument * 100 + 1  # no answer ends on such a time
        elif what == "ask" and isinstance(argument, int):
            ms += 501
            numbers.append(node.ask(ms, argument))
            assert numbers[-1] == f"{argument:016x}"
            pi.ask(ms / 1000)
        elif isinstance(argument, tuple):
            which, seq, valid_for_s, picture, size, brightness = argument
            asked = numbers[-1 - which] if which < len(numbers) else "0123"
            frame = Frame(asked, seq, valid_for_s, size, brightness, picture)
            try:
                told, until_told = pi.hear(frame.payload().encode(), ms / 1000)
            except FrameError:
                assert not node.hear(ms, frame)
            else:
                assert node.hear(ms, frame)
                shown, until = told.rows, until_told
        assert node.picture(ms) == (shown if ms / 1000 <= until else None)


def test_a_clock_that_wraps_revives_nothing(library: ctypes.CDLL) -> None:
    node = Node(library, 0)
    frame = Frame(node.ask(0, 7), 1, 3.0, SIZE, 8, PICTURES[0])
    assert node.hear(10, frame)
    assert node.picture(3000) == PICTURES[0]
    assert node.picture(3001) is None
    assert node.picture(2**32 + 10) is None
    assert not node.hear(2**32 + 10, replace(frame, seq=2))


def test_the_node_speaks_on_the_signs_topics_and_has_the_rights_for_it() -> None:
    node = NODE.read_text("utf-8")
    values = dict(re.findall(r'^  (\w+): "?([\w]+)"?', node.partition("esphome:")[0], re.MULTILINE))
    assert f"topic: {frame_topic('${prefix}', '${sign}')}\n" in node
    assert f"topic: {ask_topic('${prefix}', '${sign}')}\n" in node
    assert int(values["modules"]) == int(values["width"]) * int(values["height"]) // 64
    acl = (ROOT / "deploy" / "mosquitto" / "parking.acl").read_text("utf-8")
    for right, topic in (("write", ask_topic), ("read", frame_topic)):
        assert f"topic {right} {topic(values['prefix'], values['sign'])}\n" in acl
