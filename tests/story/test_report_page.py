"""The report in a real browser: it works by hand and by keyboard, and asks for nothing."""

import re

import numpy as np
import pytest
import torch

from browser import PHONE, WIDE, opened, running, visiting
from gampen.catalog import Column
from gampen.posterior import Posterior
from gampen.storage.tables import read_catalog, write_catalog
from gampen.verbs.report import ReportRequest, report

HOSTILE = (
    "</script><img src=x onerror=\"window.struck='text'\">",
    "<img src=x onerror=window.struck='img'>",
    "'\"><svg onload=window.struck='svg'>",
    "</title><script>window.struck='script'</script>",
    "<!--<script>",
    "{{ 7 * 7 }}${7 * 7}",
)
MOST_SECONDS = 3.0


@pytest.fixture(scope="module")
def browser():
    """A browser for all tests of a file."""
    with running() as found:
        yield found


@pytest.fixture(scope="module")
def written(predicted, tmp_path_factory):
    """A report with pictures and truths, and the catalogue that it is of."""
    simulated, catalogue = predicted
    page = tmp_path_factory.mktemp("report") / "page.html"
    truths = simulated / "info.csv"
    report(ReportRequest(catalogue, page, cutouts=simulated, truths=truths, galaxies=6))
    return page, catalogue


@pytest.fixture
def visit(browser, written):
    """The report, open; at the end it must not have complained, nor asked for anything."""
    page, _ = written
    with visiting(browser, page) as found:
        yield found
        assert found.complaints == []
        assert [url for url in found.requests if not url.startswith("data:")] == [page.as_uri()]


@pytest.fixture
def catalog(written):
    """The catalogue of the report."""
    return read_catalog(written[1])


def shown(path, catalog, **options):
    """The report of a changed catalogue."""
    write_catalog(catalog, path / "catalogue.parquet")
    report(ReportRequest(path / "catalogue.parquet", path / "page.html", **options))
    return path / "page.html"


def failed(catalog, rows, reason):
    """The catalogue with galaxies that have no posterior."""
    status = np.array(catalog["status"].text(), dtype=object)
    status[rows] = reason
    flags = catalog["flags"].values.copy()
    flags[rows] = 1
    return catalog.with_columns([Column("status", status.astype(str)), Column("flags", flags)])


def test_the_table_has_every_galaxy_in_the_order_of_the_catalogue(visit, catalog):
    assert visit.order() == list(range(len(catalog)))
    assert visit.column("id")[:5] == catalog["object_id"].text()[:5]
    assert visit.page.text_content("#count") == f"{len(catalog)} galaxies"
    medians = catalog["magnitude_median"].numbers()[:5]
    np.testing.assert_allclose(
        [float(text) for text in visit.column("magnitude")[:5]], medians, atol=0.05
    )


def test_bands_of_few_truths_stay_inside_their_axes(visit):
    frames = visit.page.locator("#calibration-charts svg")
    assert frames.count() == 4
    for frame in frames.all():
        band, axis = (
            frame.locator(part).bounding_box() for part in (".null-band", ".axis .domain >> nth=1")
        )
        assert band["height"] > 0
        assert band["y"] > axis["y"] - 1
        assert band["y"] + band["height"] < axis["y"] + axis["height"] + 1


def test_a_header_sorts_one_way_and_the_other(visit, catalog):
    expected = np.argsort(catalog["effective_radius_median"].numbers(), kind="stable").tolist()
    header = visit.page.locator(".tabulator-col[tabulator-field=effective_radius]")
    header.click()
    assert visit.order() == expected
    assert header.get_attribute("aria-sort") == "ascending"
    header.focus()
    visit.page.keyboard.press("Enter")
    assert visit.order() == expected[::-1]
    assert header.get_attribute("aria-sort") == "descending"


def test_the_filter_compares_medians_and_looks_for_words(visit, catalog):
    magnitude, radius = (catalog[f"{n}_median"].values for n in ("magnitude", "effective_radius"))
    limits = float(np.median(magnitude)), float(np.quantile(radius, 0.2))
    expected = np.flatnonzero((magnitude < limits[0]) & (radius > limits[1])).tolist()
    assert expected
    visit.page.fill("#filter", f"mag<{limits[0]} re>{limits[1]} simulated")
    visit.until(f"gampen.order().length === {len(expected)}")
    assert visit.order() == expected
    assert visit.page.text_content("#count") == f"{len(expected)} of {len(catalog)}"
    visit.page.fill("#filter", f'"{catalog["object_id"].text()[7]}"')
    visit.until("gampen.order().length === 1")
    assert visit.order() == [7]


def test_the_filter_says_what_it_cannot_read_and_when_nothing_is_left(visit):
    visit.page.fill("#filter", "colour>3 mag<")
    note = visit.page.locator("#filter-note", has_text="there is no column “colour”")
    assert "“mag<” needs a number after <" in note.text_content()
    visit.page.fill("#filter", "nothing-of-this-name")
    placeholder = visit.page.locator(".tabulator-placeholder")
    assert placeholder.text_content() == "No galaxy is left: take something out of the filter."
    assert visit.page.text_content("#filter-note") == ""
    visit.page.press("#filter", "Escape")
    visit.page.wait_for_selector(".tabulator-row")


def test_a_galaxy_opens_to_its_pictures_its_crop_and_its_posterior(visit, catalog):
    visit.page.locator(".tabulator-row").nth(2).click()
    dialog = visit.page.locator("dialog")
    assert dialog.locator("h2").text_content() == catalog["object_id"].text()[2]
    for kind in ("cutout", "model", "residual"):
        image = dialog.locator(f".picture.{kind} img")
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 48
    assert dialog.locator("text=reduced χ² near the galaxy").count() == 1
    assert dialog.locator(".corner .contour").count() == 2 * 3
    assert dialog.locator(".corner .density").count() == 3
    assert dialog.locator(".corner .truth").count() > 0
    assert dialog.locator(".doubt").count() == 3
    assert "None: nothing unusual was seen." in dialog.text_content()


def test_rows_stay_what_they_are_while_the_page_is_scrolled(visit):
    """A row that was laid out anew between a press and its release would not be clicked."""
    visit.page.evaluate("""() => {
      window.anew = 0;
      const rows = document.querySelector(".tabulator-table");
      const heard = new MutationObserver((seen) => { window.anew += seen.length; });
      heard.observe(rows, {childList: true});
    }""")
    visit.page.set_viewport_size({"width": WIDE[0], "height": 400})
    for height in (5000, 0, 5000, 0):
        visit.page.evaluate(f"() => window.scrollTo(0, {height})")
        visit.page.wait_for_timeout(150)
    assert visit.page.evaluate("window.anew") == 0


def test_columns_follow_the_width_of_the_window(visit):
    columns = ".tabulator-col:visible"
    before = visit.page.locator(columns).count()
    visit.page.set_viewport_size({"width": 500, "height": 900})
    visit.until("() => document.querySelector('.tabulator').clientWidth < 500")
    visit.page.wait_for_timeout(300)
    assert visit.page.locator(columns).count() < before


def test_the_crop_is_drawn_where_the_network_looked(visit, catalog):
    visit.page.evaluate("gampen.open(3)")
    points = visit.page.locator("dialog .picture.cutout polygon").get_attribute("points")
    corners = np.array([[float(n) for n in pair.split(",")] for pair in points.split()])
    theta = catalog["crop_theta"].values[3].reshape(2, 3)
    square = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1]]) @ theta.T
    expected = np.stack([(square[:, 0] + 1) * 24, (1 - square[:, 1]) * 24], axis=1)
    np.testing.assert_allclose(corners, expected, atol=1e-3)


def test_keys_do_all_that_a_hand_does(visit, catalog):
    names, keys = catalog["object_id"].text(), visit.page.keyboard
    keys.press("/")
    assert visit.page.evaluate("document.activeElement.id") == "filter"
    keys.press("Enter")
    assert visit.page.evaluate("document.activeElement.id") == "table"
    keys.press("ArrowDown")
    keys.press("ArrowDown")
    assert visit.page.get_attribute("#table", "aria-activedescendant") == "galaxy-2"
    keys.press("Enter")
    heading = visit.page.locator("dialog h2")
    assert heading.text_content() == names[2]
    keys.press("ArrowRight")
    keys.press("ArrowRight")
    keys.press("ArrowLeft")
    assert heading.text_content() == names[3]
    keys.press("Escape")
    assert not visit.page.evaluate("document.querySelector('dialog').open")
    assert visit.page.evaluate("document.activeElement.id") == "table"
    assert visit.page.get_attribute("#table", "aria-activedescendant") == "galaxy-3"
    keys.press("End")
    last = visit.page.locator(".tabulator-row.current")
    assert names[-1] in last.text_content()
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert visit.page.evaluate(outline) != "none"


def test_every_tick_of_a_joint_posterior_reads_what_it_stands_at(visit, catalog):
    visit.page.locator(".tabulator-row").first.click()
    alone = 0
    for _ in range(len(catalog)):
        axes = visit.page.evaluate(
            "[...document.querySelectorAll('dialog .corner .axis')].map((axis) =>"
            " [...axis.querySelectorAll('.tick')].map((tick) => [tick.__data__, tick.textContent]))"
        )
        assert len(axes) == 5
        for value, text in (tick for axis in axes for tick in axis):
            read = float(text.replace("\N{MINUS SIGN}", "-"))
            assert read == pytest.approx(value, rel=5e-3), text
        alone += sum(len(axis) == 1 for axis in axes)
        visit.page.keyboard.press("ArrowRight")
    assert alone  # a tick without a neighbour has no other to take its digits from


def test_the_posterior_that_is_drawn_is_the_one_of_the_catalogue(visit, written):
    posterior = Posterior.load(written[1])
    for galaxy, (place, name) in ((0, (0, "bulge_to_total")), (4, (1, "effective_radius"))):
        drawn = visit.page.evaluate(f"gampen.marginal({galaxy}, {place})")
        marginal = posterior.select([galaxy])[name]
        values = torch.tensor(drawn["values"], dtype=torch.float64)[:, None]
        np.testing.assert_allclose(drawn["density"], marginal.pdf(values)[:, 0], 1e-6, 1e-9)
        level = torch.tensor([[0.02275], [0.15865], [0.5], [0.84135], [0.97725]])
        ends = [drawn["within95"][0], drawn["within68"][0], drawn["median"]]
        ends += [drawn["within68"][1], drawn["within95"][1]]
        np.testing.assert_allclose(ends, marginal.ppf(level.double())[:, 0], 1e-6)
    shares = visit.page.evaluate("gampen.doubts(4)")
    np.testing.assert_allclose(shares, posterior.epistemic_fraction[4], 1e-5)


def test_the_joint_density_that_is_drawn_is_the_one_of_the_catalogue(visit, written):
    posterior = Posterior.load(written[1]).select([1]).marginal("bulge_to_total", "flux")
    drawn = visit.page.evaluate(
        "(() => { const { side, grid, x, y } = gampen.joint(1, 0, 2);"
        " return { side, grid: [...grid], x: [x.start, x.end], y: [y.start, y.end] } })()"
    )
    side = drawn["side"]
    middles = (torch.arange(side, dtype=torch.float64) + 0.5) / side
    x, magnitude = (low + (high - low) * middles for low, high in (drawn["x"], drawn["y"]))
    flux = 10 ** (0.4 * (posterior.zero_points[0] - magnitude))
    points = torch.stack(torch.meshgrid(x, flux, indexing="xy"), dim=-1)[:, :, None]
    slope = (flux * np.log(10) / 2.5).log()[:, None]  # d flux / d magnitude
    expected = (posterior.log_prob(points)[..., 0] + slope).exp()
    np.testing.assert_allclose(np.reshape(drawn["grid"], (side, side)), expected, 1e-5, 1e-12)


def test_magnitudes_are_drawn_where_a_zero_point_is_known(visit, written):
    drawn = visit.page.evaluate("gampen.marginal(5, 2)")
    magnitude = Posterior.load(written[1]).select([5]).magnitude()
    assert (drawn["name"], drawn["unit"]) == ("magnitude", "mag")
    low, high = magnitude.interval(0.6827)[0].tolist()
    np.testing.assert_allclose(
        [drawn["median"], *drawn["within68"]], [magnitude.median[0], low, high], 1e-6
    )


def test_colours_follow_the_system_and_the_button(browser, written):
    ground = "getComputedStyle(document.body).backgroundColor"

    def brightness(visit):
        return sum(map(int, re.findall(r"\d+", visit.page.evaluate(ground))[:3])) / 765

    with visiting(browser, written[0], scheme="dark") as visit:
        assert brightness(visit) < 0.15
        visit.page.click("#theme")
        assert visit.page.get_attribute("#theme", "aria-label") == "Colours: light"
        assert brightness(visit) > 0.9
        visit.page.reload()
        visit.page.wait_for_selector("html[data-ready=table]")
        assert brightness(visit) > 0.9
        visit.page.click("#theme")
        assert brightness(visit) < 0.15
        assert visit.complaints == []
    with visiting(browser, written[0]) as visit:
        assert brightness(visit) > 0.9
        visit.page.emulate_media(color_scheme="dark")
        visit.until("document.documentElement.dataset.theme === 'dark'")


def test_on_a_phone_nothing_is_wider_than_the_page(browser, written):
    width = "document.scrollingElement.scrollWidth"
    with visiting(browser, written[0], PHONE) as visit:
        assert visit.page.evaluate(width) <= PHONE[0]
        visit.page.evaluate("gampen.open(0)")
        assert visit.page.evaluate("document.querySelector('dialog').scrollWidth") <= PHONE[0]
        assert visit.complaints == []


def test_pictures_beside_the_page_are_found(browser, predicted, tmp_path, monkeypatch):
    monkeypatch.setattr("gampen.verbs.gallery.INSIDE", 2)
    page = tmp_path / "page.html"
    report(ReportRequest(predicted[1], page, cutouts=predicted[0], galaxies=4))
    with visiting(browser, page) as visit:
        visit.page.evaluate("gampen.open(3)")
        image = visit.page.locator("dialog .picture.residual img")
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") == 48
        visit.page.evaluate("gampen.open(9)")
        assert "the first 4 that have cutouts" in visit.page.text_content("dialog")
        assert visit.complaints == []
        home = tmp_path.as_uri()
        assert {url for url in visit.requests if not url.startswith(home)} == set()


def test_without_cutouts_the_page_says_how_to_get_pictures(browser, catalog, tmp_path):
    with visiting(browser, shown(tmp_path, catalog)) as visit:
        assert "run the report again with --cutouts" in visit.page.text_content("#galaxies")
        visit.page.evaluate("gampen.open(0)")
        assert visit.page.locator("dialog img").count() == 0
        assert visit.page.locator("dialog .corner").count() == 1
        assert visit.complaints == []


def test_a_galaxy_without_a_posterior_opens_to_the_reason(browser, catalog, tmp_path):
    page = shown(tmp_path, failed(catalog, [0, 4], "the file must exist; it is missing"))
    with visiting(browser, page) as visit:
        visit.page.click("#chips >> text=unreadable")
        visit.until("gampen.order().length === 2")
        assert visit.order() == [0, 4]
        visit.page.evaluate("gampen.open(4)")
        assert "No posterior. the file must exist; it is missing" in visit.page.text_content(
            "dialog"
        )
        visit.page.evaluate("gampen.open(5)")
        assert visit.page.locator("dialog .corner").count() == 1
        assert visit.complaints == []


def test_a_catalogue_without_any_posterior_still_makes_a_page(browser, catalog, tmp_path):
    page = shown(tmp_path, failed(catalog, slice(None), "a cutout must have contrast"))
    with visiting(browser, page) as visit:
        assert "No galaxy of this catalogue has a posterior." in visit.page.text_content("#sample")
        assert visit.order() == list(range(len(catalog)))
        assert visit.complaints == []


def test_what_a_catalogue_says_is_text_and_never_markup(browser, catalog, tmp_path):
    count = len(HOSTILE)
    ids, files = (np.array(catalog[n].text(), dtype=object) for n in ("object_id", "file_name"))
    ids[:count], files[:count] = HOSTILE, HOSTILE
    hostile = failed(catalog, [1], HOSTILE[0]).with_columns(
        [Column("object_id", ids.astype(str)), Column("file_name", files.astype(str))]
    )
    flags = '{"1 <img src=x onerror=window.struck=1>": "</script><b>bold</b>"}'
    hostile = hostile.with_metadata(
        estimator=HOSTILE[0], seed=HOSTILE[3], flags=flags, more=HOSTILE[2]
    )
    with visiting(browser, shown(tmp_path, hostile)) as visit:
        assert visit.column("id")[:count] == list(HOSTILE)
        for galaxy in range(count):
            visit.page.evaluate(f"gampen.open({galaxy})")
            assert visit.page.text_content("dialog h2") == HOSTILE[galaxy]
        visit.page.keyboard.press("Escape")
        visit.page.locator("#plane").hover()
        assert visit.page.evaluate("window.struck") is None
        assert visit.page.locator("img, b b, svg[onload]").count() == 0
        assert HOSTILE[2] in visit.page.text_content("#run")
        assert visit.complaints == []


def test_the_page_may_fetch_nothing_even_if_told_to(browser, written):
    with visiting(browser, written[0]) as visit:
        refused = visit.page.evaluate(
            "fetch('https://example.org/').then(() => 'fetched', () => 'refused')"
        )
        assert refused == "refused"
        visit.page.evaluate(
            "document.body.append(Object.assign(document.createElement('script'),"
            " { textContent: 'window.struck = true' }))"
        )
        assert visit.page.evaluate("window.struck") is None
        assert all("Content Security Policy" in said for said in visit.complaints)
        assert not [url for url in visit.requests if url.startswith("http")]


def test_ten_thousand_galaxies_open_in_three_seconds(browser, catalog, tmp_path):
    many = 10_000
    rows = catalog.take(np.arange(many) % len(catalog))
    ids = np.array([f"galaxy-{row:05d}" for row in range(many)])
    page = shown(tmp_path, rows.with_columns([Column("object_id", ids)]))
    with opened(browser, page) as (visit, seconds):
        assert seconds < MOST_SECONDS
        assert visit.page.locator("*").count() < 5_000  # only rows in view are elements
        visit.page.keyboard.press("/")
        visit.page.keyboard.type("galaxy-0999")
        visit.until("gampen.order().length === 10")
        visit.page.keyboard.press("Enter")
        visit.page.keyboard.press("Enter")
        assert visit.page.text_content("dialog h2") == "galaxy-09990"
