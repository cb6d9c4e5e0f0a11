"""The page of an evaluation says what was found, in words, and needs nothing but itself."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from arms import CALIBRATED, CAUTIOUS, OVERCONFIDENT, arm
from gampen.calibration.evaluation import Evaluation
from gampen.calibration.truths import Truths
from gampen.catalog import Catalog
from gampen.plotting import wording
from gampen.plotting.evaluation import evaluation_page, pictures

GALAXIES = 500
VOID = {"meta", "link", "br", "use", "path", "rect", "circle", "line", "polygon", "stop"}


def evaluation(stretch, error=0.0, **columns):
    posterior, truth = arm(stretch, GALAXIES)
    table = dict(zip(posterior.space.names, truth.T, strict=True))
    if error:
        table["flux_error"] = np.full(GALAXIES, error)
    known = Catalog.of(object_id=posterior.object_ids[:-3], **{n: v[:-3] for n, v in table.items()})
    truths = Truths.match(posterior, known)
    judged = {"<b>flux</b>": posterior["flux"].median.numpy(), **columns}
    return Evaluation.of(
        truths,
        {name: column[: len(truths)] for name, column in judged.items()},
        {"kind": np.where(np.arange(len(truths)) % 3 == 0, "spiral", "smooth")},
    )


@pytest.fixture(scope="module")
def arms():
    return {stretch: evaluation(stretch) for stretch in (CALIBRATED, CAUTIOUS, OVERCONFIDENT)}


@pytest.fixture(scope="module")
def page(arms):
    found = arms[OVERCONFIDENT]
    worst = found.offenders[0].object_id
    return evaluation_page(found, pictures(found), {worst: ("MASKED_CORE",)})


class Reader(HTMLParser):
    """What a page is made of; every element is closed by its own end."""

    def __init__(self):
        super().__init__()
        self.open, self.elements, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def read(page):
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def test_the_verdict_says_what_is_so_in_words(arms):
    assert wording.verdict(arms[CALIBRATED]).startswith("Nothing speaks against these posteriors")
    for stretch, word, factor in ((CAUTIOUS, "cautious", 0.71), (OVERCONFIDENT, "overconf", 1.41)):
        text = wording.verdict(arms[stretch])
        assert text.startswith("These posteriors are not true.")
        assert text.count(word) == 3
        factors = [float(each) for each in re.findall(r"be ([\d.]+) times as wide", text)]
        assert factors == pytest.approx([factor] * 3, rel=0.2)
        advice = " ".join(wording.advice(arms[stretch]))
        assert "gampen calibrate" in advice
        assert ("reweight" in advice) == (word == "cautious")
    assert "gampen calibrate" not in " ".join(wording.advice(arms[CALIBRATED]))


def test_the_page_asks_for_nothing_off_the_page(page, read):
    links = [
        value
        for _, attrs in read.elements
        for name, value in attrs.items()
        if name in ("src", "href", "xlink:href", "action", "data") and value
    ]
    assert all(link.startswith(("#", "data:,")) for link in links)
    assert "script" not in {tag for tag, _ in read.elements}
    assert re.findall(r"@import|url\((?!#)", page) == []


def test_the_page_holds_three_pictures_in_its_own_colours_with_ids_of_their_own(page, read):
    assert [tag for tag, _ in read.elements].count("svg") == 3
    ids = [attrs["id"] for _, attrs in read.elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = re.findall(r'(?:xlink:href="|url\()#([^")]+)', page)
    assert targets
    assert set(targets) <= set(ids)
    assert "#1f2933" not in page.partition("</style>")[2]


def test_tables_can_be_read_aloud(read):
    tags = [tag for tag, _ in read.elements]
    assert tags.count("caption") == tags.count("table") == 4
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in read.elements if tag == "th")
    assert next(attrs["lang"] for tag, attrs in read.elements if tag == "html") == "en"
    named = {attrs["aria-labelledby"] for _, attrs in read.elements if "aria-labelledby" in attrs}
    assert named <= {attrs["id"] for _, attrs in read.elements if "id" in attrs}


def test_every_check_is_asked_as_a_question_and_names_are_text(arms, page, read):
    for name in arms[OVERCONFIDENT].battery.checks:
        assert wording.asked(name) in read.text
    assert "<b>flux" not in page


def test_the_worst_galaxies_are_there_with_their_flags_and_what_was_left_out(arms, read):
    for offender in arms[OVERCONFIDENT].offenders:
        assert offender.object_id in read.text
    assert "masked core" in read.text
    assert "3 galaxies not in the table of truths" in read.text
    assert "Not judged: kind." in read.text


def test_labels_with_errors_are_said_to_have_them():
    found = evaluation(CALIBRATED, error=0.01)
    assert found.noisy
    assert "Its draws and ranks are exact" in evaluation_page(found, pictures(found), {})


def test_a_fault_of_one_bin_is_said_where_it_is():
    posterior, truth = arm(CALIBRATED, 2000)
    truth = truth.copy()
    truth[:60, 1] *= 4
    known = Catalog.of(object_id=posterior.object_ids, effective_radius=truth[:, 1])
    field = np.where(np.arange(2000) < 60, "deep", "wide")
    found = Evaluation.of(Truths.match(posterior, known), {"field": field}, {})
    assert "at field deep" in wording.verdict(found)
    assert "outside of the worst bins" in " ".join(wording.advice(found)) or not (
        found.judgements[0].passed
    )


def test_the_same_evaluation_makes_the_same_page(arms, page):
    found = arms[OVERCONFIDENT]
    worst = found.offenders[0].object_id
    assert evaluation_page(found, pictures(found), {worst: ("MASKED_CORE",)}) == page
