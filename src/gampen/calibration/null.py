"""What chance alone does to the statistics of a perfect posterior.

Each method gives the value that the statistic's deviation exceeds with the probability
`false_alarm`; where the statistic is the worst of several parameters, with that probability for
any of them. Analytic where there is a formula, else simulated with a generator of its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np
import torch
from jaxtyping import Float64, Int64

FALSE_ALARM = 0.01
"""The probability at which a perfect posterior may fail any check of a whole battery."""
CELLS = 2**20  # simulated at a time
EXCEEDING = 20  # simulated sets beyond a quantile, which is then known to a fifth of its rate


@dataclass(frozen=True)
class Null:
    """A perfect posterior of so many galaxies and parameters."""

    galaxies: int
    parameters: int = 1
    false_alarm: float = FALSE_ALARM

    def among(self, galaxies: int, parts: int = 1) -> Null:
        """The same for other galaxies, and the worst of so many parts of each parameter."""
        return replace(self, galaxies=galaxies, parameters=self.parameters * parts)

    @property
    def rate(self) -> float:
        """The rate of false alarms that is left to each parameter."""
        return self.false_alarm / self.parameters

    def share(self, level: float) -> float:
        """|coverage - level| of the worst parameter: exact, of the binomial distribution."""
        count = torch.arange(self.galaxies + 1, dtype=torch.float64)
        ways = torch.lgamma(torch.tensor(self.galaxies + 1.0, dtype=torch.float64))
        ways = ways - torch.lgamma(count + 1) - torch.lgamma(self.galaxies - count + 1)
        chance = (ways + count * math.log(level)).add((self.galaxies - count) * math.log1p(-level))
        deviation, order = (count / self.galaxies - level).abs().sort()
        beyond = chance.exp()[order].flip(0).cumsum(0).flip(0)
        # The largest deviation that still is reached more often than the rate: none exceeds it.
        return float(deviation[beyond > self.rate].max())

    def kolmogorov(self) -> float:
        """The Kolmogorov-Smirnov distance of the worst parameter's ranks from uniform.

        The first term of Kolmogorov's series with Stephens's correction for a finite number
        (1970, doi:10.1111/j.2517-6161.1970.tb00821.x), good to two percent from twenty galaxies on.
        """
        root = math.sqrt(self.galaxies)
        return math.sqrt(-0.5 * math.log(self.rate / 2)) / (root + 0.12 + 0.11 / root)

    def curve(self, levels: Float64[np.ndarray, " level"]) -> float:
        """The largest deviation of a curve of coverage over these levels: simulated."""
        steps = np.diff(levels, prepend=0, append=1)
        counts = self._generator.multinomial(self.galaxies, steps, size=self._sets)
        shares = counts.cumsum(axis=1)[:, :-1] / self.galaxies
        return self._quantile(np.abs(shares - levels).max(axis=1))

    def rms(self, counts: Int64[np.ndarray, " bin"], level: float) -> float:
        """The rms deviation of the worst parameter's coverage in bins of these counts: simulated.

        Bins weigh by their count. In parts, so that memory stays bounded.
        """
        counts = counts[counts > 0]
        sets, generator = math.ceil(EXCEEDING / self.rate), self._generator
        squares = [
            (np.square(generator.binomial(counts, level, (size, len(counts))) - counts * level))
            @ (1 / counts)
            for size in _parts(sets, CELLS // len(counts))
        ]
        mean = np.concatenate(squares) / counts.sum()
        return math.sqrt(float(np.quantile(mean, 1 - self.rate, method="higher")))

    def mean(self) -> float:
        """|mean z-score| of the worst parameter."""
        return _gaussian(self.rate) / math.sqrt(self.galaxies)

    def deviation(self, fourth_moment: float) -> float:
        """|deviation of the z-scores - 1| of the worst parameter, given their fourth moment."""
        return _gaussian(self.rate) * math.sqrt((fourth_moment - 1) / (4 * self.galaxies))

    def area(self) -> float:
        """|area under a cross-validated classifier's curve - 0.5|.

        Mann and Whitney's variance twice over: by chance alone two folds seem alike both when the
        one is learnt from and the other judged, and the other way round.
        """
        return self.normal(math.sqrt((2 * self.galaxies + 1) / 6) / self.galaxies)

    def normal(self, error: float) -> float:
        """|deviation| of one Gaussian statistic of this standard error."""
        return _gaussian(self.false_alarm) * error

    @property
    def _sets(self) -> int:
        """The number of sets to simulate."""
        return math.ceil(EXCEEDING / self.false_alarm)

    @property
    def _generator(self) -> np.random.Generator:
        """The same draws each time, so that limits depend on nothing else."""
        return np.random.default_rng(0)

    def _quantile(self, values: Float64[np.ndarray, " set"]) -> float:
        """What a share of `false_alarm` of the simulated sets exceeds."""
        return float(np.quantile(values, 1 - self.false_alarm, method="higher"))


def _parts(total: int, most: int) -> list[int]:
    """Numbers of at most that size that add up to the total."""
    return [min(most, total - start) for start in range(0, total, most)]


def _gaussian(rate: float) -> float:
    """The deviations from the mean, to either side, that a Gaussian exceeds at a rate."""
    return NormalDist().inv_cdf(1 - rate / 2)
