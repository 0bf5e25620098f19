"""Several zones on one sign, without turns: every way to put marks and numbers on one picture. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from controller.domain.report import Row
from controller.sign import fonts
from controller.sign.text import Part


@dataclass(frozen=True, slots=True)
class Cell:
    """One zone's mark and number in one face; the number has room for as many digits as it may ever need."""

    row: Row
    face: fonts.Face

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows that it takes."""
        mark, height = self.face.measure(self.row.mark)
        return mark + self._gap + self._field, max(height, self.face.caps)

    @property
    def _gap(self) -> int:
        return self.face.spacing + max(self.face.spacing // 2, 1)

    @property
    def _field(self) -> int:
        return self.face.measure("0" * max(self.row.room, len(self.row.text), 1))[0]

    def draw(self, x: int, y: int, width: int, height: int) -> Iterator[Part]:
        """Put the mark at the left of the box, the number at its right."""
        for text, right in ((self.row.mark, False), (self.row.text, True)):
            if text:
                drawing = self.face.draw(text)
                top = y + (height - drawing.height) // 2 if text != "–" else y + height // 2  # noqa: RUF001  the dash
                yield Part(drawing, x + width - drawing.width if right else x, top, self.row.tone, self.face.caps)


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The first ``large`` cells beside each other, the rest in a column beside them."""

    beside: tuple[Cell, ...]
    column: tuple[Cell, ...]

    @property
    def merit(self) -> tuple[int, int, int]:
        """The smallest digit, then the first zone's, then few beside each other: the larger the better."""
        cells = (*self.beside, *self.column)
        return min(cell.face.caps for cell in cells), cells[0].face.caps, -len(self.beside)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows with the least gaps."""
        sizes = [cell.size for cell in self.beside]
        width = sum(w for w, _ in sizes) + self._gap * (len(sizes) - 1) if sizes else 0
        if not self.column:
            return width, max(h for _, h in sizes)
        widths, heights = zip(*(cell.size for cell in self.column), strict=True)
        gaps = self.column[0].face.spacing * (len(self.column) - 1)
        width += max(widths) + (self._gap if sizes else 0)
        return width, max(sum(heights) + gaps, *(h for _, h in sizes), 0)

    @property
    def _gap(self) -> int:
        return 2 * (self.beside or self.column)[0].face.spacing + 2

    def draw(self, width: int, height: int) -> Iterator[Part]:
        """Draw it in the middle of so many LEDs, with what room is left shared between the cells."""
        spare = width - self.size[0]
        gaps = len(self.beside) - (not self.column)
        more = min(spare // (gaps + 1), 3 * self._gap) if gaps else 0
        x = (spare - more * gaps) // 2
        for cell in self.beside:
            yield from cell.draw(x, 0, cell.size[0], height)
            x += cell.size[0] + self._gap + more
        if self.column:
            column = max(cell.size[0] for cell in self.column)
            tall = sum(cell.size[1] for cell in self.column)
            gap = min((height - tall) // (len(self.column) + 1), 2 * self.column[0].face.spacing)
            gap = max(gap, self.column[0].face.spacing) if len(self.column) > 1 else 0
            y = (height - tall - gap * (len(self.column) - 1)) // 2
            for cell in self.column:
                yield from cell.draw(x, y, column, cell.size[1])
                y += cell.size[1] + gap


def arrangements(rows: Sequence[Row]) -> Iterator[Arrangement]:
    """Yield every way: all below each other, all beside each other, or the first one beside a column of the rest."""
    needed = "".join(row.mark + row.text for row in rows) + "0"
    faces = [face for face in map(fonts.load, fonts.FACES) if not face.missing(needed)]
    for face in faces:
        cells = tuple(Cell(row, face) for row in rows)
        yield Arrangement((), cells)
        yield Arrangement(cells, ())
        for first in faces:
            if len(rows) > 1 and first.caps >= face.caps:
                yield Arrangement((Cell(rows[0], first),), cells[1:])
