"""Every text of every language in every layout: nothing missing, nothing clipped, nothing that looks like another."""

from collections.abc import Iterator
from itertools import combinations, pairwise

import pytest

from controller.domain.report import Message, MessageKind, Reason, Row
from controller.domain.specs import WORDS
from controller.sign import fonts
from controller.sign.layout import SHORTER, CannotShow, Picture, compose
from controller.sign.sheet import PANELS, standard

SIZES = [*PANELS, (16, 8), (40, 8), (96, 8), (32, 16), (48, 16), (128, 16), (40, 24), (160, 40), (96, 64), (256, 16)]


def ink(text: str, face: fonts.Face) -> int:
    return sum(row.count("#") for char in text for row in face.glyphs[char].rows)


def forms(text: str) -> Iterator[str]:
    """Every way in which a text may be said: wordings, capitals. (Spaces light nothing.)"""
    for wording in (text, *SHORTER.get(text.lower(), ())):
        yield from {wording, wording.upper()}


def inks(text: str) -> set[int]:
    """How many LEDs a text lights, whole, in each form and face."""
    faces = [fonts.load(name) for name in fonts.FACES]
    return {ink(form, face) for form in forms(text) for face in faces if not face.missing(form)}


def pieces(message: Message) -> list[list[str]]:
    """The texts of each picture that a message may make."""
    if message.rows:
        return [[part for row in message.rows for part in (row.mark, row.text) if part]]
    first = [part for part in (message.text, message.beside) if part]
    if message.also is not None:
        return [[*first, message.also], first, [message.also]]
    return [first, *([[message.second]] if message.second else [])]


def whole(picture: Picture, message: Message) -> bool:
    """Whether a picture lights as many LEDs as all of its texts, whole: nothing is clipped, nothing overlaps."""
    lights = picture.lit.convert("L").histogram()[255]
    for texts in pieces(message):
        sums = {0}
        for text in texts:
            sums = {a + b for a in sums for b in inks(text)}
        if lights in sums:
            return True
    return False


@pytest.mark.parametrize("language", WORDS)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_every_text_is_shown_whole_or_refused_with_what_is_missing(size: tuple[int, int], language: str) -> None:
    shown = 0
    for title, message in standard(language):
        try:
            show = compose(message, *size, pages=True)
        except CannotShow as refused:
            assert refused.columns + refused.rows > 0, title  # noqa: PT017  either outcome is right, but not in between
            continue
        shown += 1
        assert len(show.pictures) <= 2, title
        for picture in show.pictures:
            assert picture.lit.size == size
            assert whole(picture, message), title
    assert shown >= (4 if size == (16, 8) else 9)


@pytest.mark.parametrize("language", WORDS)
def test_the_words_that_a_sign_cannot_do_without_are_shown_on_every_usual_panel(language: str) -> None:
    needed = {"7", "38", "188", "not sure", "some are free", "full", "full, go on", "closed", "two languages"}
    for size in PANELS:
        for title, message in standard(language):
            if title in needed:
                compose(message, *size, pages=True)


def test_on_64x16_and_above_nothing_standard_is_refused_nor_takes_turns_but_greetings_and_languages() -> None:
    for size in PANELS[2:]:
        for language in WORDS:
            for title, message in standard(language):
                pictures = compose(message, *size, pages=True).pictures
                assert len(pictures) == (2 if title in {"greeting", "two languages"} else 1), (title, size, language)


def test_every_letter_of_every_text_is_in_the_faces_for_words_and_like_no_other() -> None:
    alphabet = {
        char
        for language in WORDS
        for _, message in standard(language)
        for texts in pieces(message)
        for text in texts
        for form in forms(text)
        for char in form.upper()
    } | set("ĄĆĘŁŃÓŚŹŻÄÖÜ♿🔌←→↑↓P0123456789")
    for name in ("small", "bold", "medium", "high"):
        face = fonts.load(name)
        assert face.missing("".join(sorted(alphabet))) == "", name
        drawn = {char: face.draw(char) for char in alphabet if char != " "}
        for (one, a), (other, b) in combinations(drawn.items(), 2):
            assert a.size != b.size or a.tobytes() != b.tobytes(), (name, one, other)


def dark_columns(picture: Picture) -> list[int]:
    """How wide the gaps between lit columns are, from the left."""
    width, height = picture.lit.size
    lit = [x for x in range(width) if picture.lit.crop((x, 0, x + 1, height)).getbbox()]
    return [b - a - 1 for a, b in pairwise(lit) if b > a + 1]


@pytest.mark.parametrize("word", ["frei", "noch", "free", "last", "wolne", "ostatnie"])
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_more_parts_a_word_from_its_number_than_a_letter_from_the_next(size: tuple[int, int], word: str) -> None:
    """Or FREI 38 reads FRE138."""
    for number in ("3", "38", "188"):
        told = Message(MessageKind.NUMBER, number, int(number), Reason.COUNTED, beside=word)
        try:
            gaps = dark_columns(compose(told, *size).pictures[0])
        except CannotShow:
            continue
        between = gaps.pop(len(word) - 1) if len(gaps) == len(word) + len(number) - 1 else max(gaps)
        assert between > max(gaps[: len(word) - 1], default=0), (size, word, number, gaps)


def test_no_space_but_one_beside_an_arrow_is_left_out_to_save_room() -> None:
    """P2 and 12 must never become P212."""
    face = fonts.load("small")

    def shown(also: str) -> Picture:
        told = Message(MessageKind.FULL, "brak", None, Reason.COUNTED, also=also)
        return compose(told, 32, 8, pages=True).pictures[1]

    tight = face.draw("P2→12")
    assert shown("P2 → 12").lit.crop(shown("P2 → 12").lit.getbbox()).tobytes() == tight.tobytes()
    with pytest.raises(CannotShow):
        shown("← P2 128")


def test_pages_and_languages_take_turns_only_where_the_site_asks() -> None:
    told = Message(MessageKind.NUMBER, "38", 38, Reason.COUNTED, also="Dzień dobry")
    with pytest.raises(CannotShow):
        compose(told, 64, 16)
    show = compose(told, 64, 16, pages=True)
    number = show.pictures[0]
    assert 2.0 <= show.each_s <= 4.0
    assert [show.at(t)[0] is number for t in (0.0, 2.9, 3.0, 5.9, 6.0)] == [True, True, False, False, True]
    assert [show.at(t)[1] for t in (0.0, 2.9, 3.0, 7.0)] == [3.0, 3.0, 6.0, 9.0]
    full = Message(MessageKind.FULL, WORDS["pl"].full, None, Reason.COUNTED, second=WORDS["en"].full)
    with pytest.raises(CannotShow, match="one language at a time; set pages = true"):
        compose(full, 64, 16)


def test_a_text_runs_only_where_the_site_asks_and_shows_every_column_of_it() -> None:
    told = Message(MessageKind.STAFF, "Wjazd od ulicy Lipowej", None, Reason.STAFF_MESSAGE)
    with pytest.raises(CannotShow):
        compose(told, 32, 8, pages=True)
    show = compose(told, 32, 8, scroll=True)
    assert show.each_s < 0.1
    assert show.pictures[0].lit.getbbox() is None
    face = fonts.load("bold") if not fonts.load("bold").missing("WJAZD OD ULICY LIPOWEJ") else fonts.load("small")
    columns = [picture.lit.crop((31, 0, 32, 8)) for picture in show.pictures]
    lit = sum(column.convert("L").histogram()[255] for column in columns)
    assert lit == ink("WJAZD OD ULICY LIPOWEJ", face)


def test_a_changing_number_of_a_zone_moves_nothing() -> None:
    def rows(first: str, second: str) -> Picture:
        lines = (Row("P", first, None, room=3), Row("♿", second, None, room=1))
        return compose(Message(MessageKind.ROWS, "x", None, Reason.COUNTED, rows=lines), 64, 16).pictures[0]

    boxes = {tuple(tint.box[2] for tint in rows(a, b).tints) for a, b in (("7", "2"), ("12", "1"), ("188", "0"))}
    assert len(boxes) == 1, "right edges stay"
