"""Headers as they stand in their files: kept to the letter, changed in their places."""

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from gampen.errors import GalaxyError
from gampen.storage.header_records import cards_of, changed, read_records, record, records_of

LONG = "a text that is far too long for a single card, 'quoted' now and then, " * 3


@pytest.fixture
def header():
    found = fits.Header([("OBJECT", "NGC 1", "its name"), ("EXPTIME", 300.0, "[s]")])
    found["HIERARCH ESO DET ID"] = ("chip 7", "of eight")
    found["NOTE"] = LONG
    found["HISTORY"] = "flat fielded"
    found["COMMENT"] = "it's fine"
    found["LAST"] = 5
    return found


def letters(header):
    return header.tostring(sep="", endcard=False, padding=False)


def test_what_is_not_changed_stays_to_the_letter(header):
    text = letters(header)
    assert "".join(part.text for part in changed(records_of(text), {})) == text


def test_a_changed_value_keeps_its_place_and_comment_and_a_new_one_comes_last(header):
    changes = {"EXPTIME": 150.0, "OBJECT": None, "NEW": "value"}
    found = changed(records_of(letters(header)), changes)
    after = fits.Header.fromstring("".join(part.text for part in found))
    assert after.cards["EXPTIME"][1:] == (150.0, "[s]")
    assert next(iter(after)) == "EXPTIME"
    assert list(after)[-1] == "NEW"
    assert "OBJECT" not in after
    assert after["ESO DET ID"] == "chip 7"
    assert after["NOTE"] == LONG.rstrip()


def test_text_that_runs_over_cards_goes_as_a_whole(header):
    found = changed(records_of(letters(header)), {"NOTE": None})
    assert "CONTINUE" not in "".join(part.text for part in found)
    assert [part.keyword for part in found].count("NOTE") == 0


def test_of_a_repeated_keyword_the_first_is_changed_and_the_others_go():
    text = letters(fits.Header([("A", 1)])) + letters(fits.Header([("A", 2)]))
    (found,) = changed(records_of(text), {"A": 3})
    assert cards_of([found]).value("A") == 3


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=300)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(10**12), 10**12)
    | st.booleans()
)
def test_a_new_record_is_read_by_astropy_as_the_value_it_was_given(value):
    text = record("KEYWORD", value, "a comment").text
    assert len(text) % 80 == 0
    expected = value.rstrip() if isinstance(value, str) else value
    assert fits.Header.fromstring(text)["KEYWORD"] == expected


def test_letters_that_a_header_cannot_hold_are_escaped():
    assert cards_of([record("FILE", "münchen.fits")]).text("FILE") == r"m\xfcnchen.fits"


@pytest.fixture
def extension(tmp_path):
    """An image in an extension with cards of its own beside those of the file."""
    first = fits.PrimaryHDU()
    first.header.update({"TELESCOP": "A", "OBSERVER": "someone", "CRPIX1": 77.0})
    second = fits.ImageHDU(np.ones((20, 20)), name="SCI")
    second.header.update({"TELESCOP": "B", "CD1_1": 1e-5, "CD2_2": 1e-5})
    second.header["HISTORY"] = "of the image"
    fits.HDUList([first, second]).writeto(tmp_path / "two.fits")
    return tmp_path / "two.fits"


def test_the_header_is_that_of_the_image_and_then_that_of_the_file(extension):
    found = read_records(extension, None)
    cards = cards_of(found)
    assert (cards.text("TELESCOP"), cards.text("OBSERVER")) == ("B", "someone")
    assert "HISTORY of the image" in "".join(part.text for part in found)
    assert "CRPIX1" not in cards  # the coordinates of another image


def test_the_header_of_a_compressed_image_is_that_of_the_image(tmp_path):
    image = fits.CompImageHDU(np.random.default_rng(0).normal(size=(20, 20)).astype(np.float32))
    image.header["OBJECT"] = "NGC 1"
    fits.HDUList([fits.PrimaryHDU(), image]).writeto(tmp_path / "small.fits")
    cards = cards_of(read_records(tmp_path / "small.fits", None))
    assert cards.text("OBJECT") == "NGC 1"
    assert "ZIMAGE" not in cards


def test_a_file_that_is_not_there_has_no_header(tmp_path):
    with pytest.raises(GalaxyError, match="missing"):
        read_records(tmp_path / "none.fits", None)
