"""Errors of other libraries are said in one line."""

import pytest

from gampen.errors import LONGEST_REASON, UsageError, extra, reason_of


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("out of memory", "out of memory"),
        ("\n  first\nsecond\n", "first"),
        ("Errors:\n\tMissing key 'a'.\n\tMissing key 'b'.", "Errors: Missing key 'a'."),
        ("", "ValueError"),
        ("x" * 1000, "x" * LONGEST_REASON),
    ],
)
def test_a_reason_is_one_line(message, said):
    assert reason_of(ValueError(message)) == said


def test_a_missing_extra_says_what_to_install():
    said = r"nonsense_xyz must be installed .* pip install 'gampen\[form\]'"
    with pytest.raises(UsageError, match=said), extra("form"):
        import nonsense_xyz  # noqa: F401


def test_another_error_of_an_import_is_not_taken_for_a_missing_extra():
    with pytest.raises(ZeroDivisionError), extra("form"):
        raise ZeroDivisionError
