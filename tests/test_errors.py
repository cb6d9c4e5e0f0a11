"""Errors of other libraries are said in one line."""

import pytest

from gampen.errors import LONGEST_REASON, reason_of


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
