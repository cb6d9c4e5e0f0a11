"""The site as a reader meets it: on a wide screen and on a phone, by day and by night."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from browser import PHONE, WIDE, running

BUILT = Path(__file__).parents[2] / "build" / "docs"
SHOWN = [
    "index",
    "tutorials/first-posterior",
    "tutorials/at-scale",
    "how-to/predict",
    "how-to/train",
    "reference/python/posterior",
    "reference/run-files",
    "reference/commands",
    "explanation/method",
    "gallery",
    "genindex",
]
# The theme lets the part beside its menus scroll sideways; nothing in it should need that.
SCROLLERS = "[document.documentElement, document.querySelector('.content')]"
WIDER_THAN_THE_PAGE = f"Math.max(...{SCROLLERS}.map(e => e.scrollWidth - e.clientWidth))"
# Of every picture that is shown: what it is painted on, where the page is dark.
GROUNDS = (
    "[...document.querySelectorAll('article img')].map(e => getComputedStyle(e).backgroundColor)"
)


@pytest.fixture(scope="module")
def browser():
    """The browser, for a site that `make docs` built."""
    if not (BUILT / "index.html").exists():
        pytest.skip("there is no built site: `make docs` makes it, `make test` before the tests")
    with running() as found:
        yield found


@pytest.fixture
def opened(browser):
    """Opens a page, and comes back with it and all that it asked for or complained of."""
    contexts = []

    def opened(name, size, scheme="light"):
        width, height = size
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme
        )
        contexts.append(context)
        page, heard = context.new_page(), []
        page.on("request", lambda asked: heard.append(asked.url))
        page.on("pageerror", lambda error: heard.append(f"error: {error}"))
        page.goto((BUILT / f"{name}.html").as_uri(), wait_until="load")
        return page, [each for each in heard if urlsplit(each).scheme != "file"]

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("size", [PHONE, WIDE], ids=["phone", "wide"])
def test_a_page_is_no_wider_than_its_window_and_fetches_nothing(opened, name, size):
    page, heard = opened(name, size)
    assert page.evaluate(WIDER_THAN_THE_PAGE) <= 0
    assert [each for each in heard if not each.startswith("data:")] == []


def test_a_wide_table_scrolls_in_its_own_box(opened):
    page, _ = opened("reference/run-files", PHONE)
    boxes = "[...document.querySelectorAll('.table-wrapper')]"
    assert page.evaluate(f"{boxes}.some(e => e.scrollWidth > e.clientWidth)")
    assert page.evaluate(f"{boxes}.every(e => getComputedStyle(e).overflowX === 'auto')")


@pytest.mark.parametrize("name", ["gallery", "tutorials/first-posterior"])
def test_pictures_keep_their_white_ground_at_night(opened, name):
    page, _ = opened(name, WIDE, "dark")
    grounds = page.evaluate(GROUNDS)
    assert grounds
    assert set(grounds) == {"rgb(255, 255, 255)"}


def test_a_formula_is_drawn_by_the_browser_itself(opened):
    page, _ = opened("explanation/method", WIDE)
    assert page.evaluate("document.querySelectorAll('article math').length") > 10
    tall = "Math.max(...[...document.querySelectorAll('math')].map(e => e.clientHeight))"
    assert page.evaluate(tall) > 40  # [pixel]: a matrix has rows
