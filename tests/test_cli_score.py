"""The command ``score``: a table for people, JSON for programs, and words instead of a traceback."""

import json
from pathlib import Path

from click.testing import CliRunner, Result
from scored_runs import number, write_run, write_shown

from controller.cli_score import score


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(score, [str(one) for one in arguments])


def a_run(folder: Path) -> Path:
    write_run(folder, [(0.0, 5), (43_200.0, 10)])
    return write_shown(folder / "shown.csv", [number(0.0, 6, 4, 6)])


def test_a_table_for_people(tmp_path: Path) -> None:
    done = run(tmp_path, a_run(tmp_path))
    assert done.exit_code == 0
    assert done.stdout == (
        "time                 1.00 days, 10 spaces, truly full 50.00 %\n"
        "mean absolute error  3.50 (bias +3.50)\n"
        "p95, p99             6.00, 6.00\n"
        "worst day            3.50 (day 1)\n"
        "error near full      6.00\n"
        "false free           50.00 % of all time, 100.00 % of the truly full; by 5 % or more 50.00 %\n"
        "false full           0.00 % of all time; by 5 % or more 0.00 %\n"
        "low to high          holds the truth 50.00 % of the time, 2.00 wide\n"
        "a number for         100.00 %; lit without one 0.00 %\n"
        "dark for             0.00 %\n"
        "FULL and back        0.00 changes a day\n"
        "MAE of each 10 days  3.50\n"
        "p99 of each 10 days  6.00\n"
    )


def test_json_for_programs(tmp_path: Path) -> None:
    done = run(tmp_path, a_run(tmp_path), "--json")
    result = json.loads(done.stdout)
    assert (result["mae"], result["false_free_of_full"], result["p99_by_window"]) == (3.5, 1.0, [6.0])


def test_what_is_wrong_is_said_in_words_and_exits_2(tmp_path: Path) -> None:
    shown = a_run(tmp_path)
    shown.write_text(shown.read_text("utf-8").replace("OPEN", "open"), "utf-8")
    done = run(tmp_path, shown)
    assert done.exit_code == 2
    assert done.output.startswith(f"{shown}, line 2: status is 'open'. It must be one of OPEN")
