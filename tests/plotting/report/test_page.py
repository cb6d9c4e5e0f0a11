"""The page as text: nothing in it is markup but its own, and nothing in it is fetched."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from arms import CALIBRATED, OVERCONFIDENT, arm
from gampen.calibration.calibration import Calibration
from gampen.catalog import Catalog
from gampen.plotting.report.judgement import table_of
from gampen.plotting.report.page import inline, json_text, page, policy
from gampen.plotting.report.payload import Shown, packed
from gampen.plotting.report.run import flags_of, run_of, words_of_law
from gampen.prior import LogNormal, LogUniform, Uniform

STRUCK = "</script><script>struck()</script>&<!--"
MOST_BYTES = 1_000_000


class Elements(HTMLParser):
    """The elements of a page, with their attributes and what the scripts hold."""

    def __init__(self, text):
        super().__init__()
        self.found, self.scripts, self.inside = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        self.inside = tag

    def handle_data(self, data):
        if self.inside == "script":
            self.scripts.append(data)

    def handle_endtag(self, _tag):
        self.inside = None

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def made(posterior, **metadata):
    """The page of a posterior without anything beside it."""
    catalog = posterior.to_catalog().with_metadata(**metadata)
    shown = Shown(catalog, posterior, flags_of(catalog))
    return page(run_of(catalog, posterior, "it.parquet", 0, "none"), shown.payload()).decode()


def test_a_page_weighs_less_than_a_megabyte_beside_its_galaxies(posterior):
    assert len(made(posterior).encode()) < MOST_BYTES


def test_the_same_content_gives_the_same_page(posterior):
    assert made(posterior) == made(posterior)


def test_a_page_names_nothing_to_fetch(posterior):
    elements = Elements(made(posterior))
    links = [a.get("href") or a.get("src") for _, a in elements.found if "href" in a or "src" in a]
    assert [link for link in links if not link.startswith(("#", "data:"))] == []
    assert "sourceMappingURL" not in "".join(elements.scripts)


def test_the_policy_lets_only_the_scripts_of_the_page_run(posterior):
    elements = Elements(made(posterior))
    rule = next(a["content"] for a in elements.all("meta") if "http-equiv" in a)
    kinds = [attributes.get("type") for attributes in elements.all("script")]
    assert kinds == [None, "application/json", None, None, None]
    for script in (text for text, kind in zip(elements.scripts, kinds, strict=True) if not kind):
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in rule
    assert rule.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-inline" not in rule.partition("style-src")[0]


def test_the_licences_of_the_libraries_are_in_the_page(posterior):
    text = made(posterior)
    assert "Permission to use, copy, modify, and/or distribute this software" in text
    assert "Copyright (c) 2015-2026 Oli Folkerd" in text


def test_a_policy_has_a_hash_for_every_script():
    assert policy(["a", "b"]).count("sha256-") == 2


def test_metadata_is_text_wherever_it_is_written(posterior):
    plain = Elements(made(posterior))
    struck = Elements(made(posterior, estimator=STRUCK, passes=STRUCK, surprise=STRUCK))
    assert len(struck.all("script")) == len(plain.all("script"))
    assert STRUCK not in made(posterior, estimator=STRUCK)


def test_the_payload_holds_no_letter_that_ends_its_element():
    text = json_text({"said": STRUCK, "lines": "\u2028\u2029"})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {"said": STRUCK, "lines": "\u2028\u2029"}


def test_a_payload_is_json_that_every_browser_reads():
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"value": float("nan")})


def test_a_script_that_would_end_its_own_element_is_refused():
    with pytest.raises(ValueError, match="must not hold what would end its element"):
        inline("const text = '</SCRIPT>';")


def test_arrays_are_packed_as_little_endian_numbers():
    said = packed(np.array([1.5, np.nan], dtype=">f8"), "f4")
    assert said["kind"] == "f4"
    assert base64.b64decode(said["base64"]) == np.array([1.5, np.nan], dtype="<f4").tobytes()


def test_the_payload_holds_the_posterior_as_the_catalogue_packs_it(posterior):
    catalog = posterior.to_catalog()
    payload = Shown(catalog, posterior, {}).payload()
    found = np.frombuffer(base64.b64decode(payload["mixture"]["base64"]), "<f4")
    np.testing.assert_array_equal(found.reshape(len(posterior), -1), catalog["mixture"].values)
    assert payload["components"] == 2
    assert [parameter["unit"] for parameter in payload["space"]] == ["", "arcsec", "image units"]


def test_columns_that_a_catalogue_lacks_are_left_out(posterior):
    payload = Shown(posterior.to_catalog(), posterior, {}).payload()
    assert {number["name"] for number in payload["numbers"]} == {"zero_point"}


def test_flags_are_those_that_the_catalogue_describes():
    described = Catalog((), {"flags": '{"1 SMALL_ONE": "it is small", "64 OTHER": "it is not"}'})
    assert flags_of(described) == {1: ("SMALL_ONE", "it is small"), 64: ("OTHER", "it is not")}
    assert flags_of(Catalog(()))[1][0] == "UNREADABLE"


@pytest.mark.parametrize(
    ("law", "words"),
    [
        (LogUniform(), "log-uniform"),
        (Uniform(0.005, 0.995), "uniform, low 0.005, high 0.995"),
        (LogNormal(0.5, 0.1), "log-normal, median 0.5, deviation 0.1"),
    ],
)
def test_a_law_is_written_in_a_line(law, words):
    assert words_of_law(law) == words


@pytest.mark.parametrize(
    ("stretch", "verdict"), [(CALIBRATED, "calibrated"), (OVERCONFIDENT, "overconfident")]
)
def test_the_verdicts_are_those_of_the_calibration(stretch, verdict):
    posterior, truth = arm(stretch, 1000)
    table = table_of(Calibration.of(posterior, truth))
    assert [row["verdict"] for row in table["rows"]] == [verdict] * 3
    assert table["galaxies"] == "1,000"
    assert re.fullmatch(r"\d+\.\d %", table["rows"][0]["coverage"][0])
