"""The estimator: all that prediction needs, in one file.

>>> from gampen import Estimator, load_cutouts
>>> posterior = Estimator.load("universal").predict(load_cutouts("my_galaxies"))  # doctest: +SKIP
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64, Int32, Int64
from torch import Tensor

from gampen import shipped
from gampen.calibration.answers import Answers
from gampen.calibration.recalibration import Recalibration
from gampen.cutouts import Cutouts
from gampen.errors import EstimatorError, reason_of
from gampen.inference.flags import TrainedRange, guard_flags
from gampen.inference.limits import PriorLimits
from gampen.inference.sampling import Inferred, Sampling, infer
from gampen.network.guard import Guard
from gampen.network.network import GampenNetwork
from gampen.parameters import ParameterSpace
from gampen.posterior import Posterior
from gampen.prior import Law, LogUniform, Prior, Uniform
from gampen.settings import Brightness, NetworkSettings, SimulationSettings
from gampen.storage.estimators import DIGEST, read_tensors, write_tensors
from gampen.storage.layouts import is_file
from gampen.storage.runfiles import build, plain

FORMAT = "gampen estimator 1"
SUFFIX = ".safetensors"
LARGEST_CROP = 1024  # [pixel]
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

    network: GampenNetwork
    prior: SimulationSettings
    provenance: Mapping[str, str] = field(default_factory=dict)
    guard: Guard | None = None
    recalibration: Recalibration = field(default_factory=Recalibration)

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
        settings = build(NetworkSettings, json.loads(metadata["network"]), "network.")
        check_claims(space, settings, tensors)
        network = GampenNetwork(space, settings)
        guard, others = Guard.of_file(tensors, metadata)
        recalibration, weights = Recalibration.of_file(others, metadata)
        network.load_state_dict(weights)
        prior = build(SimulationSettings, json.loads(metadata["prior"]), "prior.")
        provenance = {**json.loads(metadata["provenance"]), DIGEST: metadata[DIGEST]}
        whole = network.eval().for_convolutions()
        return cls(whole, prior, provenance, guard, recalibration)

    def save(self, path: Path) -> None:
        """Write it to one safetensors file."""
        provenance = {key: value for key, value in self.provenance.items() if key != DIGEST}
        metadata = {
            "format": FORMAT,
            "parameters": self.space.to_json(),
            "network": json.dumps(plain(self.network.settings)),
            "prior": json.dumps(plain(self.prior)),
            "provenance": json.dumps(provenance),
            **(self.guard.metadata if self.guard else {}),
            **self.recalibration.metadata,
        }
        guarding = self.guard.tensors if self.guard else {}
        tensors = self.network.state_dict() | guarding | self.recalibration.tensors
        write_tensors(path, tensors, metadata)

    def predict(self, cutouts: Cutouts, sampling: Sampling | None = None) -> Posterior:
        """The posterior of every galaxy, in physical units."""
        return self.examine(cutouts, sampling).posterior

    def examine(self, cutouts: Cutouts, sampling: Sampling | None = None) -> Prediction:
        """The posterior of every galaxy, with its crop, noise and flags.

        `GalaxyError` where the network returns no distribution for one of them.
        """
        inferred = infer(self.network, cutouts, sampling or Sampling(), self.guard)
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
        flags = TrainedRange.of(self.prior).flags(cutouts, sky_sigma)
        flags |= PriorLimits(self.prior, self.space).flags(cutouts, inferred)
        return flags if self.guard is None else flags | guard_flags(self.guard, inferred)

    def _recalibrated(self, inferred: Inferred, cutouts: Cutouts) -> Inferred:
        """What the network says, corrected."""
        psf_fwhm = torch.from_numpy(cutouts.psf_fwhms)
        known = (inferred.epistemic.double(), inferred.zoom.double(), psf_fwhm)
        found = self.recalibration.applied(Answers(inferred.mixture.to(torch.float64), *known))
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

        Radii and fluxes are log-uniform at any scale, or fluxes uniform; their limits, which follow
        the PSF, the frame and the noise, are on the card. Of an estimator that was fitted to labels
        nothing is known: its prior is their galaxies', whatever these are.
        """
        if LABELS in self.provenance:
            return Prior()
        flat_flux = self.prior.prior.brightness is Brightness.FLUX
        laws: dict[str, Law] = {
            "bulge_to_total": Uniform(*self.prior.prior.bulge_to_total),
            "effective_radius": LogUniform(),
            "flux": Uniform(low=0.0) if flat_flux else LogUniform(),
        }
        return Prior({name: law for name, law in laws.items() if name in self.space.names})


def check_claims(
    space: ParameterSpace, settings: NetworkSettings, tensors: Mapping[str, Tensor]
) -> None:
    """Refuse weights that are no numbers, and settings of a network that its weights cannot fill.

    A network is built before its weights are put into it: one that is only claimed could take all
    memory.
    """
    # A guard's limit is infinite where nothing is unusual.
    weights = [values for name, values in tensors.items() if not name.endswith("limits")]
    if not all(bool(values.isfinite().all()) for values in weights):
        raise EstimatorError("every weight must be a finite number; some are not")
    outputs = len(space) * (len(space) + 3) // 2 + 1
    widths = (len(settings.views), *settings.widths)
    layers = 9 * sum(one * next_one for one, next_one in pairwise(widths))
    layers += 18 * settings.blocks * sum(width**2 for width in settings.widths)
    head = settings.hidden**2 + settings.hidden * settings.components * outputs
    held = sum(values.numel() for values in tensors.values())
    if settings.crop_size > LARGEST_CROP or layers + head > held:
        raise EstimatorError("the network that is described must be the one whose weights follow")


def locate(name: str | Path) -> Path:
    """The file of a shipped estimator, or the path itself; `EstimatorError` where neither is."""
    inside = Path(str(resources.files(shipped))) / f"{name}{SUFFIX}"
    if str(name).isidentifier() and is_file(inside):
        return inside
    if is_file(Path(name)):
        return Path(name)
    names = ", ".join(shipped_names())
    raise EstimatorError(
        f"the estimator must be a file or one of {names or 'none shipped'}; got {str(name)!r}"
    )


def shipped_names() -> list[str]:
    """The names of the estimators in the package."""
    folder = Path(str(resources.files(shipped)))
    return sorted(path.stem for path in folder.glob(f"*{SUFFIX}"))
