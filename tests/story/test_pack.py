"""Packed galaxies, by the command line."""

import pytest

from gampen.storage.tables import read_catalog
from patches import write_positions, write_tile


@pytest.fixture
def spoiled(folder):
    """Twelve galaxies, of which one cannot be read."""
    sorted((folder / "cutouts").iterdir())[2].write_bytes(b"")
    return folder


def test_a_packed_file_is_predicted_to_the_same_bytes_as_its_folder(
    gampen, spoiled, model, tmp_path
):
    ran = gampen("pack", spoiled, "--out", tmp_path / "new" / "galaxies.arrow")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "12 galaxies",
        "1 cannot be read and are packed as the reason",
        str(tmp_path / "new" / "galaxies.arrow"),
    ]
    catalogues = []
    for source in (spoiled, tmp_path / "new" / "galaxies.arrow"):
        out = tmp_path / f"{source.stem}.parquet"
        assert gampen("predict", source, "-o", out, "--estimator", model, "--passes", 4).status == 0
        catalogues.append(out.read_bytes())
    assert catalogues[0] == catalogues[1]


def test_what_is_known_when_galaxies_are_packed_need_not_be_said_again(
    gampen, folder, model, tmp_path
):
    packed, out = tmp_path / "a.arrow", tmp_path / "a.parquet"
    assert gampen("pack", folder, "-o", packed, "--zero-point", 22.5).status == 0
    assert gampen("predict", packed, "-o", out, "--estimator", model, "--passes", 4).status == 0
    assert set(read_catalog(out)["zero_point"].values.tolist()) == {22.5}


def test_a_packed_mosaic_is_predicted_to_the_same_bytes_as_the_mosaic(gampen, model, tmp_path):
    tile = write_tile(tmp_path / "tile.fits", SEEING=0.8)
    places = [(100, 120), (170, 150), (6, 7), (900, 290)]  # one over the edge, one outside
    catalog = write_positions(tmp_path / "positions.parquet", places, tile)
    mosaic = ("--mosaic", tile, "--catalog", catalog, "--size", 48)
    packed = tmp_path / "galaxies.arrow"
    assert gampen("pack", *mosaic, "-o", packed).out.splitlines()[0] == "4 galaxies"
    catalogues = []
    for number, source in enumerate((mosaic, (packed,))):
        out = tmp_path / f"{number}.parquet"
        ran = gampen("predict", *source, "-o", out, "--estimator", model, "--passes", 4)
        assert ran.status == 0
        catalogues.append(out.read_bytes())
    assert catalogues[0] == catalogues[1]


def test_wrong_packs_are_one_line_each(gampen, folder, model, tmp_path):
    packed = tmp_path / "galaxies.arrow"
    assert gampen("pack", folder, "-o", packed).status == 0
    torn = tmp_path / "torn.arrow"
    torn.write_bytes(packed.read_bytes()[:-100])
    out = ("-o", tmp_path / "a.csv", "--estimator", model)
    for arguments, reason in {
        ("pack", tmp_path / "none", "-o", packed): "must exist",
        ("pack", folder, "-o", tmp_path / "a.npy"): "must end in .arrow",
        ("pack", packed, "-o", packed): "must not be the source itself",
        ("pack", folder, "-o", packed, "--psf-file", tmp_path / "no.fits"): "it is missing",
        ("pack", torn, "-o", tmp_path / "again.arrow"): "must be a sound packed file",
        ("predict", torn, *out): "must be a sound packed file",
        ("pack", "-o", packed): "must come from SOURCE, or from --mosaic with --catalog",
        ("pack", folder, "-o", packed, "--mosaic", folder): "must come from SOURCE, or from",
        ("predict", packed, *out, "--band", "r"): "give --band to gampen pack",
        ("predict", packed, *out, "--pixel-scale", 0.2): "give --pixel-scale to gampen pack",
    }.items():
        ran = gampen(*arguments)
        assert ran.status == 2, ran.err
        assert reason in ran.complaint
    assert not list(tmp_path.glob("a.csv*")), "a run that cannot be leaves nothing"
