"""A sign of seven-segment digits, asserted against the register-level model of its chip."""

import random
import re
from pathlib import Path

import pytest
from fixtures_site import LANE_SITE, WriteSite, command_line
from sign_chips import CODE_B, Chain
from sign_envelopes import Clock

from controller.domain.report import Message, MessageKind, Reason, Row, Tone
from controller.domain.specs import WORDS
from controller.sign import darken, segments
from controller.sign.digits import digits
from controller.sign.layout import CannotShow, compose_for, message_for
from controller.sign.max7219 import Max7219
from controller.sign.panel import PanelError, open_panel
from controller.site import PanelSpec, SiteError, load


def spec(count: int, first_digit: str = "right", *, pages: bool = False) -> PanelSpec:
    left = "left" if first_digit == "left" else "right"
    return PanelSpec("deck", "max7219-digits", 8 * count, 16, digits=count, first_digit=left, pages=pages)  # type: ignore[arg-type]  # mypy widens it


class Sign:
    """Digits on a model of their chip."""

    def __init__(self, panel: PanelSpec) -> None:
        self.clock = Clock()
        self.chain = Chain(1)
        self.panel = Max7219(panel, parts=(digits(panel),), serial=self.chain, monotonic=self.clock)

    def show(self, told: Message) -> list[int]:
        self.panel.show(compose_for(self.panel.spec, told).pictures[0].lit)
        return self.lit()

    def lit(self) -> list[int]:
        """Segments by digit of the sign from the left, bit 6 is A; what hangs nowhere must be dark."""
        count, chip = self.panel.spec.digits or 0, self.chain.chips[0]
        assert not any(chip.segments(digit) for digit in range(count, 8))
        found = [chip.segments(digit) for digit in range(count)]
        return found if self.panel.spec.first_digit == "left" else found[::-1]


def number(free: int) -> Message:
    return Message(MessageKind.NUMBER, str(free), free, Reason.COUNTED)


@pytest.mark.parametrize("first_digit", ["right", "left"])
@pytest.mark.parametrize("count", range(1, 9))
def test_every_number_stands_at_the_right_as_the_chips_own_font_draws_it(count: int, first_digit: str) -> None:
    sign = Sign(spec(count, first_digit))
    for free in {*range(10), 10**count - 1, int("1234567890"[:count])}:
        text = str(free)
        assert sign.show(number(free)) == [0] * (count - len(text)) + [CODE_B[int(digit)] for digit in text]


def test_a_number_that_does_not_fit_is_never_cut() -> None:
    with pytest.raises(CannotShow, match="it lacks 1 digit; use a sign of more digits"):
        Sign(spec(2)).show(number(100))


def shapes(text: str) -> list[int]:
    return [segments.NUMBERS.get(char, segments.LETTERS.get(char.upper(), -1)) for char in text]


@pytest.mark.parametrize(
    ("typed", "language", "count", "shown"),
    [
        ("full", "pl", 5, "pełny"),
        ("full", "pl", 4, "peł "),
        ("full", "pl", 3, "peł"),
        ("full", "pl", 2, " 0"),
        ("full", "en", 4, "full"),
        ("full", "en", 3, "ful"),
        ("full", "de", 3, "  0"),
        ("closed", "pl", 3, "---"),
        ("closed", "en", 6, "closed"),
        ("closed", "en", 3, "---"),
        ("closed", "de", 4, "----"),
        ("P", "pl", 3, "P  "),
        ("no", "pl", 3, "no "),
        ("blank", "pl", 3, "   "),
    ],
)
def test_words_have_short_forms_in_segments(typed: str, language: str, count: int, shown: str) -> None:
    assert Sign(spec(count)).show(message_for(typed, language=language)) == shapes(shown)


def test_every_usual_word_of_every_language_has_a_form_for_every_count() -> None:
    for words in WORDS.values():
        for text in (words.full, words.closed, words.free):
            for count in range(1, 9):
                shown = Sign(spec(count)).show(Message(MessageKind.FULL, text, None, Reason.COUNTED, Tone.FULL))
                assert any(shown)
                assert text == words.full or not set(shown) <= {0, *segments.NUMBERS.values()}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("brak", "seven segments cannot draw 'k'"),
        ("wjazd", "cannot draw 'wz'"),
        ("IS", "it reads like a number"),
        ("5 i", "it reads like a number"),
        ("reset", "it lacks 1 digit"),
        (" ", "it is empty"),
    ],
)
def test_what_segments_cannot_say_is_refused(text: str, why: str) -> None:
    with pytest.raises(CannotShow, match=why):
        Sign(spec(4)).show(Message(MessageKind.STAFF, text, None, Reason.STAFF_MESSAGE))


def test_nothing_stands_beside_a_number() -> None:
    for told in (
        Message(MessageKind.NUMBER, "5", 5, Reason.COUNTED, beside="wolne"),
        Message(MessageKind.FULL, "full", None, Reason.COUNTED, also="P2 →"),
        Message(MessageKind.ROWS, "5, 6", None, Reason.COUNTED, rows=(Row("", "5", 5), Row("", "6", 6))),
    ):
        with pytest.raises(CannotShow, match=r"one thing at a time|one zone"):
            Sign(spec(4)).show(told)


def test_two_languages_take_turns_only_where_the_site_asks() -> None:
    told = Message(MessageKind.FULL, "brak wolnych miejsc", None, Reason.COUNTED, second="no free spaces")
    with pytest.raises(CannotShow, match="one language at a time"):
        compose_for(spec(4), told)
    show = compose_for(spec(4, pages=True), told)
    shown = [[segments.lit(picture.lit, place) for place in range(4)] for picture in show.pictures]
    assert shown == [shapes("peł "), shapes("full")]


def test_letters_are_told_apart() -> None:
    known = {char: shape for char, shape in segments.LETTERS.items() if char != "Ł"}  # Ł looks like t
    assert len(set(known.values())) == len(known)
    alike = {char for char, shape in known.items() if shape in segments.NUMBERS.values()}
    assert alike == {"I", "S"}  # so a text of these and digits alone is refused


def test_a_noisy_bus_is_repaired_within_a_refresh() -> None:
    sign, chance = Sign(spec(3)), random.Random(7)  # noqa: S311  noise, no secret
    sign.show(number(38))
    chip = sign.chain.chips[0]
    for _ in range(200):
        chip.registers[chance.choice(list(chip.registers))] = chance.randrange(256)
        sign.clock.now += sign.panel.spec.refresh_s
        assert sign.show(number(38)) == [0, CODE_B[3], CODE_B[8]]
    sign.panel.close()
    assert sign.lit() == [0, 0, 0]


SITE = re.sub(
    r'driver = "emulator"\nwidth = 64\nheight = 16', 'driver = "max7219-digits"\ndigits = 3\nspi_port = 5', LANE_SITE
)


def test_a_site_file_of_digits(write_site: WriteSite, tmp_path: Path) -> None:
    path = write_site(SITE)
    (panel,) = load(path).panels
    assert (panel.size, panel.digits, panel.pitch_mm) == ((24, 16), 3, 6.25)
    (panel,) = load(write_site(SITE.replace("digits = 3", "digits = 3\ndigit_mm = 160.0"))).panels
    assert panel.pitch_mm == 10.0
    with pytest.raises(PanelError, match=r"/dev/spidev5\.0"):
        open_panel(panel)
    assert darken.driven([panel]) == [darken.Chain(5, 0, 1)]
    assert darken.chains(path, tmp_path / "none") == ({darken.Chain(5, 0, 1)}, None)
    said = command_line("check", path).stdout
    assert "sign entrance: 3 digits of 160 mm; its number is read at a glance from 58 m" in said


@pytest.mark.parametrize(
    ("digits_", "more", "said"),
    [
        (1, "", 'sign "entrance" digits = 1: the panel cannot show the number 40: it lacks 1 digit.'),
        (
            3,
            'full_text = "brak"',
            "full_text = \"brak\": a sign of 3 digits cannot show it: seven segments cannot draw 'k'",
        ),
        (3, 'number_text = "wolne"', 'number_text = "wolne": a sign of 3 digits cannot show it: digits show one thing'),
        (9, "", "digits = 9: it must be at most 8."),
        (3, "scroll = true", "digits show nothing that runs. Leave scroll out."),
        (3, 'colours = "states"', "a max7219-digits panel has LEDs of one colour."),
    ],
)
def test_check_refuses_what_digits_cannot_show(write_site: WriteSite, digits_: int, more: str, said: str) -> None:
    path = write_site(SITE.replace("digits = 3", f"digits = {digits_}\n{more}"))
    with pytest.raises(SiteError, match=re.escape(said)):
        load(path)


def test_preview_draws_digits(tmp_path: Path) -> None:
    run = command_line("sign", "preview", "17", "--digits", "3", "--out", tmp_path / "seen.png")
    assert run.returncode == 0
    assert len(run.stdout.split("\n", 1)[0]) == 24
    assert (tmp_path / "seen.png").exists()
