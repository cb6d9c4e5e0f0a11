"""What `gampen predict` is asked for."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import gampen
from gampen.cutouts import describe_flags
from gampen.errors import UsageError
from gampen.estimator import Estimator
from gampen.inference.categories import DEFAULT, Categories
from gampen.inference.sampling import Sampling
from gampen.storage.estimators import DIGEST
from gampen.storage.fits import Known
from gampen.storage.layouts import is_file
from gampen.storage.mosaics import Cutting
from gampen.storage.runfiles import plain
from gampen.storage.sources import Source
from gampen.storage.tables import format_of
from gampen.verbs.galaxies import open_galaxies

FACTS = ("psf_fwhm", "pixel_scale")
NO_MATTER = ("batch_size", "device")
"""What of the sampling changes no bit, or is said by its kind alone."""


@dataclass(frozen=True)
class PredictRequest:
    """What to predict, with what, and where to.

    `out` is a table, or, where the name has no suffix, a folder of the catalogue's parts. `draws`
    joint draws of each galaxy go to a second one beside `out`; `known` facts go before those of
    catalogue and headers; to `explain` is to hold each image against what its posterior expects,
    which takes ten times as long. `workers` processes share the work where there are two or more,
    or those of a `cluster`, which is the address of a Dask scheduler. Where there are `mosaics`,
    `source` is a catalogue of positions in them, and `cutting` says how they are cut out.
    """

    source: Path
    out: Path
    estimator: str = "universal"
    known: Known = field(default_factory=Known)
    sampling: Sampling = field(default_factory=Sampling)
    draws: int = 0
    categories: Categories = DEFAULT
    explain: bool = False
    workers: int = 1
    cluster: str | None = None
    mosaics: tuple[Path, ...] = ()
    cutting: Cutting = field(default_factory=Cutting)

    def __post_init__(self) -> None:
        """Refuse what no galaxy could be predicted with."""
        for name, least in (("draws", 0), ("workers", 1)):
            if getattr(self, name) < least:
                told = "samples" if name == "draws" else name
                raise UsageError(f"{told} must be at least {least}; got {getattr(self, name)}")
        if self.cluster is not None and self.workers > 1:
            raise UsageError(
                "the work must be done by --workers of this machine or by a --cluster; got both: "
                "choose one"
            )
        if not self.in_parts:
            format_of(self.out)
        for name in FACTS:
            value = getattr(self.known, name)
            if value is not None and not 0 < value < math.inf:
                raise UsageError(f"{name} must be a positive number; got {value}")
        if self.known.zero_point is not None and not math.isfinite(self.known.zero_point):
            raise UsageError(f"zero_point must be a number; got {self.known.zero_point}")

    @property
    def elsewhere(self) -> bool:
        """Whether other processes do the work."""
        return self.workers > 1 or self.cluster is not None

    def absolute(self) -> PredictRequest:
        """The same request with paths that hold in any process."""
        psf = self.known.psf_file
        named = self.estimator.isidentifier() or not is_file(Path(self.estimator))
        return replace(
            self,
            source=self.source.absolute(),
            out=self.out.absolute(),
            mosaics=tuple(mosaic.absolute() for mosaic in self.mosaics),
            estimator=self.estimator if named else str(Path(self.estimator).absolute()),
            known=replace(self.known, psf_file=None if psf is None else psf.absolute()),
        )

    @property
    def in_parts(self) -> bool:
        """Whether the catalogue stays in parts."""
        return not self.out.suffix

    @property
    def beside(self) -> Path:
        """Where the draws go."""
        return self.out.with_name(f"{self.out.stem}-draws{self.out.suffix}")

    @property
    def results(self) -> tuple[Path, ...]:
        """All that is written in the end."""
        return (self.out, self.beside) if self.draws else (self.out,)

    def open(self) -> Source:
        """The galaxies asked for; `UsageError` where there are none, or no such PSF."""
        return open_galaxies(self.source, self.mosaics, self.cutting, self.known)

    def settings(self, estimator: Estimator) -> dict[str, str]:
        """All that decides what is predicted of a galaxy, as text by name."""
        known = {name: str(value) for name, value in vars(self.known).items() if value is not None}
        if self.known.psf_file is not None:
            known["psf_file"] = hashlib.sha256(self.known.psf_file.read_bytes()).hexdigest()
        sampling = {n: str(v) for n, v in vars(self.sampling).items() if n not in NO_MATTER}
        return {
            **{f"known {name}": text for name, text in known.items()},
            **sampling,
            "device": self.sampling.device.partition(":")[0],
            "samples": str(self.draws),
            "categories": json.dumps(vars(self.categories)),
            "explain": str(self.explain),
            "estimator": estimator.name,
            "estimator_sha256": estimator.provenance.get(DIGEST, ""),
            "gampen_version": gampen.__version__,
        }

    def provenance(self, estimator: Estimator) -> dict[str, str]:
        """What the catalogue says of how it came about, so that it can be made again."""
        levels = estimator.recalibration.levels
        return {
            **({} if levels is None else levels.metadata),
            "gampen_version": gampen.__version__,
            "estimator": estimator.name,
            "estimator_sha256": estimator.provenance.get(DIGEST, ""),
            "training_prior": json.dumps(plain(estimator.prior)),
            "passes": str(self.sampling.passes),
            "seed": str(self.sampling.seed),
            "flags": json.dumps(describe_flags()),
        }
