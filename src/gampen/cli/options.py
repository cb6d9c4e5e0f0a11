"""Options that several commands have: what they are called, and what help says of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gampen.shipped import shipped_names

if TYPE_CHECKING:
    from gampen.storage.fits import Known

KNOWN = "Known of all images alike"
KINDS = "Categories"
PLACES = "Where the work is done"
DEVICES = ("cpu", "cuda", "mps")

EstimatorName = Annotated[
    str, typer.Option(help="A shipped name or a file.", autocompletion=shipped_names)
]
EstimatorArgument = Annotated[
    str, typer.Argument(help="A shipped name or a file.", autocompletion=shipped_names)
]
Passes = Annotated[int, typer.Option(help="Monte Carlo dropout passes.")]
BatchSize = Annotated[int, typer.Option(help="Galaxies a batch; changes no result.")]
Device = Annotated[
    str,
    typer.Option(
        help="cpu, cuda, cuda:1, mps ...", rich_help_panel=PLACES, autocompletion=lambda: DEVICES
    ),
]
Workers = Annotated[int, typer.Option(help="Processes on this machine.", rich_help_panel=PLACES)]
ClusterAddress = Annotated[
    str | None,
    typer.Option(help="Address of a Dask scheduler: tcp://host:8786", rich_help_panel=PLACES),
]
Thorough = Annotated[
    bool, typer.Option("--thorough", help="Look in all eight orientations: 8x slower.")
]
Band = Annotated[
    str | None, typer.Option(help="Plane of a band-first cube.", rich_help_panel=KNOWN)
]
PsfFwhm = Annotated[
    float | None, typer.Option(help="FWHM of the PSF, in arcsec.", rich_help_panel=KNOWN)
]
PsfFile = Annotated[Path | None, typer.Option(help="FITS image of the PSF.", rich_help_panel=KNOWN)]
ZeroPoint = Annotated[
    float | None, typer.Option(help="AB zero point, in mag.", rich_help_panel=KNOWN)
]
PixelScale = Annotated[
    float | None, typer.Option(help="Side of a pixel, in arcsec.", rich_help_panel=KNOWN)
]

DiskBelow = Annotated[
    float,
    typer.Option(help="A galaxy of less bulge_to_total is disk-dominated.", rich_help_panel=KINDS),
]
BulgeAbove = Annotated[
    float,
    typer.Option(help="A galaxy of more bulge_to_total is bulge-dominated.", rich_help_panel=KINDS),
]
Confidence = Annotated[
    float,
    typer.Option(help="The least probability that a category is given for.", rich_help_panel=KINDS),
]


def known(
    band: str | None,
    psf_file: Path | None,
    psf_fwhm: float | None = None,
    zero_point: float | None = None,
    pixel_scale: float | None = None,
) -> Known:
    """What a person says of all images alike; the plane of a cube by number where it is one."""
    from gampen.storage.fits import Known

    plane = int(band) if band and band.isdigit() else band
    return Known(
        psf_fwhm=psf_fwhm,
        psf_file=psf_file,
        zero_point=zero_point,
        pixel_scale=pixel_scale,
        band=plane,
    )
