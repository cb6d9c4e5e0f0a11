"""What every runner shares: galaxies read from an .npz, rows written to a CSV one by one.

Runs in the environments of the fitting codes, so it needs numpy alone. A run that was stopped goes
on where it was; a galaxy that fails is a row that says why, and stops no other.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

COMPONENT = ("flux", "effective_radius", "index", "axis_ratio", "angle")
PARAMETERS = (
    *("x", "y"),
    *(f"bulge_{name}" for name in COMPONENT),
    *(f"disk_{name}" for name in COMPONENT),
    "sky",
)
FIELDS = (
    *("object_id", "status", "seconds", "processor_seconds"),
    *PARAMETERS,
    *("covariance", "flux", "effective_radius"),
)
OK = "ok"
START_SHARE = 0.5  # of the light that is in the bulge
START_RADIUS = {"bulge": 0.5, "disk": 1.2}  # [half-light radius]
LIMITS = {
    "index": (0.5, 8.0),
    "axis_ratio": (0.1, 1.0),
    "effective_radius": (0.2, 60.0),  # [pixel]
}
INDEX_RANGE = {"bulge": (3.0, 5.0), "disk": (0.8, 1.2)}  # told to every fit: what was drawn from


@dataclass(frozen=True, eq=False)
class Galaxy:
    """One galaxy as a code is given it; `mask` is True where pixels are to be left out.

    `psf` holds the pixel's response, `optical_psf` does not; `start` are the moments by name.
    """

    object_id: str
    pixels: np.ndarray
    variance: np.ndarray
    psf: np.ndarray
    optical_psf: np.ndarray
    mask: np.ndarray
    segment: np.ndarray
    start: dict[str, float]

    def start_of(self, part: str) -> dict[str, float]:
        """Where the fit of the bulge or the disk begins."""
        share = START_SHARE if part == "bulge" else 1 - START_SHARE
        return {
            "flux": share * self.start["flux"],
            "effective_radius": START_RADIUS[part] * self.start["effective_radius"],
            "index": sum(INDEX_RANGE[part]) / 2,
            "axis_ratio": min(self.start["axis_ratio"], 0.95),
            "angle": self.start["angle"],
        }


@dataclass(frozen=True, eq=False)
class Fit:
    """What a code found: `values` by name, their covariance or draws [draw, parameter] if any.

    Covariance and draws are of `PARAMETERS`, in their order; a parameter without error has zeros.
    """

    values: dict[str, float]
    covariance: np.ndarray | None = None
    draws: np.ndarray | None = None
    status: str = OK


@dataclass(frozen=True)
class Results:
    """The CSV of a run, and beside it a folder of draws."""

    path: Path
    done: set[str] = field(default_factory=set)

    @classmethod
    def open(cls, path: Path) -> Results:
        """The results so far; a row that was not written whole is dropped."""
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_text(",".join(FIELDS) + "\n")
        whole = path.read_text().rpartition("\n")[0] + "\n"
        path.write_text(whole)
        return cls(path, {row["object_id"] for row in csv.DictReader(whole.splitlines())})

    def add(self, object_id: str, fit: Fit, spent: tuple[float, float]) -> None:
        """Write one row; `spent` is the time [s] on the clock and of the processor."""
        row = {"object_id": object_id, "status": fit.status}
        row |= {"seconds": f"{spent[0]:.4f}", "processor_seconds": f"{spent[1]:.4f}"}
        row |= {name: f"{value:.9g}" for name, value in fit.values.items()}
        if fit.covariance is not None:
            upper = fit.covariance[np.triu_indices(len(PARAMETERS))]
            row["covariance"] = " ".join(f"{value:.9g}" for value in upper)
        if fit.draws is not None:
            folder = self.path.with_suffix("")
            folder.mkdir(exist_ok=True)
            np.save(folder / f"{object_id}.npy", fit.draws.astype(np.float32))
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, FIELDS, restval="", lineterminator="\n").writerow(row)


def index_sigma(part: str) -> float:
    """The standard deviation of the range of Sersic indices that is told."""
    low, high = INDEX_RANGE[part]
    return float((high - low) / np.sqrt(12))


def galaxies(path: Path, count: int) -> Iterator[Galaxy]:
    """The first galaxies of a sample."""
    with np.load(path) as found:
        arrays = {name: found[name] for name in found.files}
    names = [str(name) for name in arrays["moments"]]
    for place, object_id in enumerate(arrays["object_id"][:count]):
        yield Galaxy(
            object_id=str(object_id),
            pixels=arrays["pixels"][place].astype(np.float64),
            variance=arrays["variance"][place].astype(np.float64),
            psf=arrays["psf"][place].astype(np.float64),
            optical_psf=arrays["optical_psf"][place].astype(np.float64),
            mask=arrays["mask"][place],
            segment=arrays["segments"][place] == arrays["own"][place],
            start=dict(zip(names, arrays["start"][place].tolist(), strict=True)),
        )


def main(fit: Callable[[Galaxy], Fit]) -> None:
    """Fit the galaxies that the command line asks for: SAMPLE.npz OUT.csv [--count N]."""
    parser = argparse.ArgumentParser()
    parser.add_argument("sample", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=200)
    asked = parser.parse_args()
    results = Results.open(asked.out)
    for galaxy in galaxies(asked.sample, asked.count):
        if galaxy.object_id not in results.done:
            began = time.perf_counter(), time.process_time()
            found = attempt(fit, galaxy)
            ended = time.perf_counter(), time.process_time()
            results.add(galaxy.object_id, found, (ended[0] - began[0], ended[1] - began[1]))
            print(f"{galaxy.object_id}: {found.status}", flush=True)


def attempt(fit: Callable[[Galaxy], Fit], galaxy: Galaxy) -> Fit:
    """The fit, or why there is none."""
    try:
        found = fit(galaxy)
    except Exception as error:  # noqa: BLE001 - whatever a code raises is its failure
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        return Fit({}, status=reason[:120].replace(",", ";"))
    numbers = [value for value in (found.covariance, found.draws) if value is not None]
    if not all(np.isfinite(value).all() for value in (*found.values.values(), *numbers)):
        return Fit({}, status="not finite")
    return found
