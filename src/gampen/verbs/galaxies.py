"""Where galaxies come from: files, or a catalogue of positions in a mosaic."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gampen.errors import GalaxyError, UsageError
from gampen.storage.fits import Known, psf_of_file
from gampen.storage.mosaics import Cutting, open_mosaics
from gampen.storage.sources import Source, open_source


def open_galaxies(source: Path, mosaics: Sequence[Path], cutting: Cutting, known: Known) -> Source:
    """The galaxies asked for; where there are mosaics, `source` is a catalogue of positions.

    `UsageError` where there are none, no such PSF, or where they cannot heed what is known.
    """
    if known.psf_file is not None:
        try:
            psf_of_file(known.psf_file, known.band)
        except GalaxyError as error:
            raise UsageError(str(error)) from None
    if mosaics:
        return open_mosaics(mosaics, source, cutting)
    return open_source(source, known)
