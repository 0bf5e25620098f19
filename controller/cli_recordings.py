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
def replay(recording: Path, site: Path, out: Path | None, *, lenient: bool) -> None:
    """Run a recording through the count as fast as it goes; CSV of what the sign would have shown, summary to stderr.

    \b
    Example:  parking-controller replay yesterday.jsonl.gz --site site.toml --out shown.csv
    """
    loaded = load_site(site)
    from controller.recording import Reader, RecordingError
    from controller.replay import Replay

    reader = Reader(recording, lenient=lenient)
    try:
        with _output(out) as file, _progress(recording, reader) as tick:
            replayed = Replay(loaded, file)
            replayed.run(reader, tick)
    except RecordingError as error:
        fail(f"{error}\nMend the line, or skip such lines with --lenient.")
    except BrokenPipeError:  # whoever read the CSV has seen enough
        raise SystemExit(0) from None
    except OSError as error:
        fail(f"{error.filename or recording}: {error.strerror or error}. Check the path")
    if reader.bad:
        click.echo(f"{many(reader.bad, 'bad line')} skipped; the last: {reader.last_bad}", err=True)
    click.echo(replayed.summary(), err=True)


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
