"""T14: how well flags tell troubles from galaxies of the prior, and how often they are wrong.

    python -m benchmarks.flags [ESTIMATOR] [GALAXIES]

Fresh galaxies, that no guard was taught or limited with. For each kind of trouble: the area under
the curve of its own odds against the prior, of all galaxies and of those at S/N above 50; the share
that any flag, and its own, finds at the guard's limits. Then the false alarms, flag by flag.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from gampen.calibration.classifier import area
from gampen.cutouts import Cutouts, Flag
from gampen.errors import GalaxyError
from gampen.estimator import Estimator
from gampen.inference.flags import guard_flags, guard_scores
from gampen.inference.limits import PriorLimits
from gampen.inference.sampling import Sampling, infer
from gampen.photometry import signal_to_noise
from gampen.simulation.scenes import Scenes
from gampen.simulation.troubles import TROUBLES
from gampen.verbs.guard import troubled, usual
from gampen.verbs.simulate import cutouts_of

SEED = 777_000
BRIGHT = 50.0
FALSE_ALARMS_FROM = 20  # times as many galaxies of the prior as of each kind of trouble
GUARDED = int(
    sum({kind.kind.flag for kind in TROUBLES}, Flag.OUT_OF_DISTRIBUTION | Flag.NETWORK_IN_DOUBT)
)


@dataclass(frozen=True)
class Seen:
    """What was said of galaxies: a guard's scores, all flags, and their true S/N."""

    scores: np.ndarray
    flags: np.ndarray
    signal: np.ndarray


def see(estimator: Estimator, scenes: Iterator[Scenes]) -> Seen:
    """What an estimator says of simulated galaxies."""
    found = []
    for part in scenes:
        cutouts = Cutouts.of(cutouts_of(part, estimator.simulations))
        try:
            inferred = infer(estimator.own_network, cutouts, Sampling(), estimator.guard)
        except GalaxyError:
            print(f"{len(cutouts)} galaxies are left out: one of them has no distribution")
            continue
        flags = guard_flags(estimator.guard, inferred)
        flags |= PriorLimits(estimator.simulations, estimator.space).flags(cutouts, inferred)
        told = (part.values[n] for n in ("flux", "effective_radius", "psf_fwhm"))
        signal = signal_to_noise(*told, part.sky_sigma)
        found.append((guard_scores(inferred).numpy(), flags, signal.numpy()))
    return Seen(*(np.concatenate(parts) for parts in zip(*found, strict=True)))


def flags(estimator: Estimator, galaxies: int) -> dict[str, object]:
    """Every kind of trouble, and the false alarms, from so many galaxies of each kind."""
    normal = see(estimator, usual(estimator.simulations, FALSE_ALARMS_FROM * galaxies, SEED))
    rows = []
    for place, trouble in enumerate(TROUBLES):
        scenes = troubled(estimator.simulations, trouble, galaxies, SEED + 1 + place)
        rows.append(compared(see(estimator, scenes), normal, place))
        print(rows[-1], flush=True)
    rate = float(np.mean((normal.flags & GUARDED) != 0))
    each = {flag.name: float(np.mean((normal.flags & int(flag)) != 0)) for flag in Flag}
    return {
        "troubles": rows,
        "galaxies": len(normal.flags),
        "false_alarms": rate,
        "error": (rate * (1 - rate) / len(normal.flags)) ** 0.5,
        "each": {name: share for name, share in each.items() if share},
    }


def compared(seen: Seen, normal: Seen, place: int) -> dict[str, object]:
    """How one kind of trouble is told from the prior."""
    kind = TROUBLES[place].kind
    bright, usual_bright = seen.signal > BRIGHT, normal.signal > BRIGHT
    own, prior = seen.scores[:, place], normal.scores[:, place]
    return {
        "trouble": kind.name,
        "area": area(own, prior),
        "area_bright": area(own[bright], prior[usual_bright]),
        "any_flag": float(np.mean((seen.flags[bright] & GUARDED) != 0)),
        "own_flag": float(np.mean((seen.flags[bright] & int(kind.flag)) != 0)),
    }


def main() -> None:
    """Print everything."""
    name = sys.argv[1] if len(sys.argv) > 1 else "universal"
    galaxies = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
    torch.set_num_threads(1)
    estimator = Estimator.load(name)
    assert estimator.guard is not None, f"{name} must have a guard: gampen guard {name} --out FILE"
    print(json.dumps(flags(estimator, galaxies), indent=1))


if __name__ == "__main__":
    main()
