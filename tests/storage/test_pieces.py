"""Facts about the headers of pieces, and about files of pieces: astropy reads the same."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from gampen.storage.boxes import Box
from gampen.storage.pieces import Piece, file_of, kept_lines, moved
from patches import sky_cards

ORIGINS = ("CRPIX1", "CRPIX2", "CRPIX1A", "CRPIX2A", "LTV1", "LTV2")
BOX = Box(-7, 120, 10, 10)


def header_of(lines):
    return fits.Header.fromstring("".join(lines))


def text_of(header):
    return fits.Header(header).tostring(endcard=False, padding=False)


def test_all_cards_but_those_of_the_layout_stay_as_they_were():
    header = fits.PrimaryHDU(np.zeros((4, 4), "f4")).header
    header.update(sky_cards((4, 4)))
    header.update({"CHECKSUM": "x", "DATASUM": "1", "BUNIT": ("nmgy", "a comment"), "DATAMAX": 3.0})
    header["HIERARCH a long keyword"] = "it's"
    header.add_history("how it came about")
    header.add_comment("no remark")
    header["TEXT"] = "word " * 40  # goes on over several cards
    kept = header_of(kept_lines(text_of(header)))
    gone = (
        "SIMPLE",
        "BITPIX",
        "NAXIS",
        "NAXIS1",
        "NAXIS2",
        "EXTEND",
        "CHECKSUM",
        "DATASUM",
        "DATAMAX",
    )
    for name in gone:
        assert header.pop(name, None) is not None or name == "EXTEND"
    header.remove("EXTEND", ignore_missing=True)
    assert kept.tostring() == header.tostring()


def test_every_description_of_the_sky_is_moved():
    cards = {**sky_cards((300, 340)), "CRPIX1A": 5.5, "CRPIX2A": -3.0, "LTV1": -10.0, "LTV2": 4.0}
    lines = kept_lines(text_of(cards))
    found = header_of(moved(lines, BOX))
    firsts = {name: {"1": 120, "2": -7}[name.lstrip("CRPIXLTV")[0]] for name in ORIGINS}
    expected = fits.Header.fromstring(text_of(cards))
    assert dict(found) == {
        n: value - firsts.get(n, 0) if n in firsts else value for n, value in expected.items()
    }


def test_an_origin_that_a_header_leaves_out_is_at_zero_and_moved():
    cards = {n: v for n, v in sky_cards((300, 340)).items() if not n.startswith("CRPIX")}
    lines = kept_lines(text_of(cards))
    found, whole = WCS(header_of(moved(lines, BOX))), WCS(fits.Header(cards))
    np.testing.assert_allclose(
        found.all_pix2world([[3, 4]], 0), whole.all_pix2world([[123, -3]], 0), atol=5e-11
    )


def test_a_plane_of_a_cube_has_a_header_of_two_axes():
    cards = {**sky_cards((300, 340)), "WCSAXES": 3, "CTYPE3": "WAVE", "CRPIX3": 1.0, "CD3_3": 1.0}
    cards |= {"CD1_3": 0.0, "BANDS": "gr", "BAND0": "g", "BAND1": "r", "PV3_1": 2.0}
    kept = header_of(kept_lines(text_of(cards), of_a_cube=True))
    assert set(kept) == set(sky_cards((300, 340)))


@pytest.mark.parametrize(
    "kind", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "f4", "f8", "f2", ">f4", "<i4"]
)
def test_a_file_of_pieces_holds_their_values(tmp_path, kind):
    array = np.arange(5 * 7).reshape(5, 7).astype(kind)
    lines = kept_lines(text_of({"EXTNAME": "SCI"}))
    path = tmp_path / "pieces.fits"
    path.write_bytes(file_of([Piece.of((), None), Piece.of(lines, array), Piece.of((), array[:2])]))
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert hdus[0].data is None
        np.testing.assert_array_equal(hdus["SCI"].data, array.astype(np.float64))
        np.testing.assert_array_equal(hdus[2].data, array[:2].astype(np.float64))


def test_text_that_no_card_can_hold_is_cut_short_and_written_in_ascii(tmp_path):
    told = {"CUTID": "Mÿ gälaxy\n'" + "x" * 100, "CUTX": 1e-7, "CUTY": float("nan"), "CUTX0": -3}
    piece = Piece.of((), np.zeros((3, 3), "f4")).with_cards(told)
    path = tmp_path / "piece.fits"
    path.write_bytes(file_of([piece]))
    header = fits.getheader(path)
    assert header["CUTID"].startswith("M? g?laxy?'xxx")
    assert (header["CUTX"], header["CUTX0"]) == (1e-7, -3)
    assert "CUTY" not in header
