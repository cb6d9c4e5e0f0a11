"""`gampen predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gampen.cli.application import GO_ON, command, out
from gampen.cli.mosaic_options import (
    DEFAULT_LEAST,
    DEFAULT_SIZE,
    BesideTiles,
    CutoutSize,
    InArcsec,
    LeastSize,
    Mosaic,
    MosaicCatalog,
    PsfMapFile,
    SizeColumn,
    cutting_of,
    galaxies,
)
from gampen.cli.options import (
    Band,
    BatchSize,
    BulgeAbove,
    ClusterAddress,
    Confidence,
    Device,
    DiskBelow,
    EstimatorName,
    Passes,
    PixelScale,
    PsfFile,
    PsfFwhm,
    Thorough,
    Workers,
    ZeroPoint,
    known,
)
from gampen.cli.progress import progress_of

if TYPE_CHECKING:
    from gampen.verbs.predict import Count, Predicted
    from gampen.verbs.predict_request import PredictRequest

REASONS = 5
"""So many of the reasons why there is no posterior are printed; the catalogue holds all."""


@command(GO_ON)
def predict(  # noqa: PLR0913 - a command's arguments are what a person may say
    source: Annotated[
        Path | None, typer.Argument(help="Folder of FITS cutouts, its info table, a file.")
    ] = None,
    out_path: Annotated[
        Path,
        typer.Option("--out", "-o", help="Catalogue: .parquet .fits .vot .ecsv .csv, or a folder."),
    ] = Path("catalogue.parquet"),
    estimator: EstimatorName = "universal",
    page: Annotated[
        Path | None, typer.Option("--report", help="Also draw the first galaxies here (.png).")
    ] = None,
    samples: Annotated[int, typer.Option(help="Joint draws a galaxy, in a file beside.")] = 0,
    passes: Passes = 64,
    seed: Annotated[int, typer.Option(help="Seed of passes and draws.")] = 0,
    batch_size: BatchSize = 64,
    device: Device = "cpu",
    thorough: Thorough = False,
    workers: Workers = 1,
    cluster: ClusterAddress = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Hold images against their posteriors: 10x slower.")
    ] = False,
    disk_below: DiskBelow = 0.4,
    bulge_above: BulgeAbove = 0.6,
    confidence: Confidence = 0.9,
    band: Band = None,
    psf_fwhm: PsfFwhm = None,
    psf_file: PsfFile = None,
    zero_point: ZeroPoint = None,
    pixel_scale: PixelScale = None,
    mosaic: Mosaic = None,
    catalog: MosaicCatalog = None,
    size: CutoutSize = DEFAULT_SIZE,
    size_column: SizeColumn = None,
    arcsec: InArcsec = None,
    least_size: LeastSize = DEFAULT_LEAST,
    psf_map: PsfMapFile = None,
    beside: BesideTiles = None,
) -> None:
    """Predict the joint posterior of every galaxy, from its cutout."""
    from gampen.inference.categories import Categories
    from gampen.inference.sampling import Sampling
    from gampen.verbs.predict import predict as run
    from gampen.verbs.predict_request import PredictRequest

    request = PredictRequest(
        source=galaxies(source, mosaic, catalog),
        out=out_path,
        estimator=estimator,
        known=known(band, psf_file, psf_fwhm, zero_point, pixel_scale),
        sampling=Sampling(passes, seed, batch_size, device, thorough),
        draws=samples,
        categories=Categories(disk_below, bulge_above, confidence),
        explain=explain,
        workers=workers,
        cluster=cluster,
        mosaics=tuple(mosaic or ()),
        cutting=cutting_of(size, size_column, arcsec, least_size, band, psf_map, beside),
    )
    if page is not None:
        from gampen.verbs.page import claim_page

        claim_page(page)
    with progress_of("predicting") as tell:
        done = run(request, lambda count: tell(count.galaxies, count.of, so_far(count)))
    _report_prediction(done, request, page)


def so_far(count: Count) -> str:
    """What is said of the galaxies so far."""
    told = {"without posterior": count.failed, "flagged": count.flagged}
    return ", ".join(f"{number} {what}" for what, number in told.items() if number)


def _report_prediction(done: Predicted, request: PredictRequest, page: Path | None) -> None:
    """Say what was written, and draw the page where one was asked for."""
    found = done.galaxies - done.failed
    out.print(f"{found} of {done.galaxies} galaxies have a posterior", markup=False)
    if done.failed:
        out.print("the others are flagged rows whose status says why", markup=False)
        for reason, number in done.reasons[:REASONS]:
            out.print(f"  {number}: {reason}", markup=False)
        if len(done.reasons) > REASONS:
            out.print(f"  and {len(done.reasons) - REASONS} other reasons", markup=False)
    for file in done.files:
        out.print(str(file), markup=False)
    if page is not None:
        from gampen.verbs.page import draw_page

        out.print(str(draw_page(request, done.catalog, page)), markup=False)
