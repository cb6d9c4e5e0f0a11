"""Images and catalogues that simulations are made with, as they are read from their files."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from gampen.catalog import Catalog
from gampen.errors import GalaxyError, UsageError
from gampen.settings import CatalogueSettings, PriorSettings
from gampen.simulation.exposures import Stars
from gampen.simulation.populations import Sample
from gampen.simulation.skies import Sky
from gampen.storage.fits import measured, psf_image
from gampen.storage.hdus import read_hdus
from gampen.storage.planes import choose_planes
from gampen.storage.psfs import centred, fit_core
from gampen.storage.runfiles import convert

LEAST_FWHM = 1.9  # [pixel]: a narrower PSF holds more than its own pixels can tell


def matching(value: object, folder: Path, key: str) -> list[Path]:
    """The files that patterns match, in the order of these, each once; `UsageError` without any."""
    patterns = convert(tuple[str, ...], value, key)
    assert isinstance(patterns, tuple)  # noqa: S101
    found: dict[Path, None] = {}
    for pattern in patterns:
        names = sorted(glob.glob(str(folder / pattern), recursive=True))  # noqa: PTH207 - absolute
        if not names:
            raise UsageError(
                f"{key} must match files, relative to the run file; {pattern!r} matches none in "
                f"{folder}"
            )
        found.update(dict.fromkeys(map(Path, names)))
    return list(found)


def digests(files: Sequence[Path], folder: Path) -> dict[str, str]:
    """The SHA-256 of each file, by its path from the folder where it lies below that."""
    return {
        str(path.relative_to(folder) if path.is_relative_to(folder) else path): hashlib.sha256(
            path.read_bytes()
        ).hexdigest()
        for path in files
    }


def read_stars(files: Sequence[Path]) -> Stars:
    """Images of PSFs, centred and of one odd side, and what is measured of them."""
    images, facts = [], []
    for path in files:
        try:
            image = psf_image(path, None)
            facts.append(measured(image))
            images.append(centred(image, fit_core(image)))
        except (GalaxyError, OSError) as error:
            raise UsageError(f"the PSF image {path.name}: {error}") from None
        if facts[-1][0] < LEAST_FWHM:
            raise UsageError(
                f"a PSF image must show a PSF at least two pixels wide; {path.name} is "
                f"{facts[-1][0]:.2f} wide: leave it out, or describe such PSFs by psf_fwhm and "
                "psf_families, which are rendered finer"
            )
    side = max(len(image) for image in images)
    padded = [np.pad(image, (side - len(image)) // 2) for image in images]
    shares = [np.nan if share is None else share for _, share in facts]
    return Stars(
        torch.from_numpy(np.stack(padded)).float(),
        torch.tensor([width for width, _ in facts]),
        torch.tensor(shares),
    )


def read_sky(path: Path) -> Sky:
    """An image of sky; bad pixels are those of its mask, or not finite."""
    try:
        planes = choose_planes(read_hdus(path))
        image = np.squeeze(planes.image).astype(np.float32)
        bad = ~np.isfinite(image) | (planes.bad if planes.bad.size else False)
        return Sky.of(torch.from_numpy(np.nan_to_num(image)), torch.from_numpy(bad))
    except (GalaxyError, OSError) as error:
        raise UsageError(f"the image of sky {path.name}: {error}") from None


def sample_of(table: Catalog, told: CatalogueSettings, prior: PriorSettings) -> Sample:
    """The galaxies of a catalogue; `UsageError` for columns that it has not."""
    wanted = [*told.columns.values(), *([told.weight] if told.weight else [])]
    missing = [name for name in wanted if name not in table]
    if missing:
        raise UsageError(
            f"catalogue must have every column that is named; {told.file} has no "
            f"{', '.join(missing)}, but {', '.join(table.names)}"
        )
    columns = {name: numbers(table, column) for name, column in told.columns.items()}
    weight = numbers(table, told.weight) if told.weight else torch.ones(len(table)).double()
    return Sample.of(columns, weight, prior, told.smoothing)


def numbers(table: Catalog, name: str) -> Float64[Tensor, " row"]:
    """A column of a table."""
    return torch.from_numpy(np.ascontiguousarray(table[name].numbers()))
