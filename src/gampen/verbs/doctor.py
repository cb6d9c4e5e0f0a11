"""`gampen doctor`: what environment this is, and whether gampen works well in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter

from gampen.errors import reason_of
from gampen.shipped import estimator_file, galaxies, shipped_names
from gampen.verbs.environment import extras, packages, platform
from gampen.verbs.findings import Fact, Finding, Verdict
from gampen.verbs.machine import devices, space, threads

Examination = Callable[[], Iterable[Finding]]
ESTIMATOR, GALAXY = "universal", "cosmos-196417"
"""What the self-check predicts."""

LIKELY_RADII = 0.3, 3.0
"""[arcsec] Hubble measured 0.9 of that galaxy: beyond a factor of three an answer is wrong."""


def doctor() -> Iterator[Finding]:
    """Everything that was looked at, section by section; what cannot be looked at is a fault."""
    for section, examine in EXAMINATIONS.items():
        try:
            yield from examine()
        except Exception as error:  # noqa: BLE001 - a broken library may raise anything
            advice = "install gampen anew in an environment of its own"
            said = f"must be found out; got: {type(error).__name__}: {reason_of(error)}"
            yield Finding(section, section, said, Verdict.FAULT, advice)


def estimators() -> Iterator[Finding]:
    """Every shipped estimator: read, and held against its own digest."""
    names = sorted({ESTIMATOR, *shipped_names()})
    return (_estimator(name) for name in names)


def _estimator(name: str) -> Finding:
    from gampen.errors import EstimatorError
    from gampen.estimator import Estimator
    from gampen.storage.estimators import DIGEST

    path, started = estimator_file(name), perf_counter()
    try:
        estimator = Estimator.load(path)
    except EstimatorError as error:
        return Finding("estimators", name, str(error), Verdict.FAULT, "install gampen anew")
    seconds, size = perf_counter() - started, path.stat().st_size
    digest = estimator.provenance[DIGEST]
    said = f"intact, {size / 1e6:.1f} MB, read in {seconds:.2f} s, sha256 {digest[:12]}"
    facts: dict[str, Fact] = {"path": str(path), "bytes": size, "seconds": seconds, DIGEST: digest}
    return Finding("estimators", name, said, facts=facts)


def self_check() -> Iterator[Finding]:
    """One real galaxy predicted twice: a posterior that can be, the same bits, and how long."""
    from gampen.estimator import Estimator
    from gampen.storage.sources import load_cutouts

    estimator, cutouts = Estimator.load(ESTIMATOR), load_cutouts(galaxies())
    galaxy = cutouts.take([list(cutouts.object_ids).index(GALAXY)])
    seconds, said = [], []
    for _ in range(2):
        started = perf_counter()
        said.append(estimator.predict(galaxy))
        seconds.append(perf_counter() - started)
    radius = float(said[0]["effective_radius"].median)
    low, high = (float(edge) for edge in said[0]["effective_radius"].interval(0.68)[0])
    facts = {"radius": radius, "first_seconds": seconds[0], "next_seconds": seconds[1]}
    found = f"effective radius {radius:.2f} arcsec ({low:.2f} to {high:.2f} with 68 %)"
    timed = f"first in {seconds[0]:.2f} s, next in {seconds[1]:.2f} s"
    sound = LIKELY_RADII[0] < radius < LIKELY_RADII[1]
    yield Finding(
        "self-check",
        "posterior",
        f"{GALAXY}: {found}, {timed}",
        Verdict.GOOD if sound else Verdict.FAULT,
        "" if sound else "must be 0.3 to 3 arcsec: install torch anew",
        facts,
    )
    same = bool((said[0].pack() == said[1].pack()).all())
    yield Finding(
        "self-check",
        "repeated",
        "the same bits" if same else "must be the same bits; other ones came",
        Verdict.GOOD if same else Verdict.FAULT,
        "" if same else "set OMP_NUM_THREADS=1, or install torch anew",
    )


EXAMINATIONS: dict[str, Examination] = {
    "environment": platform,
    "packages": packages,
    "threads": threads,
    "devices": devices,
    "extras": extras,
    "estimators": estimators,
    "self-check": self_check,
    "space": space,
}
"""In the order in which they are made."""
