"""`python -m benchmarks.card [ESTIMATOR [GALAXIES [OUT [PART ...]]]]`: a card's figures, as JSON.

Counts scale with GALAXIES (10,000 unless told): the battery takes all, each survey a fifth, the
bound a tenth twice. Each part is printed and saved as soon as it is known; without PARTs, all are.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.card.rotation import rotation
from benchmarks.card.sharpness import sharpness
from benchmarks.card.tasks import by_magnitude, by_survey, in_prior, original_task, zoom_and_radius
from benchmarks.flags import flags
from gampen import Estimator

SEED = 20_261
ALL = 10_000


def main(
    name: str = "universal", galaxies: str = str(ALL), out: str = "build/card.json", *chosen: str
) -> None:
    """Measure everything, or the parts that are chosen."""
    torch.set_num_threads(1)
    estimator, number, path = Estimator.load(name), int(galaxies), Path(out)
    given = (estimator, estimator.simulations)
    parts: dict[str, Callable[[], object]] = {
        "in_prior": lambda: in_prior(*given, number, SEED),
        "sharpness": lambda: sharpness(*given, number // 10, SEED + 1),
        "zoom": lambda: zoom_and_radius(*given, number // 5, SEED + 2),
        "original_task": lambda: original_task(*given, number // 10, SEED + 3),
        "by_magnitude": lambda: by_magnitude(*given, number // 5, SEED + 4),
        "rotation": lambda: rotation(*given, max(64, number // 80), SEED + 5),
        "surveys": lambda: dict(by_survey(*given, number // 5, SEED + 10)),
        "flags": lambda: flags(estimator, number // 10),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, object] = {"estimator": dict(estimator.provenance)}
    for part, measure in parts.items():
        if chosen and part not in chosen:
            continue
        began = time.perf_counter()
        found[part] = measure()
        print(f"## {part} ({time.perf_counter() - began:.0f} s)", flush=True)
        print(json.dumps(found[part], indent=1), flush=True)
        path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
