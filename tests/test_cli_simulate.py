"""The command ``simulate``: what it writes, what it lists, and what it says of a wrong order."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from controller.cli_simulate import simulate
from controller.simulator.scenario import shipped


def ordered(*arguments: str) -> Result:
    return CliRunner().invoke(simulate, list(arguments))


def test_the_list_has_a_line_for_each_scenario() -> None:
    done = ordered("--list")
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == sorted(shipped())
    assert all(len(line) < 120 for line in done.stdout.splitlines())


def test_a_run_is_written_and_told(tmp_path: Path) -> None:
    done = ordered("office80-1", "--days", "1", "--seed", "3", "--out", str(tmp_path / "deep" / "run"))
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "deep" / "run" / "recording.jsonl.gz").is_file()
    lines = done.stderr.splitlines()
    assert " vehicles came, " in lines[0]
    assert lines[1].startswith("found it full: ")
    assert "truly full " in lines[3]
    assert " entry, " in lines[4]
    assert "% full" in lines[5]
    assert lines[6].endswith(" lines recorded")


def test_a_scenario_of_ones_own_and_settings(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('extends = "shop20"\n[lot]\ncapacity = 7\n', "utf-8")
    done = ordered(
        str(tmp_path / "mine.toml"), "--set", "errors.miss=0", "--set", "demand.factor=0.5", "--days", "0.5",
        "--out", str(tmp_path / "run"),
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    written = (tmp_path / "run" / "scenario.toml").read_text("utf-8")
    assert "capacity = 7" in written
    assert "miss = 0.0" in written
    assert '"scenario": "mine"' in (tmp_path / "run" / "run.json").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["office81-1", "--out", "x"], 'office81-1: no scenario of that name. Did you mean "office80-1"?'),
        ([], "Which scenario? Give a name that --list lists, or the path of a .toml file"),
        (["office80-1"], "Where to? Give a folder with --out"),
        (["office80-1", "--out", "x", "--set", "errors.mis=1"], "errors.mis = 1: unknown key; did you mean miss?"),
        (["office80-1", "--out", "x", "--set", "nonsense"], '"nonsense" is no setting; write KEY=VALUE'),
        (["office80-1", "--out", "x", "--days", "0"], "'--days': 0.0 is not in the range"),
        (["none.toml", "--out", "x"], "none.toml: there is no file none.toml; check the path"),
    ],
)
def test_a_wrong_order_is_answered_in_words(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = ordered(*arguments)
    assert done.exit_code == 2
    assert said in done.stderr
    assert not Path("x").exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    done = ordered("shop20", "--days", "0.1", "--out", str(tmp_path / "file" / "run"))
    assert done.exit_code == 1
    assert "Check the path" in done.stderr


def test_a_terminal_sees_a_progress_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.cli_simulate._is_terminal", lambda: True)
    done = ordered("shop20", "--days", "0.5", "--out", str(tmp_path))
    assert done.exit_code == 0
    assert "simulate" in done.stderr
