"""``parking-controller replay`` and ``record``: what happened on site, on a laptop."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import click

from controller.cli_shared import STATE_DIR, fail, load_site, many, places


@click.command()
@click.argument("recording", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--site", "site", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The site file.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the CSV here.  [default: stdout]")
@click.option("--lenient", is_flag=True, help="Count and skip bad lines instead of ending at the first.")
@click.option(
    "--compare",
    "other",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Show what this other site file would have counted, where they differ (with --out as CSV).",
)
def replay(recording: Path, site: Path, out: Path | None, other: Path | None, *, lenient: bool) -> None:
    """Run a recording through the count as fast as it goes; CSV of what the sign would have shown, summary to stderr.

    With --compare, run it under two site files, and show passage by passage what each counted, where they differ.

    \b
    Example:  parking-controller replay yesterday.jsonl.gz --site site.toml --out shown.csv
    Tune:     parking-controller replay yesterday.jsonl.gz --site site.toml --compare tuned.toml
    """
    loaded, compared = load_site(site), None if other is None else load_site(other)
    from controller.recording import RecordingError

    try:
        if compared is None:
            _replay(recording, loaded, out, lenient=lenient)
        else:
            _compare(recording, loaded, compared, out, lenient=lenient)
    except RecordingError as error:
        fail(f"{error}\nMend the line, or skip such lines with --lenient.")
    except BrokenPipeError:  # whoever read the CSV has seen enough
        raise SystemExit(0) from None
    except OSError as error:
        fail(f"{error.filename or recording}: {error.strerror or error}. Check the path")


def _replay(recording: Path, site: Any, out: Path | None, *, lenient: bool) -> None:
    from controller.recording import Reader
    from controller.replay import Replay

    reader = Reader(recording, lenient=lenient)
    with _output(out) as file, _progress(recording, reader) as tick:
        replayed = Replay(site, file)
        replayed.run(reader, tick)
    _tell_bad(reader)
    click.echo(replayed.summary(), err=True)


def _compare(recording: Path, site: Any, other: Any, out: Path | None, *, lenient: bool) -> None:
    from controller.compare import differences, replayed, summary, text, write_csv
    from controller.recording import Reader

    def replayed_under(one: Any) -> Any:
        reader = Reader(recording, lenient=lenient)
        with _progress(recording, reader) as tick:
            side = replayed(one, reader, tick)
        if one is site:
            _tell_bad(reader)
        return side

    before, after = replayed_under(site), replayed_under(other)
    found = differences(before, after)
    if out is None:
        click.echo(text(before, after, found))
        return
    with _output(out) as file:
        write_csv(found, file)
    click.echo(summary(before, after, found), err=True)


def _tell_bad(reader: Any) -> None:
    if reader.bad:
        counts = f"{reader.read} read, {reader.bad} refused" + (f", {reader.empty} empty" if reader.empty else "")
        more = f"; the last: {reader.last_bad}" if reader.bad > 1 else ""
        click.echo(f"{many(reader.lines, 'line')}: {counts}. The first: {reader.first_bad}{more}", err=True)


@contextlib.contextmanager
def _output(path: Path | None) -> Iterator[IO[str]]:
    if path is None:
        yield sys.stdout
        sys.stdout.flush()
        return
    with path.open("w", encoding="utf-8", newline="") as file:
        yield file


PROGRESS_BYTES = 2_000_000
"""A recording below this size (bytes) is replayed before a bar could be read."""


@contextlib.contextmanager
def _progress(recording: Path, reader: Any) -> Iterator[Callable[[float], None]]:
    """Show how far the replay is, on a terminal, when it is long."""
    size = recording.stat().st_size
    if not sys.stderr.isatty() or size < PROGRESS_BYTES:
        yield lambda _at: None
        return
    with click.progressbar(length=size, label="replay", file=sys.stderr) as bar:

        def tick(_at: float) -> None:
            if reader.lines % 2000 == 0:
                bar.update(reader.position() - bar.pos)

        yield tick
        bar.update(size - bar.pos)


@click.group()
def record() -> None:
    """Take what the service recorded to a laptop."""


@record.command("export")
@STATE_DIR
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write here, gzip if it ends in .gz.")
@click.option("--days", type=click.FloatRange(min=0), help="Only the last so many days.  [default: all that is kept]")
def record_export(state_dir: Path, out: Path | None, days: float | None) -> None:
    """Write the journal's raw inputs as a recording that replay reads. Safe while the service runs.

    \b
    Example:  parking-controller record export --state-dir /var/lib/parking-controller --out site.jsonl.gz
    """
    import gzip
    import time

    from controller.journal import JournalError, export

    since = None if days is None else time.time() - days * 86_400
    packed = out is not None and out.suffix == ".gz"
    try:
        lines = export(places(state_dir, None).journal, since)
        with gzip.open(out, "wt", encoding="utf-8") if out is not None and packed else _output(out) as file:
            number = 0
            for line in lines:
                file.write(line + "\n")
                number += 1
    except JournalError as error:
        fail(f"{error}. Give the folder of the journal with --state-dir")
    except BrokenPipeError:
        raise SystemExit(0) from None
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}. Check the path", 1)
    click.echo(f"{many(number, 'line')} written", err=True)
