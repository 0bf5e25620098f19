"""``parking-controller decoder``: the lane decoder's automaton and truth table, printed from the code itself."""

from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from controller.domain.report import Passage


@click.command()
@click.option(
    "--direction",
    type=click.Choice(["entry", "exit", "both"]),
    default="entry",
    show_default=True,
    help="Which way vehicles may use the lane.",
)
@click.option("--barrier", is_flag=True, help="The lane has a barrier with a contact: its stories.")
@click.option(
    "--passages",
    type=click.IntRange(0, 20_000),
    default=200,
    show_default=True,
    help="How many ordinary passages the lane has seen before.",
)
@click.option("--automaton", is_flag=True, help="Print the table of the automaton instead.")
def decoder(direction: Literal["entry", "exit", "both"], passages: int, *, barrier: bool, automaton: bool) -> None:
    """Print what a lane of two loops makes of vehicles: sequence of edges, then verdicts with their chances.

    A is the outer loop, B the inner one, R the barrier; + is covered (or: the arm is up), with the time in seconds.

    \b
    Example:  parking-controller decoder --direction both
    """
    from controller.domain import decoder_table
    from controller.domain.specs import Direction

    if automaton:
        click.echo(_columns(("phase", "step", "next", "verdict"), decoder_table.automaton()))
        return
    for row in decoder_table.truth_table(Direction(direction), barrier=barrier, passages=passages):
        click.echo(f"{row.name}\n    {row.story}")
        for passage in row.passages:
            click.echo(f"    -> {told(passage)}")
            if passage.doubt:
                click.echo(f"         {passage.doubt}")
        if not row.passages:
            click.echo("    -> nothing")
        for fault in row.faults:
            click.echo(f"    fault: {fault}")


def told(passage: "Passage") -> str:
    """Return a passage in one line: what, when (s), and how likely."""
    said = [f"in {passage.chance_in:.2f}", f"out {passage.chance_out:.2f}"]
    if passage.another:
        said.append(f"one more {passage.another:.3f}")
    if passage.seen_by:
        said.append(f"seen by the {passage.seen_by} loop only")
    said += ["tailgating"] * passage.tailgating + ["wrong way"] * passage.wrong_way
    return f"{passage.kind.replace('_', '-')} at {passage.at:g} s: {', '.join(said)}"


def _columns(head: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> str:
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join(line.rstrip() for line in lines)
