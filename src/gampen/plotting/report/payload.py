"""What the page's scripts are given: names, arrays of numbers, posteriors as they are packed."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from jaxtyping import Float64, Shaped

from gampen.calibration.calibration import Calibration
from gampen.catalog import Catalog
from gampen.parameters import Parameter
from gampen.photometry import signal_to_noise
from gampen.plotting.curves import unit_of
from gampen.plotting.report.judgement import curves_of
from gampen.plotting.report.pictures import Picture
from gampen.plotting.report.samples import Sample
from gampen.plotting.style import words_of
from gampen.posterior import Posterior
from gampen.probability.marginals import Marginal
from gampen.settings import Scaling

KINDS = {"f4": np.float32, "f8": np.float64, "i4": np.int32}
SHORT = {"bulge_to_total": "B/T", "effective_radius": "Radius", "magnitude": "Magnitude"}
ALIASES = {"bulge_to_total": ["bt", "b/t"], "effective_radius": ["re", "r_e"]}
ALIASES |= {"magnitude": ["mag"], "signal_to_noise": ["sn", "s/n"], "doubt": ["epistemic"]}
ALIASES |= {"crop_scale": ["crop"], "psf_fwhm": ["psf"]}


@dataclass(frozen=True)
class Number:
    """A column without a posterior: whether it is drawn in the plane, and written as a fact."""

    name: str
    label: str
    unit: str = ""
    log: bool = False
    plotted: bool = False
    fact: bool = False
    kind: str = "f4"


NUMBERS = (
    Number("signal_to_noise", "signal-to-noise ratio", log=True, plotted=True, fact=True),
    Number("doubt", "largest epistemic share"),
    Number("crop_scale", "crop over cutout", plotted=True, fact=True),
    Number("psf_fwhm", "PSF FWHM", "arcsec", plotted=True, fact=True),
    Number("pixel_scale", "pixel", "arcsec", fact=True),
    Number("sky_sigma", "sky sigma", "image units", log=True, fact=True),
    Number("zero_point", "zero point", "mag", fact=True),
    Number("p_disk_dominated", "disk-dominated"),
    Number("p_bulge_dominated", "bulge-dominated"),
    Number("ra", "right ascension", "deg", kind="f8"),
    Number("dec", "declination", "deg", kind="f8"),
)


@dataclass(frozen=True, eq=False)
class Shown:
    """All that a page is about: a catalogue and its posteriors, and what is beside them.

    `truths` holds true values by name, one a row of the catalogue, NaN where unknown; `pictures`
    are given by row; `links` are where each picture's parts are found by a browser.
    """

    catalog: Catalog
    posterior: Posterior
    flags: Mapping[int, tuple[str, str]]
    truths: Mapping[str, Float64[np.ndarray, " galaxy"]] = field(default_factory=dict)
    calibration: Calibration | None = None
    pictures: Mapping[int, Mapping[str, object]] = field(default_factory=dict)
    why_no_picture: str = ""

    def payload(self) -> dict[str, object]:
        """The page's content as plain values, ready for JSON."""
        status = ["" if said == "ok" else said or "unknown" for said in self._text("status")]
        bits = self.catalog["flags"].numbers() if "flags" in self.catalog else np.zeros(len(status))
        return {
            "ids": self._text("object_id"),
            "files": self._text("file_name"),
            "status": status,
            "flags": packed(np.nan_to_num(bits), "i4"),
            "flag_names": [
                {"bit": bit, "name": name, "words": flag_words(name), "description": said}
                for bit, (name, said) in self.flags.items()
            ],
            "quantities": list(self._quantities()),
            "numbers": list(self._numbers()),
            "space": [_plain(parameter) for parameter in self.posterior.space],
            "components": self.posterior.mixture.components,
            "mixture": packed(self.posterior.pack().numpy(), "f4"),
            "samples": list(self._samples()),
            "calibration": None if self.calibration is None else curves_of(self.calibration),
            "pictures": {str(row): dict(parts) for row, parts in self.pictures.items()},
            "why_no_picture": self.why_no_picture,
        }

    def _text(self, name: str) -> list[str]:
        return self.catalog[name].text() if name in self.catalog else [""] * len(self.catalog)

    def _column(self, name: str) -> Float64[np.ndarray, " galaxy"]:
        """A column of the catalogue, NaN where there is none."""
        missing = np.full(len(self.catalog), np.nan)
        return self.catalog[name].numbers() if name in self.catalog else missing

    @property
    def names(self) -> list[str]:
        """The quantities with a posterior: the parameters, then the magnitude if there is one."""
        derived = ["magnitude"] if "magnitude_median" in self.catalog else []
        return [*self.posterior.space.names, *derived]

    def _quantities(self) -> Iterator[dict[str, object]]:
        """Median, 68 % interval and truth of each quantity."""
        for name in self.names:
            truth = self.truths.get(name)
            yield {
                **self._named(name),
                "short": SHORT.get(name, _capital(words_of(name))),
                "aliases": ALIASES.get(name, []),
                "tabled": name != "flux" or "magnitude" not in self.names,
                **{
                    key: packed(self._column(f"{name}_{end}"), "f4")
                    for key, end in (("median", "median"), ("low", "lo68"), ("high", "hi68"))
                },
                "truth": None if truth is None else packed(truth, "f4"),
            }

    def _named(self, name: str) -> dict[str, object]:
        """How a quantity is written and drawn."""
        if name == "magnitude":
            return {"name": name, "label": name, "unit": "mag", "log": False, "bounded": False}
        parameter = self.posterior.space.parameters[self.posterior.space.index(name)]
        return {
            "name": name,
            "label": words_of(name),
            "unit": unit_of(parameter),
            "log": parameter.low == 0 and parameter.high is None,
            "bounded": parameter.high is not None,
        }

    def _numbers(self) -> Iterator[dict[str, object]]:
        """The columns of numbers beside the posteriors."""
        derived = {"signal_to_noise": self._signal_to_noise, "doubt": self._doubt}
        for number in NUMBERS:
            values = derived.get(number.name, lambda name=number.name: self._column(name))()
            if np.isfinite(values).any():
                said = {key: value for key, value in asdict(number).items() if key != "kind"}
                aliases = ALIASES.get(number.name, [])
                yield {**said, "aliases": aliases, "values": packed(values, number.kind)}

    def _doubt(self) -> Float64[np.ndarray, " galaxy"]:
        """The largest epistemic share of any parameter."""
        names = (f"{name}_epistemic_fraction" for name in self.posterior.space.names)
        largest: np.ndarray = np.max([self._column(name) for name in names], axis=0)
        return largest

    def _signal_to_noise(self) -> Float64[np.ndarray, " galaxy"]:
        """The signal-to-noise ratio that follows from the medians."""
        import torch

        names = ("flux_median", "effective_radius_median", "psf_fwhm", "sky_sigma")
        flux, radius, fwhm, sky = (torch.from_numpy(self._column(name)) for name in names)
        pixel = torch.from_numpy(self._column("pixel_scale"))
        found: np.ndarray = signal_to_noise(flux, radius / pixel, fwhm / pixel, sky).numpy()
        return found

    def _samples(self) -> Iterator[dict[str, object]]:
        """The distribution of each quantity that the table has."""
        for name, marginal, known in self._marginals():
            sample = Sample.of(marginal, known)
            if sample is not None:
                plain = {
                    key: value.tolist() if isinstance(value, np.ndarray) else value
                    for key, value in vars(sample).items()
                }
                yield {**self._named(name), **plain}

    def _marginals(self) -> Iterator[tuple[str, Marginal, Shaped[np.ndarray, " galaxy"]]]:
        """Each quantity's marginal, and the galaxies that have it in the unit that is written."""
        everyone = np.ones(len(self.posterior), dtype=bool)
        scaled = everyone
        if "pixel_scale" in self.catalog:
            sound = np.array(self._text("status")) == "ok"
            scaled = np.isfinite(self._column("pixel_scale")[sound])
        for parameter in self.posterior.space:
            known = scaled if parameter.scaling is Scaling.LENGTH and scaled.any() else everyone
            if parameter.name != "flux" or "magnitude" not in self.names:
                yield parameter.name, self.posterior[parameter.name], known
        if "magnitude" in self.names and self.posterior.has_photometry:
            yield "magnitude", self.posterior.magnitude(), everyone


def packed(values: Shaped[np.ndarray, " ..."], kind: str) -> dict[str, str]:
    """An array as base64 of little-endian numbers of a kind."""
    array = np.ascontiguousarray(values, dtype=np.dtype(KINDS[kind]).newbyteorder("<"))
    return {"kind": kind, "base64": base64.b64encode(array.tobytes()).decode("ascii")}


def parts_of(picture: Picture, links: Mapping[str, str]) -> dict[str, object]:
    """A picture as the page's scripts take it; `links` say where each of its files is."""
    outline: Sequence[Sequence[float]] | None = None
    if picture.outline is not None:
        outline = np.round(picture.outline, 3).tolist()
    bar = None
    if picture.bar is not None:
        bar = {"length": round(picture.bar[0], 3), "text": picture.bar[1]}
    return {
        "width": picture.width,
        "height": picture.height,
        "outline": outline,
        "bar": bar,
        "chi_square": picture.chi_square,
        **links,
    }


def _plain(parameter: Parameter) -> dict[str, object]:
    """A parameter as the page's scripts take it."""
    return {
        "name": parameter.name,
        "label": words_of(parameter.name),
        "unit": unit_of(parameter),
        "low": parameter.low,
        "high": parameter.high,
        "scaling": parameter.scaling.value,
    }


def flag_words(name: str) -> str:
    """A flag's name as it is written in a sentence."""
    return words_of(name.lower()).replace("psf", "PSF")


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
