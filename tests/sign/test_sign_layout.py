from pathlib import Path

import pytest
from PIL import Image

from controller.domain.report import Message, MessageKind, Reason
from controller.domain.specs import WORDS
from controller.sign import fonts, layout, look, sheet
from controller.sign.sheet import PANELS

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize(("width", "height"), PANELS)
def test_every_standard_message_looks_as_it_was_looked_at(width: int, height: int, language: str) -> None:
    """``make sign-sheet`` draws them anew; a diff then shows what changed for drivers."""
    golden = (GOLDEN / f"{width}x{height}-{language}.txt").read_text("utf-8")
    assert sheet.ascii_sheet(language, width, height) == golden


def lit(image: Image.Image) -> int:
    return image.convert("L").histogram()[255]


def ink(text: str, face: str) -> int:
    glyphs = fonts.load(face).glyphs
    return sum(row.count("#") for char in text for row in glyphs[char].rows)


def whole(text: str, image: Image.Image) -> bool:
    """Whether a picture has just as many lit LEDs as the whole text in one of the faces: nothing is clipped."""
    candidates = {
        ink(form, face) for form in (text, text.upper()) for face in fonts.FACES if not fonts.load(face).missing(form)
    }
    return lit(image) in candidates


@pytest.mark.parametrize(("width", "height"), PANELS)
def test_every_number_of_a_car_park_is_shown_whole_on_every_panel(width: int, height: int) -> None:
    for free in (*range(0, 1000, 7), 1000, 8888, 9999):
        assert whole(str(free), layout.preview(str(free), width, height)), free


@pytest.mark.parametrize(("width", "height"), [*PANELS, (16, 8), (40, 24), (160, 40), (96, 64)])
def test_the_standard_words_are_shown_whole_in_one_of_their_wordings(width: int, height: int) -> None:
    for text in ("P", "brak wolnych miejsc", "nieczynne"):
        wordings = (text, *layout.SHORTER.get(text, ()))
        try:
            image = layout.preview(text, width, height)
        except layout.CannotShow:
            assert (width, height) == (16, 8)  # too narrow for any word
        else:
            assert any(whole(wording, image) for wording in wordings), text


def test_at_every_size_a_text_is_whole_or_refused() -> None:
    texts = {"full": layout.SHORTER["brak wolnych miejsc"], "188": (), "Zażółć gęślą jaźń": ()}
    for typed, shorter in texts.items():
        text = layout.message_for(typed).text
        for width, height in [*((w, 16) for w in range(8, 110)), *((64, h) for h in range(6, 34))]:
            try:
                image = layout.preview(typed, width, height)
            except layout.CannotShow as refused:
                assert refused.columns + refused.rows > 0  # noqa: PT017  either outcome is right, but not in between
            else:
                assert any(whole(wording, image) for wording in (text, *shorter)), (typed, width, height)


def test_digits_keep_their_places_when_the_number_changes() -> None:
    for width, height in PANELS:
        ones, eights = layout.preview("11", width, height), layout.preview("18", width, height)
        half = width // 2
        left = (0, 0, half, height)
        assert ones.crop(left).tobytes() == eights.crop(left).tobytes()


@pytest.mark.parametrize(
    ("size", "rows"),
    [
        ((64, 8), 8),
        ((64, 16), 14),
        ((96, 16), 14),
        ((64, 32), 26),
        ((128, 32), 26),
        ((32, 24), 21),
        ((64, 24), 22),
        ((64, 40), 39),
        ((96, 64), 52),
    ],
)
def test_a_number_is_as_tall_as_the_panel_allows(size: tuple[int, int], rows: int) -> None:
    box = layout.preview("38", *size).getbbox()
    assert box is not None
    assert box[3] - box[1] == rows


def test_full_is_said_in_two_lines_on_64x16_and_in_14_row_letters_on_128x32() -> None:
    small, large = layout.preview("full", 64, 16), layout.preview("full", 128, 32)
    assert lit(small) == ink("BRAK WOLNYCH MIEJSC", "small")
    assert lit(large) == ink("BRAK WOLNYCH MIEJSC", "medium")
    assert small.crop((0, 7, 64, 8)).getbbox() is None  # a dark row between the lines


def test_narrow_panels_say_it_shorter() -> None:
    assert lit(layout.preview("full", 64, 8)) == ink("BRAK MIEJSC", "small")
    assert lit(layout.preview("full", 32, 8)) == ink("BRAK", "bold")


def test_a_site_may_give_its_own_shorter_wording() -> None:
    told = Message(MessageKind.FULL, "Parking pełny", None, Reason.COUNTED)
    image = layout.compose(told, 32, 8, shorter={"parking pełny": ("pełny",)}).pictures[0].lit
    assert whole("pełny", image)


def test_a_text_that_does_not_fit_is_refused_with_what_is_missing() -> None:
    with pytest.raises(layout.CannotShow) as refused:
        layout.preview("Zapraszamy", 32, 8)
    width, _ = fonts.load("small").measure("Zapraszamy")
    assert refused.value.columns + refused.value.rows > 0
    assert refused.value.columns <= width - 32
    message = str(refused.value)
    assert "'Zapraszamy'" in message
    assert "32x8" in message
    assert f"{refused.value.columns} columns" in message


def test_a_text_with_a_letter_that_no_face_has_is_refused_by_that_letter() -> None:
    with pytest.raises(layout.CannotShow, match=r"no face draws '€'"):
        layout.preview("groß €", 128, 32)


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(layout.CannotShow, match="it is empty"):
        layout.render(Message(MessageKind.CLOSED, "  ", None, Reason.CLOSED_BY_STAFF), 64, 16)


def test_blank_lights_nothing() -> None:
    assert layout.preview("blank", 64, 16).getbbox() is None


@pytest.mark.parametrize(
    ("typed", "kind", "text", "free"),
    [
        ("012", MessageKind.NUMBER, "12", 12),
        ("p", MessageKind.UNCERTAIN, "P", None),
        ("full", MessageKind.FULL, "brak wolnych miejsc", None),
        ("Closed", MessageKind.CLOSED, "nieczynne", None),
        ("blank", MessageKind.BLANK, "", None),
        ("Wjazd od ul. Lipowej", MessageKind.STAFF, "Wjazd od ul. Lipowej", None),
    ],
)
def test_what_is_typed_for_a_preview_becomes_a_message(
    typed: str, kind: MessageKind, text: str, free: int | None
) -> None:
    told = layout.message_for(typed)
    assert (told.kind, told.text, told.free) == (kind, text, free)


def test_ascii_art_shows_each_led() -> None:
    image = Image.new("1", (3, 2))
    image.putpixel((2, 1), 1)
    assert look.ascii_art(image) == "...\n..#"


def test_the_picture_for_people_glows_where_the_led_is_lit() -> None:
    image = Image.new("1", (8, 8))
    image.putpixel((2, 3), 1)
    seen = look.picture(image, scale=10, colour=(255, 150, 24))
    assert seen.size == (80, 80)
    assert seen.getpixel((25, 35)) == (255, 150, 24)
    dark = seen.getpixel((65, 65))
    assert isinstance(dark, tuple)
    assert max(dark) < 50
    with pytest.raises(ValueError, match="scale 0"):
        look.picture(image, scale=0)


def test_the_test_pattern_lights_every_led_and_shows_each_module() -> None:
    everything, outlines, checker, inverse, word = look.test_pattern(32, 16)
    assert lit(everything) == 32 * 16
    assert lit(outlines) == 8 * 28
    assert lit(checker) == lit(inverse) == 32 * 8
    assert all(bool(checker.getpixel((x, y))) != bool(inverse.getpixel((x, y))) for x in range(32) for y in range(16))
    assert whole("TEST", word)
