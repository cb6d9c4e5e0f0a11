"""The estimator: all that prediction needs, in one file.

>>> from gampen import Estimator, load_cutouts
>>> posterior = Estimator.load("universal").predict(load_cutouts("examples/hsc"))
>>> posterior.space.names
('bulge_to_total', 'effective_radius', 'flux')
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64, Int32, Int64
from torch import Tensor

from gampen.calibration.answers import Answers
from gampen.calibration.recalibration import Recalibration
from gampen.cutouts import Cutouts
from gampen.errors import EstimatorError, UsageError, reason_of
from gampen.inference.cropping import Cropped, crops
from gampen.inference.flags import TrainedRange, guard_flags
from gampen.inference.limits import PriorLimits
from gampen.inference.published import crops_published, infer_published
from gampen.inference.sampling import AS_IS, Inferred, Sampling, infer
from gampen.network.guard import Guard
from gampen.network.network import GampenNetwork
from gampen.network.published import PublishedNetwork
from gampen.networks import network_of, notes_of
from gampen.parameters import ParameterSpace
from gampen.posterior import Posterior
from gampen.prior import Prior
from gampen.settings import SimulationSettings
from gampen.shipped import estimator_file, shipped_names
from gampen.simulation.laws import prior_of
from gampen.storage.estimators import DIGEST, read_tensors, write_tensors
from gampen.storage.layouts import is_file
from gampen.storage.runfiles import build, plain

FORMAT = "gampen estimator 1"
LABELS = "labels_sha256"
"""In the provenance of an estimator that was fitted to labels: their digest."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """Posteriors, and how the network came to them.

    `crop_theta` maps the square of the crop into that of the frame, `crop_scale` is its side over
    the frame's, `sky_sigma` [image units] the noise that was measured, `flags` a bit mask.
    """

    posterior: Posterior
    crop_theta: Float64[np.ndarray, "galaxy 2 3"]
    crop_scale: Float64[np.ndarray, " galaxy"]
    sky_sigma: Float64[np.ndarray, " galaxy"]
    flags: Int32[np.ndarray, " galaxy"]

    @classmethod
    def cat(cls, predictions: Sequence[Prediction]) -> Prediction:
        """The galaxies of all predictions of one estimator, one after the other."""
        arrays = {n: np.concatenate([getattr(p, n) for p in predictions]) for n in OF_IMAGES}
        return cls(Posterior.cat([p.posterior for p in predictions]), **arrays)

    def select(self, galaxies: Int64[np.ndarray, " selected"]) -> Prediction:
        """What was predicted of the chosen galaxies, in the order chosen."""
        arrays = {name: getattr(self, name)[galaxies] for name in OF_IMAGES}
        return Prediction(self.posterior.select(galaxies.tolist()), **arrays)


OF_IMAGES = ("crop_theta", "crop_scale", "sky_sigma", "flags")
"""What a prediction says beside posteriors."""


@dataclass(frozen=True, eq=False)
class Estimator:
    """A trained network with its recalibration, the prior it was trained on, where it came from."""

    network: GampenNetwork | PublishedNetwork
    prior: SimulationSettings | None  # none is known of an estimator that was trained elsewhere
    provenance: Mapping[str, str] = field(default_factory=dict)
    guard: Guard | None = None
    recalibration: Recalibration = field(default_factory=Recalibration)

    @property
    def own_network(self) -> GampenNetwork:
        """The network, where it is one of gampen's own; `UsageError` for a published one."""
        if isinstance(self.network, GampenNetwork):
            return self.network
        raise UsageError(
            f"the estimator must be one that gampen trained; {self.name} was imported: predict, "
            "crop, evaluate and calibrate take it, or train anew"
        )

    @property
    def simulations(self) -> SimulationSettings:
        """The simulations that it was trained on; `UsageError` where these are not known."""
        if self.prior is None:
            raise UsageError(
                f"the estimator must know what it was trained on; {self.name} was imported: use "
                "one that gampen trained"
            )
        return self.prior

    @property
    def space(self) -> ParameterSpace:
        """The parameters that it predicts."""
        return self.network.space

    @property
    def name(self) -> str:
        """Its name."""
        return self.provenance.get("name", "unnamed")

    @classmethod
    def load(cls, name: str | Path) -> Estimator:
        """A shipped estimator by name, or any by the path of its file.

        `EstimatorError` where there is none, or the file is damaged or of another kind.
        """
        path = locate(name)
        tensors, metadata = read_tensors(path)
        if metadata.get("format") != FORMAT:
            raise EstimatorError(
                f"{path} must be a {FORMAT!r}; got {metadata.get('format')!r}; use the version of "
                f"gampen that wrote it"
            )
        try:
            return cls._from_file(tensors, metadata)
        except Exception as error:  # the notes may say anything, and be nested a million deep
            raise EstimatorError(
                f"{path} must hold a whole estimator; got: {reason_of(error)}"
            ) from error

    @classmethod
    def _from_file(cls, tensors: dict[str, Tensor], metadata: dict[str, str]) -> Estimator:
        space = ParameterSpace.from_json(metadata["parameters"])
        guard, others = Guard.of_file(tensors, metadata)
        recalibration, weights = Recalibration.of_file(others, metadata)
        network = network_of(space, json.loads(metadata["network"]), tensors, weights)
        noted = json.loads(metadata["prior"])
        prior = None if noted is None else build(SimulationSettings, noted, "prior.")
        provenance = {**json.loads(metadata["provenance"]), DIGEST: metadata[DIGEST]}
        return cls(network, prior, provenance, guard, recalibration)

    def save(self, path: Path | str) -> None:
        """Write it to one safetensors file."""
        provenance = {key: value for key, value in self.provenance.items() if key != DIGEST}
        metadata = {
            "format": FORMAT,
            "parameters": self.space.to_json(),
            "network": json.dumps(notes_of(self.network)),
            "prior": json.dumps(plain(self.prior)),
            "provenance": json.dumps(provenance),
            **(self.guard.metadata if self.guard else {}),
            **self.recalibration.metadata,
        }
        guarding = self.guard.tensors if self.guard else {}
        tensors = self.network.state_dict() | guarding | self.recalibration.tensors
        write_tensors(Path(path), tensors, metadata)

    def infer(self, cutouts: Cutouts, sampling: Sampling) -> Inferred:
        """What the network says of every galaxy, in pixels and sky sigmas."""
        if isinstance(self.network, PublishedNetwork):
            return infer_published(self.network, cutouts, sampling)
        return infer(self.network, cutouts, sampling, self.guard)

    def crops(self, cutouts: Cutouts, sampling: Sampling = AS_IS) -> list[Cropped]:
        """What the network looks at of every galaxy."""
        if isinstance(self.network, PublishedNetwork):
            return crops_published(self.network, cutouts, sampling)
        return crops(self.network, cutouts, sampling)

    def predict(self, cutouts: Cutouts, sampling: Sampling | None = None) -> Posterior:
        """The posterior of every galaxy, in physical units."""
        return self.examine(cutouts, sampling).posterior

    def examine(self, cutouts: Cutouts, sampling: Sampling | None = None) -> Prediction:
        """The posterior of every galaxy, with its crop, noise and flags.

        `GalaxyError` where the network returns no distribution for one of them, `UsageError` for
        what is no `Cutouts`.
        """
        if not isinstance(cutouts, Cutouts):
            raise UsageError(
                f"galaxies must be given as Cutouts; got {type(cutouts).__name__}: "
                "Cutouts.of([cutout, ...]) or load_cutouts(folder) makes them"
            )
        inferred = self.infer(cutouts, sampling or Sampling())
        inferred = self._recalibrated(inferred, cutouts)
        sky_sigma = inferred.sky_sigma.double().numpy()
        return Prediction(
            posterior=self._physical(inferred, cutouts),
            crop_theta=inferred.theta.double().numpy(),
            crop_scale=inferred.zoom.double().numpy(),
            sky_sigma=sky_sigma,
            flags=self._flags(cutouts, inferred),
        )

    def _flags(self, cutouts: Cutouts, inferred: Inferred) -> Int32[np.ndarray, " galaxy"]:
        """All flags: the cutouts' own, what was out of range, what a guard says, where data end."""
        sky_sigma = inferred.sky_sigma.double().numpy()
        flags = self._trained_range.flags(cutouts, sky_sigma)
        if self.prior is not None:
            flags |= PriorLimits(self.prior, self.space).flags(cutouts, inferred)
        return flags if self.guard is None else flags | guard_flags(self.guard, inferred)

    @property
    def _trained_range(self) -> TrainedRange:
        """What it has seen; a published network, which has one size of frames, all larger ones."""
        if isinstance(self.network, PublishedNetwork):
            return TrainedRange((self.network.settings.cutout_size, math.inf), (0.0, math.inf))
        return TrainedRange.of(self.simulations)

    def _recalibrated(self, inferred: Inferred, cutouts: Cutouts) -> Inferred:
        """What the network says, corrected."""
        psf_fwhm = torch.from_numpy(cutouts.psf_fwhms)
        known = (inferred.epistemic.double(), inferred.zoom.double(), psf_fwhm)
        answers = Answers(inferred.mixture.to(torch.float64), *known)
        found = self.recalibration.applied(answers, self.space)
        return replace(inferred, mixture=found.mixture, epistemic=found.epistemic)

    def _physical(self, inferred: Inferred, cutouts: Cutouts) -> Posterior:
        """The network's mixtures in arcsec (pixels where the scale is unknown) and image units."""
        scales = torch.from_numpy(cutouts.unit_scales)
        slope, offset = self.space.physical_map(scales, inferred.sky_sigma.double())
        return Posterior(
            space=self.space,
            mixture=inferred.mixture.to(torch.float64).affine(slope, offset),
            epistemic=inferred.epistemic.double() * slope[:, :, None] * slope[:, None, :],
            object_ids=np.array(cutouts.object_ids, dtype=str),
            zero_points=torch.from_numpy(cutouts.zero_points),
            prior=self.training_prior,
        )

    @property
    def training_prior(self) -> Prior:
        """The prior of those parameters whose law does not depend on a galaxy's own image.

        `gampen.simulation.laws` says which these are. Of an estimator that was fitted to labels
        nothing is known: its prior is their galaxies', whatever these are.
        """
        if self.prior is None or LABELS in self.provenance:
            return Prior()
        laws = prior_of(self.prior.prior).laws
        return Prior({name: law for name, law in laws.items() if name in self.space.names})


def locate(name: str | Path) -> Path:
    """The file of a shipped estimator, or the path itself; `EstimatorError` where neither is."""
    if str(name).isidentifier() and is_file(inside := estimator_file(str(name))):
        return inside
    if is_file(Path(name)):
        return Path(name)
    names = ", ".join(shipped_names())
    raise EstimatorError(
        f"the estimator must be a file or one of {names or 'none shipped'}; got {str(name)!r}"
    )
