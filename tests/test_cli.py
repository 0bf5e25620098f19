"""The command line as people and systemd use it: each time a real process."""

import gzip
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import click
import pytest
from fixtures_site import (
    FULL_SITE,
    LANE_SITE,
    ROOT,
    Product,
    WriteSite,
    command_line,
    drive_in,
    drive_out,
    edited,
    wait_until,
)
from PIL import Image

from controller import __version__
from controller.__main__ import cli
from controller.domain.events import Corrected
from controller.journal import Clock, Journal, Record
from controller.sign.layout import preview
from controller.sign.look import ascii_art

CAR = """\
{"t": 1.0, "detector": "main.outer", "occupied": true}
{"t": 1.4, "detector": "main.inner", "occupied": true}
{"t": 1.6, "detector": "main.outer", "occupied": false}
{"t": 2.0, "detector": "main.inner", "occupied": false}
"""
SHOWN = """\
t,zone,free,low,high,status,message
0.000,customers,30,30,30,OPEN,30
2.030,customers,29,29,29,OPEN,29
"""


def commands(group: click.Group = cli, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*before, name))
        if not command.hidden:
            yield (*before, name)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "day.jsonl"
    path.write_text(CAR, "utf-8")
    return path


# Help


def test_the_commands_that_are_promised_are_there() -> None:
    promised = {"run", "count", "sign", "web", "demo", "check", "replay", "record", "version"}
    assert promised <= {name for name, *rest in commands() if not rest}
    assert {("sign", name) for name in ("run", "test", "identify", "dark", "preview")} <= set(commands())


@pytest.mark.parametrize("command", list(commands()), ids=" ".join)
def test_every_command_has_help_with_an_example(command: tuple[str, ...]) -> None:
    group: click.Command = cli
    for name in command:
        assert isinstance(group, click.Group)
        group = group.commands[name]
    context = click.Context(group, info_name=" ".join(("parking-controller", *command)))
    text = group.get_help(context)
    if not isinstance(group, click.Group):
        assert re.search(rf"Example: +parking-controller {' '.join(command)}\b", text), text
    assert "\b" not in text


def test_help_is_for_people_and_goes_to_stdout() -> None:
    for flag in ("--help", "-h"):
        done = command_line(flag)
        assert (done.returncode, done.stderr) == (0, "")
        assert "parking-controller demo" in done.stdout


def test_version() -> None:
    done = command_line("version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{__version__}\n", "")


def test_the_installed_command_is_the_same() -> None:
    program = Path(sys.executable).with_name("parking-controller")
    done = subprocess.run([program, "version"], check=False, capture_output=True, text=True)
    assert done.stdout == f"{__version__}\n"


def test_an_unknown_command_or_option_is_2() -> None:
    for arguments in (["cuont"], ["count"], ["check", "--lenient", "x"]):
        done = command_line(*arguments)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


# check


def test_check_a_good_site(write_site: WriteSite) -> None:
    path = write_site(FULL_SITE)
    done = command_line("check", path)
    assert (done.returncode, done.stderr) == (0, "")
    first, sign, note = done.stdout.splitlines()
    assert first == f"{path}: good. Parking dla klientów: 1 zone, 1 lane, 2 bays, 1 sign."
    assert sign == (
        "sign entrance: 64x16, 4 mm from LED to LED; its number is read at a glance from 20 m (drivers: from 25 m)"
    )
    assert note.startswith("  note: 25 m take letters of 18 rows. Smaller are full_text 7 rows: 10 m, ")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("scroll = true", "the US MUTCD (2009, chapter 2L) forbids it on roads"),
        ("pages = true", "two phases of 3 s"),
        ("pitch_mm = 10.0\nread_from_m = 20.0", "10 mm from LED to LED; its number is read at a glance from 50 m"),
    ],
)
def test_check_says_what_drivers_will_not_like(write_site: WriteSite, lines: str, said: str) -> None:
    done = command_line("check", write_site(FULL_SITE.replace("height = 16\n", f"height = 16\n{lines}\n")))
    assert done.returncode == 0
    assert said in done.stdout


def test_check_tells_all_faults_and_exits_2(write_site: WriteSite) -> None:
    path = write_site(LANE_SITE.replace("capacity = 40", "capacity = -1").replace("gpio = 27", "gpio = 17"))
    done = command_line("check", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f'{path}: zone "customers" capacity = -1: it must be at least 1. Raise it.',
        (
            f'{path}: lane "main" inner.gpio = 17: this pin is used by lane "main" outer already. '
            "Wire it to another pin, and write that."
        ),
        "2 faults; nothing was started.",
    ]


def test_check_many_files_tells_how_many_are_good(write_site: WriteSite, tmp_path: Path) -> None:
    good, bad = write_site(LANE_SITE), write_site("[lot]\n", "bad.toml")
    done = command_line("check", good, bad, tmp_path / "none.toml")
    assert done.returncode == 2
    assert done.stdout.splitlines()[-1] == "3 files: 1 good, 2 refused."
    assert "bad.toml: lot.name: missing. Add it." in done.stderr
    assert "none.toml: can't be read (No such file or directory)" in done.stderr
    done = command_line("check", good, good)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "2 files: 2 good, 0 refused.")


@pytest.mark.parametrize("command", ["check", "count", "run", "sign", "web"])
def test_a_site_file_that_is_not_there_is_2(command: str, tmp_path: Path) -> None:
    more = () if command == "check" else ("--state-dir", tmp_path / "state")
    done = command_line(command, tmp_path / "none.toml", *more)
    assert (done.returncode, done.stdout) == (2, "")
    assert "none.toml: can't be read (No such file or directory). Give the path of a site file" in done.stderr
    assert "Traceback" not in done.stderr


# replay


def test_replay_writes_csv_to_stdout_and_a_summary_to_stderr(write_site: WriteSite, recording: Path) -> None:
    done = command_line("replay", recording, "--site", write_site())
    assert (done.returncode, done.stdout) == (0, SHOWN)
    assert "lane main: 1 in, 0 out, 0 back-outs, 0 ambiguous\n" in done.stderr
    assert done.stderr.endswith("zone customers: OPEN (counted), 29 of 40 free\n")


def test_replay_to_a_file(write_site: WriteSite, recording: Path, tmp_path: Path) -> None:
    done = command_line("replay", recording, "--site", write_site(), "--out", tmp_path / "out.csv")
    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "out.csv").read_bytes() == SHOWN.encode()


def test_replay_of_a_packed_recording(write_site: WriteSite, tmp_path: Path) -> None:
    packed = tmp_path / "day.jsonl.gz"
    packed.write_bytes(gzip.compress(CAR.encode()))
    assert command_line("replay", packed, "--site", write_site()).stdout == SHOWN


def test_a_bad_line_ends_the_replay_with_2_unless_lenient(write_site: WriteSite, recording: Path) -> None:
    lines = CAR.splitlines(keepends=True)
    recording.write_text("".join([*lines[:2], "{}\n", *lines[2:], "\n", "nonsense\n"]), "utf-8")
    done = command_line("replay", recording, "--site", write_site())
    assert done.returncode == 2
    assert done.stderr == (
        f'{recording}, line 3: "t" is missing: the time in seconds\nMend the line, or skip such lines with --lenient.\n'
    )
    done = command_line("replay", recording, "--site", write_site(), "--lenient")
    assert (done.returncode, done.stdout) == (0, SHOWN)
    assert done.stderr.splitlines()[0] == (
        f'7 lines: 4 read, 2 refused, 1 empty. The first: {recording}, line 3: "t" is missing: the time in seconds; '
        f"the last: {recording}, line 7: not JSON at character 1: Expecting value"
    )


def test_replay_of_a_recording_that_is_not_there(write_site: WriteSite, tmp_path: Path) -> None:
    done = command_line("replay", tmp_path / "none", "--site", write_site())
    assert done.returncode == 2
    assert f"{tmp_path / 'none'}: No such file or directory. Check the path" in done.stderr
    done = command_line("replay", tmp_path, "--site", write_site())
    assert done.returncode == 2
    assert "is a directory" in done.stderr


def test_replay_into_a_folder_that_is_not_there(write_site: WriteSite, recording: Path, tmp_path: Path) -> None:
    done = command_line("replay", recording, "--site", write_site(), "--out", tmp_path / "none" / "out.csv")
    assert done.returncode == 2
    assert "none/out.csv: No such file or directory" in done.stderr


def test_replay_with_a_bad_site_file(write_site: WriteSite, recording: Path) -> None:
    done = command_line("replay", recording, "--site", write_site("[lot]\n"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "lot.name: missing. Add it." in done.stderr


def test_what_a_message_says_cannot_break_the_summary(write_site: WriteSite, recording: Path) -> None:
    recording.write_text('{"t": 1, "topic": "\\ud800\\u0007ż", "payload": ""}\n', "utf-8")
    done = command_line("replay", recording, "--site", write_site())
    assert done.returncode == 0
    assert "unknown messages on" in done.stderr


def piped(arguments: str) -> tuple[int, str, str]:
    """Run a command with its output cut off after the first line; return its own exit code, that line, and stderr."""
    script = f"{sys.executable} -m controller {arguments} | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, check=False, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_a_reader_who_has_seen_enough_is_no_error(write_site: WriteSite, recording: Path) -> None:
    with recording.open("w", encoding="utf-8") as file:
        for t in range(20_000):
            file.write(f'{{"t": {t}, "correction": {{"zone": "customers", "occupied": {t % 40}}}}}\n')
    code, out, error = piped(f"replay {recording} --site {write_site()}")
    assert (code, out, error) == (0, "t,zone,free,low,high,status,message\n", "")


def test_a_reader_of_an_export_who_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "journal.sqlite")) as journal:
        records = [Record(Corrected("customers", t % 40, float(t)), 0.0) for t in range(20_000)]
        journal.append(records, Clock(0.0, 0.0, 0.0, ""))
    code, out, error = piped(f"record export --state-dir {tmp_path}")
    assert (code, out, error) == (0, '{"t": 0.0, "correction": {"zone": "customers", "occupied": 0}}\n', "")


# record


def test_a_replay_of_what_was_recorded_ends_with_the_same_count(product: Product, tmp_path: Path) -> None:
    process = product.start_count()
    with product.link() as link:
        assert link.command(do="correct", zone="customers", occupied=20, by="test") is None
    with product.pins() as pins:
        drive_in(pins)
        drive_in(pins)
        wait_until(lambda: product.occupied() == 22, "both are counted")
    process.kill()
    process.wait()
    product.start_count()
    with product.pins() as pins:
        drive_out(pins)
        wait_until(lambda: product.occupied() == 21, "it is counted")
    recorded = tmp_path / "site.jsonl.gz"
    done = command_line("record", "export", "--state-dir", product.state_dir, "--out", recorded)
    assert done.returncode == 0
    lines = gzip.decompress(recorded.read_bytes()).decode().splitlines()
    assert done.stderr == f"{len(lines)} lines written\n"
    assert sum('"down"' in line for line in lines) == 1
    done = command_line("replay", recorded, "--site", product.site)
    assert "lane main: 2 in, 1 out" in done.stderr
    assert done.stderr.endswith("zone customers: OPEN (counted), 19 of 40 free\n")
    assert [row.split(",")[2] for row in done.stdout.splitlines()[1:]] == ["30", "20", "19", "18", "19"]
    plain = command_line("record", "export", "--state-dir", product.state_dir, "--days", "1")
    assert plain.stdout.splitlines()[: len(lines)] == lines
    assert command_line("record", "export", "--state-dir", product.state_dir, "--days", "0").stdout == ""


def test_export_without_a_journal_is_2(tmp_path: Path) -> None:
    done = command_line("record", "export", "--state-dir", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Give the folder of the journal with --state-dir" in done.stderr
    assert "Traceback" not in done.stderr


# sign


def test_preview_draws_what_the_panel_shows(tmp_path: Path) -> None:
    done = command_line("sign", "preview", "12", "--out", tmp_path / "12.png")
    assert (done.returncode, done.stderr) == (0, "")
    *picture, _, said = done.stdout.splitlines()
    assert "\n".join(picture) == ascii_art(preview("12", 64, 16))
    assert said == (
        "smallest letters 14 rows = 56 mm: read at a glance from 20 m (3.6 s at 20 km/h), at the eye's limit from 39 m"
    )
    with Image.open(tmp_path / "12.png") as image:
        assert image.format == "PNG"
        assert (image.width % 64, image.height % 16) == (0, 0)
        assert image.width > 64


def test_preview_in_another_size_and_the_words_for_full() -> None:
    done = command_line("sign", "preview", "full", "--width", "128", "--height", "32")
    assert "\n".join(done.stdout.splitlines()[:32]) == ascii_art(preview("brak wolnych miejsc", 128, 32))


def test_preview_of_all_that_a_site_may_add(write_site: WriteSite) -> None:
    rows = command_line("sign", "preview", "12", "--row", "wheelchair=2", "--row", "plug=1", "--colours")
    assert rows.stdout.count("#") > command_line("sign", "preview", "12").stdout.count("#")
    turns = command_line("sign", "preview", "full", "--also", "P2 → 12", "--width", "32", "--height", "8", "--pages")
    assert turns.stdout.endswith("two phases of 3 s each\n")
    run = command_line("sign", "preview", "Wjazd od ulicy Lipowej", "--width", "32", "--height", "8", "--scroll")
    assert run.stdout.endswith("running text: a column of LEDs at a time\n")
    site = command_line("sign", "preview", "7", "--site", write_site(FULL_SITE), "--name", "entrance")
    assert "\n".join(site.stdout.splitlines()[:16]) == ascii_art(preview("7", 64, 16))
    nobody = command_line("sign", "preview", "7", "--site", write_site(FULL_SITE), "--name", "exit")
    assert (nobody.returncode, "no sign exit here. Signs: entrance" in nobody.stderr) == (2, True)
    bad = command_line("sign", "preview", "12", "--row", "plug=many")
    assert (bad.returncode, "write a mark and a number" in bad.stderr) == (2, True)


def test_preview_as_a_driver_sees_it_is_smaller_from_farther_away(tmp_path: Path) -> None:
    widths = []
    for distance in ("10", "40"):
        done = command_line("sign", "preview", "12", "--from", distance, "--out", tmp_path / "seen.png")
        assert (done.returncode, done.stderr) == (0, "")
        with Image.open(tmp_path / "seen.png") as image:
            widths.append(image.width)
    assert widths[0] > 2 * widths[1]


def test_preview_of_what_does_not_fit_is_2(tmp_path: Path) -> None:
    done = command_line("sign", "preview", "konstantynopolitańczykowianeczka", "--out", tmp_path / "x.png")
    assert done.returncode == 2
    assert "cannot show" in done.stderr
    assert not (tmp_path / "x.png").exists()


def test_preview_into_a_folder_that_is_not_there(tmp_path: Path) -> None:
    done = command_line("sign", "preview", "1", "--out", tmp_path / "none" / "x.png")
    assert done.returncode == 1
    assert "Give a path in a folder that exists" in done.stderr


def test_test_shows_patterns_on_the_emulator(write_site: WriteSite) -> None:
    done = command_line("sign", "test", write_site(), "--seconds", "0.1")
    assert done.returncode == 0
    assert "#" * 64 in done.stdout


def test_dark_and_test_know_the_signs_names(write_site: WriteSite) -> None:
    assert command_line("sign", "dark", write_site()).returncode == 0
    done = command_line("sign", "dark", write_site(), "--name", "exit")
    assert done.returncode == 2
    assert "no sign exit here. Signs: entrance" in done.stderr


@pytest.mark.parametrize("command", [("sign",), ("sign", "run")], ids=" ".join)
def test_sign_with_a_site_drives_the_signs(product: Product, command: tuple[str, ...]) -> None:
    process = product.start(*command)
    wait_until((product.run_dir / "sign-entrance.json").exists, "the sign says what it shows")
    process.terminate()
    assert process.wait(5) == 0


def test_the_folders_may_come_from_the_environment(write_site: WriteSite, tmp_path: Path) -> None:
    site = write_site(edited(LANE_SITE, r"\[lot\]", "[lot]\nx = 1"))
    done = command_line("count", site, PARKING_STATE_DIR=str(tmp_path / "s"), PARKING_RUN_DIR=str(tmp_path / "r"))
    assert done.returncode == 2
    assert "lot.x = 1: unknown key" in done.stderr
