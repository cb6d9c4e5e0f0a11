"""`gampen survey`: what a survey's galaxies are like, and whether an estimator covers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from gampen.calibration.coverage import LEVELS, Verdict, coverage
from gampen.calibration.null import Null
from gampen.calibration.ranks import ranks as ranks_of
from gampen.calibration.truths import Truths
from gampen.catalog import Catalog
from gampen.cutouts import Cutout, Cutouts
from gampen.errors import UsageError
from gampen.estimator import Estimator
from gampen.inference.sampling import Sampling
from gampen.plotting.style import save
from gampen.plotting.surveys import survey_figure
from gampen.settings import Range
from gampen.simulation.fitness import Law, laws_of, seen_in, share_outside, trained_ranges
from gampen.simulation.scenes import BLOCK, Simulator
from gampen.verbs.outputs import claim_file
from gampen.verbs.runs import read_simulation
from gampen.verbs.simulate import cutouts_of, scenes_of, truths

Progress = Callable[[int, int], None]
Seen = Mapping[str, Float64[np.ndarray, " galaxy"]]
QUANTILES = (0.025, 0.16, 0.5, 0.84, 0.975)
TRAINED = 512  # galaxies of an estimator's own simulations, for what its settings do not say
SLACK = 0.02  # beyond the ends of a range that is none
MOST_OUTSIDE = 0.05  # of a survey's galaxies in any quantity
SAMPLE_SEED = 2_000_003


@dataclass(frozen=True)
class SurveyRequest:
    """Which survey, the picture if one is wanted, and the estimator that may cover it."""

    runfile: Path
    picture: Path | None = None
    estimator: str | None = None
    galaxies: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers of galaxies from which nothing follows, and seeds below zero."""
        if self.galaxies < BLOCK or self.seed < 0:
            raise UsageError(
                f"galaxies must be at least {BLOCK} and seed at least 0; got {self.galaxies} and "
                f"{self.seed}"
            )


@dataclass(frozen=True)
class Fitness:
    """How far an estimator covers a survey.

    `outside`: the share of galaxies beyond what it was trained on; `covered`: of each parameter the
    shares of truths inside the intervals of `LEVELS`, which for posteriors that are true differ
    from the levels by more than `chance` in one survey of a hundred.
    """

    estimator: str
    outside: Mapping[str, float]
    covered: Mapping[str, tuple[float, ...]]
    chance: tuple[float, ...]

    @property
    def beyond(self) -> list[str]:
        """The quantities of which too much lies beyond training, the worst first."""
        worst = [name for name, share in self.outside.items() if share > MOST_OUTSIDE]
        return sorted(worst, key=lambda name: -self.outside[name])

    def said(self, verdict: Verdict) -> list[str]:
        """The parameters whose posteriors deserve this verdict."""
        chance = np.array(self.chance)
        return [n for n, s in self.covered.items() if Verdict.of(np.array(s), chance) is verdict]

    @property
    def fits(self) -> bool:
        """Whether nothing speaks against the estimator; posteriors may be too wide."""
        return not self.beyond and not self.said(Verdict.OVERCONFIDENT)


@dataclass(frozen=True)
class Surveyed:
    """A survey's laws, quantiles of what its galaxies are like, and how an estimator fits."""

    name: str
    laws: list[Law]
    quantiles: dict[str, tuple[float, ...]]
    fitness: Fitness | None
    picture: Path | None


def survey(request: SurveyRequest, progress: Progress = lambda *_: None) -> Surveyed:
    """Draw a survey's galaxies, say and show what they are like, and try an estimator on them."""
    prepared = read_simulation(request.runfile)
    settings = prepared.settings
    simulator = Simulator(settings, request.seed, prepared.materials)
    estimator = None if request.estimator is None else Estimator.load(request.estimator)
    picture = None if request.picture is None else claim_file(request.picture)
    seen, cutouts, table = drawn(simulator, request.galaxies, progress)
    ranges = fitness = None
    if estimator is not None:
        ranges = ranges_of(estimator)
        fitness = fitness_of(estimator, share_outside(seen, ranges, SLACK), cutouts, table)
    if picture is not None:
        save(survey_figure(seen, cutouts, ranges), picture)
    return Surveyed(
        settings.survey.name,
        laws_of(settings, prepared.materials),
        quantiles_of(seen),
        fitness,
        picture,
    )


def drawn(
    simulator: Simulator, galaxies: int, progress: Progress
) -> tuple[Seen, list[Cutout], Catalog]:
    """Some galaxies of a survey: what they are like, their images, their truths."""
    seen: list[Seen] = []
    cutouts: list[Cutout] = []
    tables = []
    settings = simulator.settings
    for start, scenes in scenes_of(simulator, galaxies):
        seen.append(seen_in(scenes, settings))
        cutouts += cutouts_of(scenes, settings, start)
        tables.append(truths(scenes, settings, start))
        progress(start + len(scenes), galaxies)
    return joined(seen), cutouts, Catalog.cat(tables)


def joined(parts: Sequence[Mapping[str, np.ndarray]]) -> Seen:
    """What the galaxies of all parts are like."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def ranges_of(estimator: Estimator) -> dict[str, Range]:
    """The ends of what an estimator was trained on."""
    settings = estimator.simulations
    drawn_again = scenes_of(Simulator(settings, SAMPLE_SEED), TRAINED)
    sample = joined([seen_in(scenes, settings) for _, scenes in drawn_again])
    return trained_ranges(settings, sample)


def quantiles_of(seen: Seen) -> dict[str, tuple[float, ...]]:
    """`QUANTILES` of each quantity, of those galaxies of which it is known."""
    found = {}
    for name, values in seen.items():
        known = values[np.isfinite(values)]
        if known.size:
            found[name] = tuple(np.quantile(known, QUANTILES).tolist())
    return found


def fitness_of(
    estimator: Estimator, outside: Mapping[str, float], cutouts: list[Cutout], table: Catalog
) -> Fitness:
    """How an estimator fits, its posteriors compared with the truths of these galaxies."""
    posterior = estimator.predict(Cutouts.of(cutouts), Sampling())
    matched = Truths.match(posterior, table)
    found = ranks_of(matched.posterior, matched.values)
    shares = coverage(found, np.array(LEVELS))
    names = matched.posterior.space.names
    null = Null(len(matched), len(names) * len(LEVELS))
    return Fitness(
        estimator.name,
        outside,
        {name: tuple(row) for name, row in zip(names, shares.tolist(), strict=True)},
        tuple(null.share(level) for level in LEVELS),
    )
