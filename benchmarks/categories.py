"""`python -m benchmarks.categories [ESTIMATOR [GALAXIES]]`: how often a category is right.

On simulated galaxies like Hyper Suprime-Cam Wide i: the share that has a label, the share of those
whose truth is on its side, and in bins of the probabilities how many belong to the category.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from benchmarks.card.sets import draw, examine
from gampen import Estimator
from gampen.inference.categories import Accuracy, Categories
from gampen.settings import SimulationSettings
from gampen.simulation.surveys import survey
from gampen.storage.runfiles import read_settings

RUNFILE = Path(__file__).parent.parent / "examples" / "runs" / "hsc_wide_i.toml"
CONFIDENCES = (0.6, 0.8, 0.9, 0.95)
SEED = 2026


def main(estimator: str = "universal", galaxies: str = "2000") -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    settings = read_settings(RUNFILE, SimulationSettings, {"survey": survey})
    groups = draw(settings, int(galaxies), SEED)
    found = examine(Estimator.load(estimator), settings, groups)
    truth = found.truth[:, found.posterior.space.index("bulge_to_total")]
    print("| confidence | with a label | of these right |")
    for confidence in CONFIDENCES:
        categories = Categories(confidence=confidence)
        accuracy = Accuracy.of(categories, categories.of(found.posterior), truth)
        print(f"| {confidence:g} | {accuracy.determinate:.3f} | {accuracy.right:.3f} |")
    print("\n| probability told | galaxies | belong |")
    for number, told, belong in zip(
        accuracy.number, accuracy.expected, accuracy.found, strict=True
    ):
        print(f"| {told:.3f} | {number:.0f} | {belong:.3f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
