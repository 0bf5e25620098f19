from itertools import combinations

import pytest

from controller.sign import fonts

POLISH = "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ"
PLAIN = "acelnoszzACELNOSZZ"
TEXT = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:-–/%+!?()→←↑↓"  # noqa: RUF001  the dash is meant


@pytest.fixture(params=fonts.FACES)
def face(request: pytest.FixtureRequest) -> fonts.Face:
    return fonts.load(request.param)


def drawing(face: fonts.Face, char: str) -> tuple[str, ...]:
    return face.glyphs[char].rows


def difference(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """LEDs that differ when both stand at the left."""
    width = max(len(one[0]), len(other[0]))
    return sum(
        a != b
        for x, y in zip(one, other, strict=True)
        for a, b in zip(x.ljust(width, "."), y.ljust(width, "."), strict=True)
    )


def test_no_two_glyphs_of_a_face_look_the_same(face: fonts.Face) -> None:
    same = [(a, b) for a, b in combinations(face.glyphs, 2) if difference(drawing(face, a), drawing(face, b)) < 2]
    assert same == []


LEAST_APART = 0.15
"""Of the LEDs of the fuller of two digits: so many must differ, however the two are laid over each other."""


def apart(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """How much two drawings differ when they are laid over each other as well as they can be."""
    a, b = ({(x, y) for y, row in enumerate(each) for x, dot in enumerate(row) if dot == "#"} for each in (one, other))
    moves = [(dx, dy) for dx in range(-2, 3) for dy in (-1, 0, 1)]
    return min(len(a ^ {(x + dx, y + dy) for x, y in b}) for dx, dy in moves) / max(len(a), len(b))


def test_no_digit_can_be_taken_for_another_even_when_one_misses_the_place(face: fonts.Face) -> None:
    digits = {digit: drawing(face, digit) for digit in "0123456789"}
    close = {a + b: round(apart(digits[a], digits[b]), 2) for a, b in combinations(digits, 2)}
    assert {pair: share for pair, share in close.items() if share < LEAST_APART} == {}


@pytest.mark.parametrize("name", ["small", "bold", "medium", "high"])
def test_no_letter_can_be_taken_for_another_even_when_one_misses_the_place(name: str) -> None:
    face = fonts.load(name)
    letters = "ABCDEFGHIJKLMNOPRSTUWYZÄÖÜ" + POLISH.upper()[9:]
    close = [(a, b) for a, b in combinations(letters, 2) if apart(drawing(face, a), drawing(face, b)) < 0.09]
    assert close == []


def test_every_glyph_but_the_space_lights_something_and_has_no_dark_column_at_its_edges(face: fonts.Face) -> None:
    for char, glyph in face.glyphs.items():
        if char == " ":
            assert glyph.ink is None
            continue
        assert glyph.ink is not None, char
        columns = ["".join(column) for column in zip(*glyph.rows, strict=True)]
        assert char.isdecimal() or ("#" in columns[0] and "#" in columns[-1]), char


@pytest.mark.parametrize("name", ["small", "bold", "medium", "high"])
def test_faces_for_words_have_all_capitals_digits_and_signs(name: str) -> None:
    assert fonts.load(name).missing(TEXT + POLISH.upper()) == ""


def test_the_small_face_has_the_whole_polish_alphabet() -> None:
    assert fonts.load("small").missing("abcdefghijklmnopqrstuvwxyz" + POLISH) == ""


@pytest.mark.parametrize("name", ["small", "bold", "medium", "high"])
def test_a_polish_letter_is_not_its_plain_one(name: str) -> None:
    face = fonts.load(name)
    for polish, plain in zip(POLISH, PLAIN, strict=True):
        if polish in face.glyphs:
            assert difference(drawing(face, polish), drawing(face, plain)) >= 2, polish


@pytest.mark.parametrize(("name", "rows"), [("small", 8), ("bold", 8), ("medium", 16), ("high", 24)])
def test_capitals_with_accents_and_ogoneks_fit_whole_modules_together(name: str, rows: int) -> None:
    _, height = fonts.load(name).measure(TEXT + POLISH.upper()[9:])
    assert height <= rows


def test_the_digits_that_drivers_mix_up_differ_much(face: fonts.Face) -> None:
    least = face.caps // 4
    for one, other in ("17", "68", "69", "89", "38", "08", "56", "27"):
        assert difference(drawing(face, one), drawing(face, other)) > least, (one, other)


def test_all_digits_of_a_face_are_equally_wide(face: fonts.Face) -> None:
    assert {face.glyphs[digit].width for digit in "0123456789"} == {face.digits}


def test_a_text_is_drawn_as_large_as_it_measures(face: fonts.Face) -> None:
    image = face.draw("18P")
    assert image.size == face.measure("18P")
    assert image.getbbox() is not None
    lit = sum(row.count("#") for char in "18P" for row in face.glyphs[char].rows)
    assert image.convert("L").histogram()[255] == lit


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("#.#", "x:1: a row of pixels before the first glyph"),
        ("caps 1\nglyph AB", "x:2: glyph 'AB' must be one character, drawn once"),
        ("caps 1\nascent 1\ndescent 0\nspacing 1\nglyph A\n#\nglyph A\n#", "x:7: glyph 'A' must be one character"),
        ("caps seven", "x:1: 'caps seven' is neither a setting"),
        ("caps 2\nglyph A\n#\n#", "x: no ascent, descent, spacing"),
        ("caps 2\nascent 2\ndescent 1\nspacing 1", "x: no glyphs"),
        ("caps 2\nascent 2\ndescent 1\nspacing 1\nglyph A\n#", "x: glyph 'A' must have 2 or 3 rows of one width"),
        ("caps 2\nascent 2\ndescent 1\nspacing 1\nglyph A\n#\n##", "x: glyph 'A' must have 2 or 3 rows of one width"),
        ("caps 1\nascent 1\ndescent 1\nspacing 1\ndigits 2\nglyph 1\n#", "x: digit '1' is 1 wide, not 2"),
    ],
)
def test_a_wrong_face_file_is_refused_with_the_place_and_the_reason(text: str, complaint: str) -> None:
    with pytest.raises(fonts.FaceError) as refused:
        fonts.parse("x", text)
    assert complaint in str(refused.value)


def test_an_unknown_face_is_refused_with_those_there_are() -> None:
    with pytest.raises(
        fonts.FaceError, match=r"no face 'times': known are giant, huge, large, tall, high, medium, bold, small"
    ):
        fonts.load("times")
