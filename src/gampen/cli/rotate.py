"""`gampen rotate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gampen.cli.application import START_OVER, command, out
from gampen.cli.progress import progress_of


@command(START_OVER)
def rotate(  # noqa: PLR0913 - a command's arguments are what a person may say
    cutout: Annotated[Path, typer.Argument(help="FITS cutout of one galaxy.")],
    out_path: Annotated[
        Path, typer.Option("--out", "-o", help="Picture: .gif moves; .png .pdf .svg plot.")
    ] = Path("rotation.gif"),
    estimator: Annotated[str, typer.Option(help="A shipped name or a file.")] = "universal",
    turns: Annotated[int, typer.Option(help="Angles from 0 to 360 degrees.")] = 36,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Look in all eight orientations: 8x slower.")
    ] = False,
    band: Annotated[str | None, typer.Option(help="Plane of a band-first cube.")] = None,
    psf_fwhm: Annotated[float | None, typer.Option(help="FWHM of the PSF [arcsec].")] = None,
    psf_file: Annotated[Path | None, typer.Option(help="FITS image of the PSF.")] = None,
    zero_point: Annotated[float | None, typer.Option(help="AB zero point [mag].")] = None,
    pixel_scale: Annotated[float | None, typer.Option(help="Side of a pixel [arcsec].")] = None,
) -> None:
    """Turn a galaxy and see whether its posterior stays where it is."""
    from gampen.inference.sampling import Sampling
    from gampen.storage.fits import Known
    from gampen.verbs.rotate import RotateRequest
    from gampen.verbs.rotate import rotate as run

    request = RotateRequest(
        cutout=cutout,
        out=out_path,
        estimator=estimator,
        turns=turns,
        known=Known(
            psf_fwhm=psf_fwhm,
            psf_file=psf_file,
            zero_point=zero_point,
            pixel_scale=pixel_scale,
            band=int(band) if band and band.isdigit() else band,
        ),
        sampling=Sampling(thorough=thorough),
    )
    with progress_of("turning") as tell:
        done = run(request, lambda count, of: tell(count, of, ""))
    relative = dict(zip(done.stability.names, done.stability.relative, strict=True))
    for name, (moved, in_sigma) in done.stability.largest.items():
        size = f"{100 * moved:.1f} %" if relative[name] else f"{moved:.3f}"
        out.print(f"{name} moves by {size} at most, {in_sigma:.2f} sigma", markup=False)
    out.print(str(out_path), markup=False)
