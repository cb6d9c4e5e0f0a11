"""How many labels a new survey takes: fine-tuned, trained from scratch, and left as it is.

    python -m benchmarks.learning_curve [--home build/learning] [--only figures]

The survey is that of `benchmarks.shifted`. For 100 to 10,000 labels and three seeds, `universal` is
fine-tuned (`gampen finetune`, as it comes), and a network of the same size is trained from scratch
on the same labels (`gampen train` with `[labels]`: in the eight orientations, with the same split,
errors of labels in the likelihood and early stopping). Each is judged on the same 2,000 galaxies,
by their true values. A cell of the grid is a small file: what is there is not done again. The page
of the documentation and its picture are of all that there is.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.shifted import LABELS, SHIFTED, write_labelled
from gampen.catalog import Column
from gampen.estimator import Estimator
from gampen.inference.sampling import Sampling
from gampen.parameters import MORPHOLOGY
from gampen.plotting.learning import Learned, Way, learning_figure
from gampen.plotting.style import save
from gampen.settings import (
    FinetuneSettings,
    LabelSettings,
    RunSettings,
    SplitSettings,
    TrainingSettings,
)
from gampen.storage.runfiles import write_settings
from gampen.storage.tables import read_catalog, write_catalog
from gampen.training.splits import VALIDATION
from gampen.verbs.finetune import FinetuneRequest, finetune
from gampen.verbs.labelled import Labelled
from gampen.verbs.scoring import Answered, Score
from gampen.verbs.splitting import split_labels
from gampen.verbs.train import TrainRequest, train
from gampen.verbs.tuned import settled

NUMBERS = (1000, 100, 300, 3000, 10_000)
SEEDS = (1, 2, 3)
POOL, TEST, TEST_SEED, POOL_SEED = 10_000, 2_000, 901, 902
SCRATCH_STEPS = {100: 150, 300: 200, 1000: 400, 3000: 600, 10_000: 900}
"""At most: fewer where held-out labels get no likelier for eight epochs."""
BASE = "universal"
DOCS = Path(__file__).parent.parent / "docs"
PAGE, PICTURE = DOCS / "explanation" / "learning.md", DOCS / "images" / "learning.png"
BEGIN, END = "<!-- measured by python -m benchmarks.learning_curve -->", "<!-- end of that -->"
ROOM = 0.03  # of coverage about its level, that fine-tuning must keep
LEFT = "not fine-tuned"
WAYS = ("fine-tuned", "from scratch")


@dataclass(frozen=True)
class Home:
    """Where everything lies."""

    path: Path

    @property
    def pool(self) -> Path:
        """The labelled galaxies."""
        return self.path / "pool"

    @property
    def test(self) -> Path:
        """The galaxies that judge."""
        return self.path / "test"

    def cell(self, way: str, number: int, seed: int) -> Path:
        """The file of a cell."""
        return self.path / "cells" / f"{way.replace(' ', '-')}-{number}-{seed}.npz"

    def table(self, number: int, seed: int) -> Path:
        """The info table of so many labels of a seed, beside the cutouts of the pool."""
        return self.pool / f"labels-{number}-{seed}.csv"


def labels_of(home: Home, number: int, seed: int) -> Path:
    """So many labels: of one seed, each number's are among those of the larger ones."""
    path = home.table(number, seed)
    if not path.exists():
        whole = read_catalog(home.pool / "info.csv")
        order = np.random.default_rng(seed).permutation(len(whole))
        write_catalog(whole.take(np.sort(order[:number])), path)
    return path


def true_values(home: Home) -> Path:
    """The table of test galaxies with their true values as labels, without errors."""
    path = home.test / "truth.csv"
    if not path.exists():
        whole = read_catalog(home.test / "info.csv")
        columns = [Column(name, whole[f"true_{name}"].numbers()) for name in LABELS]
        plain = whole.select(["object_id", "file_name", "psf_fwhm_arcsec"])
        write_catalog(plain.with_columns(columns), path)
    return path


def split(seed: int) -> SplitSettings:
    """A fifth of the labels to stop by; the judges are others."""
    return SplitSettings(validation=0.2, test=0.0, seed=seed)


def fine_tuned(home: Home, number: int, seed: int) -> Path:
    """`universal`, fine-tuned."""
    out = home.path / "runs" / f"fine-tuned-{number}-{seed}"
    settings = FinetuneSettings(split=split(seed), seed=seed)
    request = FinetuneRequest(BASE, labels_of(home, number, seed), out, settings=settings)
    for _ in finetune(request):
        pass
    return out / "best.safetensors"


def from_scratch(home: Home, number: int, seed: int) -> Path:
    """A network of the same size, trained on the same labels."""
    out = home.path / "runs" / f"from-scratch-{number}-{seed}"
    steps = SCRATCH_STEPS[number]
    training = TrainingSettings(
        steps=steps,
        batch_size=64,
        learning_rate=1e-3,
        steps_per_epoch=max(25, steps // 20),
        patience=8,
        average_decay=0.99,
        crop_pull=0.1,
        seed=seed,
    )
    dropout = FinetuneSettings().dropout
    network = replace(Estimator.load(BASE).network.settings, dropout=dropout)
    labels = LabelSettings(labels_of(home, number, seed), split(seed))
    runfile = home.path / "runs" / f"from-scratch-{number}-{seed}.toml"
    runfile.parent.mkdir(parents=True, exist_ok=True)
    write_settings(RunSettings(SHIFTED, network, training, labels=labels), runfile)
    for _ in train(TrainRequest(runfile, out)):
        pass
    galaxies = Labelled.of(labels.folder, MORPHOLOGY)
    held_out = split_labels(galaxies, labels.split)[VALIDATION]
    estimator, _ = settled(Estimator.load(out / "best.safetensors"), galaxies, held_out, dropout)
    estimator.save(out / "settled.safetensors")
    return out / "settled.safetensors"


MADE = dict(zip(WAYS, (fine_tuned, from_scratch), strict=True))


def judge(estimator: Estimator, home: Home, cell: Path) -> None:
    """Write the score on the test galaxies."""
    galaxies = Labelled.of(true_values(home), estimator.space)
    answered = Answered.of(estimator, galaxies, np.arange(TEST), Sampling())
    score = Score.of(answered)
    cell.parent.mkdir(parents=True, exist_ok=True)
    np.savez(cell, surprise=score.surprise, inside=score.inside)
    shares = " ".join(f"{100 * share:.1f}" for share in score.inside.mean(axis=0))
    print(f"{cell.stem}: NLL {score.surprise.mean():.3f}, inside 68.27 %: {shares}", flush=True)


def cells(home: Home) -> Iterator[tuple[str, int, int, Path]]:
    """All that are not there yet: the first number of labels with all seeds, then seed by seed."""
    grid = [(NUMBERS[0], seed) for seed in SEEDS]
    grid += [(number, seed) for seed in SEEDS for number in NUMBERS[1:]]
    for number, seed in grid:
        for way in WAYS:
            path = home.cell(way, number, seed)
            if not path.exists():
                yield way, number, seed, path


def measure(home: Home) -> None:
    """Do what is left to do."""
    write_labelled(home.test, TEST, TEST_SEED)
    write_labelled(home.pool, POOL, POOL_SEED)
    left = home.cell(LEFT, 0, 0)
    if not left.exists():
        judge(Estimator.load(BASE), home, left)
    for way, number, seed, path in cells(home):
        began = time.perf_counter()
        estimator = Estimator.load(MADE[way](home, number, seed))
        took = time.perf_counter() - began
        judge(estimator, home, path)
        print(f"  {way}, {number} labels, seed {seed}: {took:.0f} s", flush=True)


@dataclass(frozen=True, eq=False)
class Cell:
    """What a file of the grid holds: of each galaxy, its surprise and what lies inside."""

    surprise: np.ndarray
    inside: np.ndarray

    @classmethod
    def read(cls, path: Path) -> Cell | None:
        """The cell, if it is there."""
        if not path.exists():
            return None
        with np.load(path) as held:
            return cls(held["surprise"], held["inside"])


def curve(home: Home, way: str, numbers: list[int]) -> Way:
    """The scores of a way, by number of labels and seed; NaN where there is no cell."""
    grid = [[Cell.read(home.cell(way, number, seed)) for seed in SEEDS] for number in numbers]
    nothing = [np.nan] * len(LABELS)
    return Way(
        way,
        np.array([[cell.surprise.mean() if cell else np.nan for cell in row] for row in grid]),
        np.array([[cell.inside.mean(axis=0) if cell else nothing for cell in row] for row in grid]),
    )


def paired(home: Home, number: int, other: str) -> tuple[float, float, int]:
    """By how much fine-tuning is better than another way: nat, standard error, number of seeds.

    Galaxies are the same for all, so that differences are taken galaxy by galaxy. The error is
    that over galaxies, of the mean over seeds, and that over seeds, in quadrature.
    """
    differences = []
    for seed in SEEDS:
        mine = Cell.read(home.cell(WAYS[0], number, seed))
        theirs = home.cell(other, 0, 0) if other == LEFT else home.cell(other, number, seed)
        cells = mine, Cell.read(theirs)
        if cells[0] is not None and cells[1] is not None:
            differences.append(cells[1].surprise - cells[0].surprise)
    if not differences:
        return np.nan, np.nan, 0
    means = np.array(differences)
    galaxies = means.mean(axis=0).std(ddof=1) / np.sqrt(means.shape[1])
    seeds = means.mean(axis=1).std(ddof=1) / np.sqrt(len(means)) if len(means) > 1 else 0.0
    return float(means.mean()), float(np.hypot(galaxies, seeds)), len(means)


def told(values: np.ndarray, scale: float, digits: int) -> str:
    """A mean over seeds with its standard error."""
    known = scale * values[np.isfinite(values)]
    if not len(known):
        return ""
    if len(known) == 1:
        return f"{known[0]:.{digits}f}"
    return f"{known.mean():.{digits}f} +- {known.std(ddof=1) / np.sqrt(len(known)):.{digits}f}"


def rows(home: Home) -> Iterator[str]:
    """The table, in Markdown."""
    numbers = sorted(NUMBERS)
    left = Cell.read(home.cell(LEFT, 0, 0))
    yield "| labels | way | NLL | " + " | ".join(f"{name} [%]" for name in LABELS) + " |"
    yield "| --- | --- | --- |" + " --- |" * len(LABELS)
    if left is not None:
        shares = " | ".join(f"{100 * share:.1f}" for share in left.inside.mean(axis=0))
        yield f"| 0 | {LEFT} | {left.surprise.mean():.3f} | {shares} |"
    ways = [curve(home, way, numbers) for way in WAYS]
    for place, number in enumerate(numbers):
        for way in ways:
            if np.isnan(way.nll[place]).all():
                continue
            shares = " | ".join(told(share, 100, 1) for share in way.covered[place].T)
            yield f"| {number:,} | {way.name} | {told(way.nll[place], 1, 3)} | {shares} |"
    yield ""
    yield "| labels | better than from scratch by [nat] | than without fine-tuning | seeds |"
    yield "| --- | --- | --- | --- |"
    for number in numbers:
        if np.isnan(ways[0].nll[numbers.index(number)]).all():
            continue
        gains = [paired(home, number, other) for other in (WAYS[1], LEFT)]
        cells = [f"{g:.3f} +- {e:.3f} ({g / e:.0f} s.e.)" if n else "" for g, e, n in gains]
        yield f"| {number:,} | {cells[0]} | {cells[1]} | {gains[0][2]} |"


def draw(home: Home, picture: Path) -> None:
    """Draw what there is so far."""
    numbers = sorted(NUMBERS)
    left = Cell.read(home.cell(LEFT, 0, 0))
    assert left is not None
    without = Way(LEFT, left.surprise.mean()[None, None], left.inside.mean(axis=0)[None, None])
    ways = [curve(home, way, numbers) for way in WAYS]
    save(learning_figure(Learned(numbers, list(LABELS), ways, without, ROOM)), picture)


def publish(home: Home) -> None:
    """Write the tables and the picture into the documentation."""
    draw(home, PICTURE)
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    told = "\n".join(rows(home))
    PAGE.write_text(f"{before}{BEGIN}\n{told}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Measure what is left to do, print the tables and publish them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--home", type=Path, default=Path("build") / "learning")
    parser.add_argument("--only", choices=["figures"], help="of what there is so far")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    home = Home(asked.home)
    if asked.only is None:
        measure(home)
    print("\n".join(rows(home)))
    publish(home)


if __name__ == "__main__":
    main()
