"""Recalibration of an estimator made overconfident, made cautious, and as it was trained.

`python -m benchmarks.recalibration [ESTIMATOR [GALAXIES [OTHERS]]]` scales the covariance of the
estimator's posteriors by 0.5 and by 2, by the recalibration in its file; runs `gampen calibrate` on
all three with simulated galaxies; and judges them on others, before and after. Simulations are kept
in `build/recalibration`.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.commands import run
from gampen.calibration.answers import Answers
from gampen.calibration.comparison import ranks_of
from gampen.calibration.corrections import Correction
from gampen.calibration.coverage import LEVELS, TOLERANCES, coverage, curve
from gampen.calibration.null import Null
from gampen.calibration.recalibration import Recalibration
from gampen.calibration.stages import levels_of
from gampen.estimator import Estimator
from gampen.inference.sampling import Sampling
from gampen.settings import SimulationSettings
from gampen.storage.layouts import open_folder
from gampen.storage.runfiles import write_settings
from gampen.verbs.evidence import Evidence

HOME = Path("build") / "recalibration"
ARMS = {"trained": 1.0, "overconfident": 0.5, "cautious": 2.0}
SEEDS = {"calibration": 41, "judgement": 42}


def simulated(settings: SimulationSettings, part: str, galaxies: int) -> Path:
    """A folder of galaxies of the training prior, simulated unless it is there."""
    folder = HOME / f"{part}-{galaxies}"
    if not (folder / "info.csv").exists():
        HOME.mkdir(parents=True, exist_ok=True)
        write_settings(settings, HOME / "simulation.toml")
        where = ("--count", str(galaxies), "--seed", str(SEEDS[part]), "--out", str(folder))
        run("simulate", str(HOME / "simulation.toml"), *where)
    return folder


def stretched(estimator: Estimator, stretch: float) -> Estimator:
    """The estimator with `stretch` times the covariance in all of its posteriors."""
    if stretch == 1:
        return estimator
    parameters = len(estimator.space)
    log_scale = torch.full((parameters,), 0.5 * math.log(stretch), dtype=torch.float64)
    correction = Correction(log_scale, torch.zeros_like(log_scale))
    return replace(estimator, recalibration=Recalibration((correction,)))


def covered(answers: Answers, points: torch.Tensor) -> np.ndarray:
    """Coverage at the levels of T1, one row a parameter, the last for joint regions."""
    marginal = coverage(ranks_of(answers, points), np.array(LEVELS))
    return np.vstack([marginal, curve(levels_of(answers, points), np.array(LEVELS))])


def said(arm: str, state: str, shares: np.ndarray) -> None:
    """A row of the table: coverages [%] of the parameters and of joint regions."""
    cells = [" ".join(f"{100 * share:6.2f}" for share in column) for column in shares.T]
    print(f"| {arm} | {state} | {' | '.join(cells)} |", flush=True)


def main(name: str, galaxies: int, others: int) -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    estimator = Estimator.load(name)
    data = simulated(estimator.simulations, "calibration", galaxies)
    fresh = simulated(estimator.simulations, "judgement", others)
    evidence = Evidence.of(estimator, open_folder(fresh), Sampling())
    print("| arm | | " + " | ".join(f"coverage at {100 * level:.2f} %" for level in LEVELS) + " |")
    found = {}
    for arm, stretch in ARMS.items():
        path, out = HOME / f"{arm}.safetensors", HOME / f"{arm}-calibrated.safetensors"
        stretched(estimator, stretch).save(path)
        cost = run("calibrate", str(path), str(data), "-o", str(out), "--report", str(HOME / arm))
        for state, file in (("before", path), ("after", out)):
            recalibration = Estimator.load(file).recalibration
            found[arm, state] = covered(recalibration.applied(evidence.answers), evidence.points)
            said(arm, state, found[arm, state])
        report = json.loads((HOME / arm / "recalibration.json").read_text())
        print(f"{arm}: {cost.seconds:.1f} s, {cost.megabytes:.0f} MB; stage {report['stage']}")
        print(json.dumps({key: report[key] for key in ("trials", "correction")}))
    room = Null(galaxies, len(estimator.space))
    limits = [max(limit, room.share(x)) for x, limit in zip(LEVELS, TOLERANCES, strict=True)]
    print("limits of T1 [%]:", " ".join(f"{100 * limit:.2f}" for limit in limits))
    for arm in list(ARMS)[1:]:
        off = np.abs(found[arm, "after"] - found["trained", "before"])[:-1].max(axis=0)
        passed = bool((off <= limits).all())
        print(f"{arm}, after, off the trained by at most [%]: {100 * off.round(4)}: {passed}")
        assert passed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", nargs="?", default="universal", help="a shipped one, or a path")
    parser.add_argument("galaxies", type=int, nargs="?", default=3000, help="to calibrate on")
    parser.add_argument("others", type=int, nargs="?", default=3000, help="to judge by")
    asked = parser.parse_args()
    main(asked.name, asked.galaxies, asked.others)
