"""`python -m benchmarks.card.examples NAME [GALAXIES [FILE]]`: an example's card, measured.

The battery on galaxies of the training prior that training never saw, and what follows from pairs.
FILE is an estimator that is not shipped, whose figures are only printed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64

from benchmarks.card.sets import GROUP, joined
from benchmarks.card.write import BEGIN, END, share, table
from gampen import Cutouts, Estimator, Posterior
from gampen.calibration.battery import Battery
from gampen.calibration.calibration import Calibration
from gampen.calibration.ranks import uniform_distance
from gampen.ellipses import stems
from gampen.inference.sampling import Sampling
from gampen.settings import Scaling
from gampen.simulation.scenes import Simulator
from gampen.verbs.simulate import cutouts_of

SEED = 40_261
SHIPPED = Path("src/gampen/shipped")
LEVELS = ("68.27", "95.45", "99.73")
SEAM = 15.0  # [degree] on either side of 0 that are judged apart

Figures = dict[str, object]


@dataclass(frozen=True)
class Seen:
    """Posteriors of fresh galaxies with their truths, and what is known of their images."""

    posterior: Posterior
    truth: Float64[np.ndarray, "galaxy parameter"]
    known: dict[str, Float64[np.ndarray, " galaxy"]]
    angles: dict[str, Float64[np.ndarray, " galaxy"]]


def seen(estimator: Estimator, galaxies: int, seed: int) -> Seen:
    """What an estimator says of fresh galaxies of its training prior."""
    parts = list(groups(estimator, galaxies, seed))
    known = {name: np.concatenate([part.known[name] for part in parts]) for name in parts[0].known}
    angles = {n: np.concatenate([part.angles[n] for part in parts]) for n in parts[0].angles}
    truth = np.concatenate([part.truth for part in parts])
    return Seen(joined([part.posterior for part in parts]), truth, known, angles)


def groups(estimator: Estimator, galaxies: int, seed: int) -> Iterator[Seen]:
    """The same, in groups of one frame size."""
    settings, space = estimator.prior, estimator.space
    scale = settings.survey.pixel_scale
    lengths = [p.scaling is Scaling.LENGTH for p in space]
    for step in range(-(-galaxies // GROUP)):
        scenes = Simulator(settings, seed).batch(step, GROUP)
        cutouts = Cutouts.of(cutouts_of(scenes, settings))
        found = estimator.examine(cutouts, Sampling())
        medians = dict(zip(space.names, found.posterior.median.T.numpy(), strict=True))
        known = {"flux": medians["flux"] / found.sky_sigma, "crop_scale": found.crop_scale}
        shown = [n for n in ("bulge_to_total", "index") if n in medians]
        radius = "disk_effective_radius" if "bulge_to_total" in medians else "effective_radius"
        told = np.nan_to_num(scenes.psf_fwhm.double().numpy(), nan=3.5)
        known |= {n: medians[n] for n in shown} | {"radius_over_fwhm": medians[radius] / told}
        truth = scenes.truth(space).double().numpy() * np.where(lengths, scale, 1.0)
        angles = {stem: scenes.values[f"{stem}angle"].double().numpy() for stem in stems(space)}
        yield Seen(found.posterior, truth, known, angles)


def ellipses(found: Seen) -> Iterator[tuple[str, Figures]]:
    """Coverage of the axis ratio and the position angle of each pair, and of angles at the seam."""
    for stem, place in stems(found.posterior.space).items():
        ellipse = found.posterior.ellipse(stem)
        truth = torch.from_numpy(found.truth)
        ratio = (-truth[:, place].square() - truth[:, place + 1].square()).exp()
        angle = torch.from_numpy(found.angles[stem]).remainder(180)
        near = (torch.minimum(angle, 180 - angle) < SEAM).numpy()
        ranks = {
            f"{stem}axis_ratio": ellipse.axis_ratio.cdf(ratio).numpy(),
            f"{stem}position_angle": ellipse.position_angle.cdf(angle).numpy(),
        }
        ranks[f"{stem}position_angle at the seam"] = ranks[f"{stem}position_angle"][near]
        ranks[f"{stem}position_angle elsewhere"] = ranks[f"{stem}position_angle"][~near]
        for name, values in ranks.items():
            yield name, {"galaxies": len(values), "ks": uniform_distance(values), **covered(values)}


def covered(ranks: Float64[np.ndarray, " galaxy"]) -> Figures:
    """Shares inside the equal-tailed intervals."""
    return {level: float((np.abs(2 * ranks - 1) < float(level) / 100).mean()) for level in LEVELS}


def measure(estimator: Estimator, galaxies: int) -> Figures:
    """All figures of a card."""
    began = time.perf_counter()
    found = seen(estimator, galaxies, SEED)
    battery = Battery.of(found.posterior, found.truth, found.known, SEED)
    calibration = Calibration.of(found.posterior, found.truth)
    return {
        **battery.report(),
        "calibration": calibration.report(),
        "ellipses": dict(ellipses(found)),
        "seconds": time.perf_counter() - began,
    }


def text(found: dict[str, object]) -> str:
    """The figures as they stand on a card."""
    checks: dict[str, dict[str, object]] = found["checks"]  # type: ignore[assignment]
    rows = [
        [
            str(check["test"]),
            name.replace("_", " "),
            f"{check['value']:.4f}",
            f"{check['threshold']:.4f}",
            "yes" if check["passed"] else "**no**",
            str(check["where"]).replace("_", " "),
        ]
        for name, check in checks.items()
    ]
    kept: dict[str, dict[str, float]] = found["calibration"]["parameters"]  # type: ignore[index]
    shares = [[f"`{n}`", *(share(p[f"coverage_{x}"]) for x in LEVELS)] for n, p in kept.items()]
    derived: dict[str, dict[str, float]] = found["ellipses"]  # type: ignore[assignment]
    shares += [[n.replace("_", " "), *(share(p[x]) for x in LEVELS)] for n, p in derived.items()]
    inside = table(["quantity", *(f"truths inside {x} %" for x in LEVELS)], shares)
    head = ["test", "statistic", "found", "allowed", "passed", "worst at"]
    return (
        f"### True? {found['galaxies']:,} galaxies of the training prior\n\n{inside}\n\n"
        f"{table(head, rows)}\n\nAllowed is the larger of the release threshold and chance: all "
        f"checks together fail {share(float(str(found['false_alarm'])))} % of perfect posteriors. "
        f"At the seam: true angles within {SEAM:g} degrees of 0 or 180."
    )


def main(name: str, galaxies: str = "20000", file: str = "") -> None:
    """Measure, print, and write the card of what is shipped."""
    torch.set_num_threads(1)
    found = measure(Estimator.load(file or name), int(galaxies))
    print(text(found))
    out = Path(f"build/card_{name}.json")
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(found, indent=1) + "\n")
    if not file:
        card = SHIPPED / f"{name}.md"
        before, rest = card.read_text().split(BEGIN)
        card.write_text(f"{before}{BEGIN}\n\n{text(found)}\n\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
