"""Stories of the guardian, with time driven by hand."""

import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sign_envelopes import BLANK, FULL, Clock, envelope, number

from controller.domain.report import Message, MessageKind, Reason, Tone
from controller.sign import layout, readback
from controller.sign.colours import painted
from controller.sign.guardian import BEAT_S, LONGEST_TTL_S, Guardian
from controller.sign.panel import Emulator
from controller.sign.readback import Shown
from controller.site import PanelSpec


class Story:
    """A guardian of emulated panels, its clock, and what can be read back."""

    def __init__(self, run_dir: Path, panels: Mapping[str, Emulator] | None = None) -> None:
        self.clock = Clock()
        self.run_dir = run_dir
        self.panels = panels or {"entrance": Emulator(PanelSpec("entrance", "emulator", 64, 16))}
        self.guardian = Guardian(
            self.panels, run_dir=run_dir, monotonic=self.clock, clock=lambda: 1.7e9 + self.clock.now
        )

    def tell(self, **messages: Message) -> None:
        self.guardian.tell(envelope(self.clock.now, messages))

    def wait(self, seconds: float) -> None:
        """Let time go by, as the process does: with a beat every 0.2 s."""
        for _ in range(round(seconds / BEAT_S)):
            self.clock.now += BEAT_S
            self.guardian.beat()

    def shown(self, name: str = "entrance") -> Shown:
        shown = readback.read(self.run_dir, name)
        assert shown is not None
        return shown

    def says(self, told: Message, name: str = "entrance") -> bool:
        """Whether panel and read-back both show just this."""
        expected = layout.render(told, 64, 16)
        image, shown = self.panels[name].image, self.shown(name)
        return (
            image is not None
            and image.tobytes() == expected.tobytes() == shown.image().tobytes()
            and (shown.lit, shown.message, shown.why_dark) == (True, told, None)
        )

    def is_dark(self, name: str = "entrance") -> str | None:
        """Why panel and read-back are both dark; None when they are not."""
        shown = self.shown(name)
        if self.panels[name].image is not None or shown.lit or shown.image().getbbox():
            return None
        return shown.why_dark


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return Story(tmp_path)


def test_it_is_dark_from_the_start_until_something_is_told(story: Story) -> None:
    story.guardian.beat()
    assert story.is_dark() == "nothing has come from count yet"
    story.tell(entrance=number(38))
    assert story.says(number(38))


def test_it_shows_what_it_is_told_as_long_as_it_is_told_so(story: Story) -> None:
    for free in (38, 37, 37, 36):
        story.tell(entrance=number(free))
        story.wait(1.0)
        assert story.says(number(free))
    story.tell(entrance=FULL)
    assert story.says(FULL)


def test_two_phases_take_turns_on_panel_and_read_back_for_as_long_as_they_hold(tmp_path: Path) -> None:
    panel = Emulator(PanelSpec("entrance", "emulator", 64, 16, pages=True))
    story = Story(tmp_path, {"entrance": panel})
    told = Message(MessageKind.FULL, "brak wolnych miejsc", None, Reason.COUNTED, second="no free spaces")
    phases = [picture.lit.tobytes() for picture in layout.compose(told, 64, 16, pages=True).pictures]
    seen = []
    for _ in range(35):
        story.tell(entrance=told)
        image = panel.image
        assert image is not None
        assert image.tobytes() == story.shown().image().tobytes()
        seen.append(phases.index(image.tobytes()))
        story.wait(0.2)
    assert seen == [0] * 15 + [1] * 15 + [0] * 5, "each for 3 s, though the same was told again and again"
    story.tell(entrance=told)
    assert 0 < story.guardian.rest_s() <= BEAT_S
    story.wait(LONGEST_TTL_S + 0.2)
    assert story.is_dark()


def test_the_next_beat_comes_when_a_picture_takes_its_turn(tmp_path: Path) -> None:
    story = Story(tmp_path, {"entrance": Emulator(PanelSpec("entrance", "emulator", 32, 8, scroll=True))})
    assert story.guardian.rest_s() == BEAT_S
    story.tell(entrance=Message(MessageKind.STAFF, "Wjazd od ulicy Lipowej", None, Reason.STAFF_MESSAGE))
    assert story.guardian.rest_s() == pytest.approx(layout.SCROLL_STEP_S)
    assert story.shown().image().getbbox() is None, "it begins with a dark panel"
    story.clock.now += 1.0
    story.guardian.beat()
    assert story.shown().image().getbbox() is not None


def test_a_panel_with_colours_is_lit_in_them_and_the_read_back_says_which(tmp_path: Path) -> None:
    panel = Emulator(PanelSpec("entrance", "emulator", 64, 16, colours="states"))
    story = Story(tmp_path, {"entrance": panel})
    told = Message(MessageKind.NUMBER, "38", 38, Reason.COUNTED, Tone.FREE)
    story.tell(entrance=told)
    picture = layout.compose(told, 64, 16).pictures[0]
    assert panel.image is not None
    assert panel.image.tobytes() == painted(picture).tobytes()
    assert story.shown().image().tobytes() == picture.lit.tobytes()
    assert story.shown().tints == picture.tints
    assert {tint.tone for tint in picture.tints} == {Tone.FREE}


def test_silence_is_dark_within_three_seconds_and_a_fresh_word_lights_it_again(story: Story) -> None:
    story.tell(entrance=number(38))
    story.wait(2.8)
    assert story.says(number(38))
    story.wait(0.4)
    assert story.is_dark() == "nothing fresh came from count"
    assert story.shown().message is None
    story.tell(entrance=number(38))
    assert story.says(number(38))


def test_no_message_is_believed_for_longer_than_three_seconds_whatever_it_claims(story: Story) -> None:
    story.guardian.tell(envelope(story.clock.now + 1e6, {"entrance": number(38)}, ttl_s=1e9))
    assert story.says(number(38))
    story.wait(LONGEST_TTL_S + 0.2)
    assert story.is_dark()


def test_a_shorter_time_to_live_is_kept(story: Story) -> None:
    story.guardian.tell(envelope(story.clock.now, {"entrance": number(38)}, ttl_s=1.0))
    story.wait(1.2)
    assert story.is_dark()


def test_a_guardian_that_was_stopped_does_not_show_what_was_buffered_meanwhile(story: Story) -> None:
    story.tell(entrance=number(38))
    buffered = [envelope(story.clock.now + n, {"entrance": number(30 - n)}) for n in range(5)]
    story.clock.now += 60.0  # SIGSTOP ... SIGCONT
    seen = []
    for each in buffered:
        story.guardian.tell(each)
        seen.append(story.panels["entrance"].image)
    story.guardian.beat()
    assert all(image is None or image == layout.render(number(38), 64, 16) for image in seen)
    assert story.is_dark() == "nothing fresh came from count"
    assert story.guardian.stale == 5


def test_a_lost_link_is_dark_at_once(story: Story) -> None:
    story.tell(entrance=number(38))
    story.guardian.lost("count has closed the link")
    assert story.is_dark() == "count has closed the link"
    story.wait(1.0)
    assert story.is_dark() == "count has closed the link"


def test_the_end_is_dark(story: Story) -> None:
    story.tell(entrance=number(38))
    story.guardian.close()
    assert story.is_dark() == "the sign process has ended"


def test_a_sign_that_the_state_does_not_speak_of_is_dark(story: Story) -> None:
    story.tell(entrance=number(38))
    story.tell(other=number(12))
    assert story.is_dark() == "count does not speak of this sign"


def test_a_message_to_be_blank_is_dark_and_says_why(story: Story) -> None:
    story.tell(entrance=BLANK)
    assert story.is_dark() == "the sign is told to be dark (nothing_counts)"
    assert story.shown().message == BLANK


def test_a_text_that_does_not_fit_is_dark_and_logged_once(story: Story, caplog: pytest.LogCaptureFixture) -> None:
    story.tell(entrance=number(38))
    long = Message(MessageKind.CLOSED, "Zapraszamy serdecznie ponownie jutro", None, Reason.CLOSED_BY_STAFF)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            story.tell(entrance=long)
            story.wait(1.0)
    why = story.is_dark()
    assert why is not None
    assert "cannot show 'Zapraszamy serdecznie ponownie jutro' on a 64x16 panel" in why
    assert len(caplog.records) == 1
    story.tell(entrance=number(38))
    assert story.says(number(38))


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "number", "text": "38", "free": 37, "reason": "counted"},
        {"kind": "number", "text": "38", "free": None, "reason": "counted"},
        {"kind": "scroll", "text": "38", "free": 38, "reason": "counted"},
        {"kind": "full", "text": None, "free": None, "reason": "counted"},
        {"kind": "full", "text": "x" * 10**5, "free": None, "reason": "counted"},
        {},
        None,
        "38",
    ],
)
def test_a_message_that_makes_no_sense_darkens_its_sign_only(tmp_path: Path, wrong: Any) -> None:
    names = ("entrance", "exit")
    story = Story(tmp_path, {name: Emulator(PanelSpec(name, "emulator", 64, 16)) for name in names})
    story.tell(entrance=number(1), exit=number(2))
    state = envelope(story.clock.now, {"entrance": number(3), "exit": number(4)})
    state["lot"]["signs"][0]["message"] = wrong
    story.guardian.tell(state)
    assert story.is_dark("entrance")
    assert story.says(number(4), "exit")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"7",
        b"null",
        b'"state"',
        b"{}",
        b'{"type": "state"}',
        b'{"type": "state", "sent": NaN, "ttl_s": 3, "lot": {"signs": []}}',
        b'{"type": "state", "sent": 1, "ttl_s": Infinity, "lot": {"signs": []}}',
        b'{"type": "state", "sent": "now", "ttl_s": 3, "lot": {"signs": []}}',
        b'{"type": "state", "sent": 1000, "ttl_s": 3, "lot": {"signs": [7]}}',
        b'{"type": "state", "sent": 1000, "ttl_s": 3, "lot": {"signs": [{"name": []}]}}',
        b"[" * 100_000,
    ],
)
def test_a_line_that_makes_no_sense_is_counted_and_changes_nothing(story: Story, line: bytes) -> None:
    story.tell(entrance=number(38))
    story.guardian.hear(line)
    assert story.guardian.malformed == 1
    assert story.says(number(38))


def test_other_words_on_the_link_are_not_for_the_sign(story: Story) -> None:
    story.guardian.hear(json.dumps({"type": "reply", "id": 7, "ok": True}).encode())
    assert story.guardian.malformed == 0


class Broken(Emulator):
    """A panel whose wire can be cut."""

    cut = True

    def show(self, image: Image.Image, until: float = math.inf) -> None:
        if self.cut:
            raise OSError(5, "Input/output error")
        super().show(image, until)


def test_a_panel_that_fails_is_tried_again_and_the_others_go_on(tmp_path: Path) -> None:
    broken = Broken(PanelSpec("exit", "emulator", 64, 16))
    story = Story(tmp_path, {"exit": broken, "entrance": Emulator(PanelSpec("entrance", "emulator", 64, 16))})
    story.tell(entrance=number(1), exit=number(2))
    assert story.says(number(1), "entrance")
    assert story.is_dark("exit") == "the panel failed: [Errno 5] Input/output error"
    broken.cut = False
    story.wait(0.2)
    assert story.says(number(2), "exit")


class Faulty(Emulator):
    """A panel whose driver stumbles over its second picture, and still shows the first."""

    def show(self, image: Image.Image, until: float = math.inf) -> None:
        if self.image is not None:
            raise ValueError("a fault that is not the hardware's")
        super().show(image, until)


def test_a_fault_of_a_driver_darkens_what_it_showed(tmp_path: Path) -> None:
    panel = Faulty(PanelSpec("entrance", "emulator", 64, 16))
    story = Story(tmp_path, {"entrance": panel})
    story.tell(entrance=number(1))
    assert story.says(number(1))
    story.tell(entrance=number(2))
    assert story.is_dark() == "the panel failed: a fault that is not the hardware's"


@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), UnicodeEncodeError("utf-8", "x", 0, 1, "no")]
)
def test_whatever_keeps_a_read_back_from_being_written_the_sign_goes_on(
    story: Story, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(readback, "write", fail)
    story.tell(entrance=number(38))
    assert story.panels["entrance"].image is not None


def test_the_read_back_is_alive_at_least_once_a_second_and_keeps_since_when(story: Story) -> None:
    story.tell(entrance=number(38))
    since = story.shown().shown_at
    assert since == 1.7e9 + story.clock.now
    for _ in range(10):
        story.tell(entrance=number(38))
        story.wait(1.0)
        assert story.clock.now - story.shown().alive < 1.0
        assert story.shown().shown_at == since
    story.tell(entrance=number(37))
    assert story.shown().shown_at == 1.7e9 + story.clock.now


def test_a_read_back_that_cannot_be_written_does_not_disturb_the_sign(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    story = Story(tmp_path / "later")
    with caplog.at_level(logging.WARNING):
        story.tell(entrance=number(38))
        story.wait(1.0)
    assert story.panels["entrance"].image is not None
    assert len(caplog.records) == 1
    (tmp_path / "later").mkdir()
    story.wait(0.2)
    assert story.says(number(38))
    obstacle = tmp_path / "later" / "sign-entrance.tmp"
    obstacle.mkdir()
    story.tell(entrance=number(37))
    obstacle.rmdir()
    story.wait(0.2)
    assert story.says(number(37))
