"""Where there is no browser, tests of pages are skipped by a person's machine and fail in CI."""

import pytest

from browser import chromium


@pytest.fixture(autouse=True)
def none_installed(monkeypatch):
    """A machine without a browser."""
    monkeypatch.setattr("browser.shutil.which", lambda _name: None)


def test_a_persons_machine_without_a_browser_skips(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"none of chromium, .* is installed"):
        chromium()


def test_continuous_integration_without_a_browser_fails(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="the report is tested in a browser"):
        chromium()
