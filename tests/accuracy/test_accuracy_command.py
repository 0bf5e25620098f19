"""``python -m controller.accuracy``: the table on the terminal, the page and its plots in a folder."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image
from small_lots import write_scenario

from controller.accuracy import __main__ as command
from controller.accuracy.matrix import Reach, Row


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the table have one small lot, whose long run is no longer than the others."""
    scenario = write_scenario(tmp_path)
    monkeypatch.setattr(command, "ROWS", (Row(scenario, Reach(10.0), covers=False),))
    monkeypatch.setattr("controller.accuracy.matrix.DRIFT", (scenario,))
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command.main, [str(one) for one in arguments])


def test_the_table_is_printed_and_the_page_written(small: Path) -> None:
    docs = small / "docs"
    done = run("--days", 1, "--seeds", 1, "--drift-days", 2, "--jobs", 1, "--kept", small / "kept", "--out", docs)
    assert done.exit_code == 0, done.output
    assert "| scenario" in done.stdout
    page = (docs / "accuracy.md").read_text("utf-8")
    assert page.startswith("# How good is the count?")
    assert "p99 of days 1-10" in page
    for name in ("accuracy-week.png", "accuracy-drift.png"):
        path = docs / "img" / name
        assert f"(img/{name})" in page
        assert path.stat().st_size < 150_000
        with Image.open(path) as picture:
            assert picture.size == (720, 192)


def test_without_out_nothing_is_written_but_what_was_simulated(small: Path) -> None:
    done = run("--days", 0.25, "--seeds", 2, "--drift-days", 0, "--jobs", 1, "--kept", small / "kept")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in small.iterdir()) == ["kept", "quiet.toml"]
    assert len(list((small / "kept").iterdir())) == 2


@pytest.mark.usefixtures("small")
def test_a_pattern_that_matches_nothing_is_said() -> None:
    done = run("--only", "shop99")
    assert done.exit_code == 2
    assert "no scenario matches shop99. There are: " in done.output


def test_a_case_that_fails_ends_it_in_words(small: Path) -> None:
    (small / "quiet.toml").write_text("about = 1", "utf-8")
    done = run("--jobs", 1, "--kept", small / "kept")
    assert done.exit_code == 1
    assert "quiet.toml, seed 1" in done.output
    assert "ScenarioError" in done.output
