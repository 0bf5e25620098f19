import json
from pathlib import Path

import pytest

from controller.domain.report import Message
from controller.sign import layout, readback
from controller.sign.readback import Shown

IMAGE = layout.preview("38", 64, 16)
TOLD = layout.message_for("38")


def shown(name: str = "entrance", message: Message | None = TOLD) -> Shown:
    return Shown(name, "emulator", 64, 16, readback.rows(IMAGE), True, message, None, 1.7e9, 12.5)


@pytest.mark.parametrize("message", [TOLD, None])
def test_what_is_written_is_read_back_with_every_pixel(tmp_path: Path, message: Message | None) -> None:
    readback.write(tmp_path, shown(message=message))
    back = readback.read(tmp_path, "entrance")
    assert back == shown(message=message)
    assert back is not None
    assert back.image().tobytes() == IMAGE.tobytes()
    assert [path.name for path in tmp_path.iterdir()] == ["sign-entrance.json"]


def test_rows_are_hexadecimal_with_the_leftmost_led_highest(tmp_path: Path) -> None:
    readback.write(tmp_path, shown())
    raw = json.loads((tmp_path / "sign-entrance.json").read_text("utf-8"))
    for y, row in enumerate(raw["rows"]):
        assert f"{int(row, 16):064b}" == "".join("1" if IMAGE.getpixel((x, y)) else "0" for x in range(64))


def test_a_sign_that_nobody_wrote_or_that_is_half_there_is_none(tmp_path: Path) -> None:
    assert readback.read(tmp_path, "entrance") is None
    readback.write(tmp_path, shown())
    path = tmp_path / "sign-entrance.json"
    whole = path.read_text("utf-8")
    for length in range(0, len(whole) - 1, 25):
        path.write_text(whole[:length], "utf-8")
        assert readback.read(tmp_path, "entrance") is None
    for wrong in (
        "[]",
        "{}",
        whole.replace('"width": 64', '"width": 128'),
        whole.replace('"rows": ["', '"rows": ["zz'),
    ):
        path.write_text(wrong, "utf-8")
        assert readback.read(tmp_path, "entrance") is None


@pytest.mark.parametrize("name", ["../../etc/passwd", "wjazd główny", "a.b", "con:1", "%2e"])
def test_any_name_is_a_file_in_the_run_directory(tmp_path: Path, name: str) -> None:
    readback.write(tmp_path, shown(name))
    assert readback.path(tmp_path, name).parent == tmp_path
    back = readback.read(tmp_path, name)
    assert back is not None
    assert back.name == name
