"""``parking-controller score``: how good what was shown was, against what was true."""

from pathlib import Path

import click

from controller.cli_shared import fail


@click.command()
@click.argument("recording_dir", type=click.Path(file_okay=False, path_type=Path))
@click.argument("replayed", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the table.")
def score(recording_dir: Path, replayed: Path, *, as_json: bool) -> None:
    """Score the CSV that replay wrote against the truth in a folder that simulate wrote.

    \b
    Example:  parking-controller score build/shop build/shop/shown.csv
    """
    import dataclasses
    import json

    from controller.score import score_files, table
    from controller.score_files import ScoreError

    try:
        result = score_files(recording_dir, replayed)
    except ScoreError as error:
        fail(str(error))
    click.echo(json.dumps(dataclasses.asdict(result), indent=2) if as_json else table(result))
