"""Outcomes -> the table, what it does not reach, and the page ``accuracy.md`` (its text is in ``page.md``)."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from statistics import fmean, median

from controller.accuracy.matrix import COVERAGE, Case, Row
from controller.accuracy.runner import Outcome
from controller.score import Score

BASELINES = ("pulses", "quadrature", "timing")

HEADING = (
    "scenario",
    *BASELINES,
    "hindsight",
    "ours (least-most)",
    "reach",
    "false free / full %",
    "reach",
    "by 5 % or more",
    "near full",
    "p95 / p99",
    "low-high holds",
    "width",
    "no number",
    "dark",
)


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table with what its seeds came to, at least one."""

    row: Row
    outcomes: tuple[Outcome, ...]

    def mean(self, of: Callable[[Score], float | None]) -> float | None:
        """Return the mean of a measure over the seeds that have it; None: no seed has."""
        return _mean(of(o.ours) for o in self.outcomes)

    def baseline(self, name: str) -> float | None:
        """Return a baseline's mean absolute error."""
        return _mean(o.baselines[name].mae for o in self.outcomes)

    @property
    def maes(self) -> list[float]:
        """The mean absolute error of each seed that has one."""
        return [mae for o in self.outcomes if (mae := o.ours.mae) is not None]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def lines(rows: Sequence[Row], outcomes: Iterable[Outcome]) -> list[Line]:
    """Gather outcomes by row, in the table's order."""
    by_scenario: dict[str, list[Outcome]] = {}
    for one in sorted(outcomes, key=lambda one: one.case.seed):
        by_scenario.setdefault(one.case.scenario, []).append(one)
    return [Line(row, tuple(by_scenario[row.scenario])) for row in rows if row.scenario in by_scenario]


def table(found: Sequence[Line]) -> str:
    """Return the table in Markdown, with its columns aligned for those who read it in a terminal."""
    return aligned([HEADING, *map(_cells, found)])


def _cells(line: Line) -> tuple[str, ...]:
    reach, maes = line.row.reach, line.maes
    spread = f" ({min(maes):.2f}-{max(maes):.2f})" if len(maes) > 1 else ""
    return (
        line.row.scenario,
        *(_spaces(line.baseline(name)) for name in BASELINES),
        _spaces(_mean(o.hindsight for o in line.outcomes)),
        f"**{_spaces(line.mean(lambda s: s.mae))}**{spread}",
        f"{reach.mae:g}",
        f"{_percent(line.mean(lambda s: s.false_free))} / {_percent(line.mean(lambda s: s.false_full))}",
        "" if reach.false_free is None else f"{reach.false_free:g} / {reach.false_full:g}",
        f"{_percent(line.mean(lambda s: s.false_free_large))} / {_percent(line.mean(lambda s: s.false_full_large))}",
        _spaces(line.mean(lambda s: s.near_full_mae)),
        f"{_spaces(line.mean(lambda s: s.p95), 1)} / {_spaces(line.mean(lambda s: s.p99), 1)}",
        f"{_percent(line.mean(lambda s: s.coverage), 0)} %",
        _spaces(line.mean(lambda s: s.width), 1),
        f"{_percent(line.mean(lambda s: s.no_number))} %",
        f"{_percent(line.mean(lambda s: s.dark))} %",
    )


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown, its first row the heading, with its columns aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    body = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    body.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(body)


def unmet(found: Iterable[Line]) -> list[str]:
    """Say what the lines do not reach, one text for each target."""
    return [text for line in found for text in _unmet(line)]


def _unmet(line: Line) -> Iterable[str]:
    reach = line.row.reach
    asked = (
        ("mean absolute error", lambda s: s.mae, reach.mae, "spaces"),
        ("false free", lambda s: 100 * s.false_free, reach.false_free, "% of all time"),
        ("false full", lambda s: 100 * s.false_full, reach.false_full, "% of all time"),
        ("false free by 5 % or more", lambda s: 100 * s.false_free_large, reach.large, "% of all time"),
        ("false full by 5 % or more", lambda s: 100 * s.false_full_large, reach.large, "% of all time"),
    )
    for what, of, limit, unit in asked:
        value = line.mean(of)
        if limit is None:
            continue
        if value is None:
            yield f"{line.row.scenario}: {what}: no number was ever shown; {limit:g} {unit} is to be reached"
        elif _rounded(value, limit) > limit:
            yield f"{line.row.scenario}: {what} {value:.2f}, {limit:g} {unit} is to be reached"
    covered = line.mean(lambda s: s.coverage)
    if line.row.covers and (covered is None or not COVERAGE[0] <= covered <= COVERAGE[1]):
        least, most = (100 * share for share in COVERAGE)
        yield (
            f"{line.row.scenario}: low-high holds the truth {_percent(covered, 1)} % of the time, "
            f"{least:.0f} to {most:.0f} % is to be reached"
        )


def _rounded(value: float, limit: float) -> float:
    """Return the value with as many digits as its target has, at least two."""
    return round(value, max(2, -math.floor(math.log10(limit))))


def drift_table(found: Iterable[Outcome]) -> str:
    """Return the long runs' errors, ten days by ten days."""
    runs = list(found)
    windows = max((len(one.ours.p99_by_window) for one in runs), default=0)
    heading = ["scenario", "mean absolute error", *(f"p99 of days {10 * n + 1}-{10 * n + 10}" for n in range(windows))]
    body = [
        [one.case.scenario, _spaces(one.ours.mae), *(_spaces(p99, 1) for p99 in one.ours.p99_by_window)]
        + [""] * (windows - len(one.ours.p99_by_window))
        for one in runs
    ]
    return aligned([heading, *body])


def drifting(found: Iterable[Outcome]) -> list[str]:
    """Say which long runs end worse than they began."""
    said = []
    for one in found:
        windows = [p99 for p99 in one.ours.p99_by_window if p99 is not None]
        if len(windows) > 1 and windows[-1] > windows[0]:
            said.append(
                f"{one.case.scenario}: the 99th percentile of the error is {windows[-1]:g} spaces "
                f"in the last ten days, {windows[0]:g} in the first: it is not to grow"
            )
    return said


def fault_table(found: Iterable[Line]) -> str:
    """Return how faults of the detectors were noticed, for the lots that had some; empty when none had."""
    rows = [_fault_cells(line) for line in found if any(o.naming.episodes for o in line.outcomes)]
    heading = (
        "scenario",
        "faults",
        "no vehicle",
        "named",
        "after its beginning",
        "after the first vehicle",
        "vehicles",
        "mistakenly",
        "error until a day after",
        "else",
    )
    return aligned([heading, *rows]) if rows else ""


def _fault_cells(line: Line) -> tuple[str, ...]:
    namings = [o.naming for o in line.outcomes]
    named = [one for naming in namings for one in naming.named]
    return (
        line.row.scenario,
        str(sum(n.episodes for n in namings)),
        str(sum(n.quiet for n in namings)),
        str(len(named)),
        _middle_and_most([one.after_s / 60 for one in named], " min"),
        _middle_and_most([one.after_first_s / 60 for one in named], " min"),
        _middle_and_most([one.vehicles for one in named]),
        str(sum(n.mistaken for n in namings)),
        _spaces(_mean(n.mae_meanwhile for n in namings)),
        _spaces(_mean(n.mae_else for n in namings)),
    )


def _middle_and_most(values: Sequence[float], unit: str = "") -> str:
    return f"{median(values):.0f}, {max(values):.0f}{unit}" if values else "-"


def page(
    found: Sequence[Line], drift: Sequence[Outcome], command: str, pictures: Mapping[str, str], cases: Sequence[Case]
) -> str:
    """Return the whole page; ``pictures`` are the paths of plots, by what they show."""
    seeds, days = len({case.seed for case in cases}), sorted({case.days for case in cases})
    slowest = max((o.replay_s / o.case.days for line in found for o in line.outcomes), default=0.0)
    misses = [*unmet(found), *drifting(drift)]
    template = resources.files("controller.accuracy").joinpath("page.md").read_text("utf-8")
    return template.format(
        command=command,
        runs=f"{seeds} {'seed' if seeds == 1 else 'seeds'}, {' or '.join(f'{d:g}' for d in days)} days",
        table=table(found),
        unmet="\n".join(f"- {miss}" for miss in misses) or "Nothing: every target is reached.",
        usual=", ".join(f"{line.row.scenario} {_usual(line)}" for line in found),
        faults=fault_table(found) or "None of these lots has any.",
        drift=drift_table(drift) if drift else "No long run was asked for.",
        pictures="\n\n".join(f"![{about}]({path})" for about, path in pictures.items()),
        slowest=f"{30 * slowest:.0f}",
    )


def _usual(line: Line) -> str:
    return "/".join(str(o.usual) for o in line.outcomes)


def _spaces(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _percent(share: float | None, digits: int = 2) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f}"
