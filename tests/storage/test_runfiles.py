"""Facts about run files."""

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gampen.errors import UsageError
from gampen.settings import SimulationSettings
from gampen.simulation.surveys import HSC_WIDE_I, survey
from gampen.storage.runfiles import read_settings, write_settings


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    rate: float = 0.1
    band: Literal["g", "r"] = "g"


@dataclass(frozen=True)
class Circle:
    radius: float


@dataclass(frozen=True)
class Square:
    side: float


@dataclass(frozen=True)
class Run:
    epochs: int
    name: str = "run"
    inner: Inner = Inner()
    scales: tuple[float, ...] = (1.0, 2.0)
    pair: tuple[int, str] = (1, "a")
    members: list[int] = field(default_factory=list)
    shapes: tuple[Inner, ...] = ()
    outline: Circle | Square | None = None
    colour: Colour = Colour.RED
    folder: Path | None = None
    notes: dict[str, str] = field(default_factory=dict)
    quick: bool = False

    def __post_init__(self):
        if self.epochs < 1:
            raise UsageError(f"epochs must be at least 1; got {self.epochs}")


def read(tmp_path, text):
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path, Run)


def test_what_is_not_given_has_its_default(tmp_path):
    assert read(tmp_path, "epochs = 3") == Run(epochs=3)


def test_tables_arrays_and_names_become_what_the_fields_ask_for(tmp_path):
    run = read(
        tmp_path,
        """
        epochs = 3
        scales = [1, 2.5]
        pair = [4, "b"]
        members = [1, 2]
        shapes = [{ rate = 1 }, { band = "r" }]
        outline = { side = 2 }
        colour = "blue"
        folder = "a/b"
        quick = true
        [inner]
        rate = 1e-3
        [notes]
        why = "a test"
        """,
    )
    assert run.scales == (1.0, 2.5)
    assert isinstance(run.scales[0], float)
    assert run.pair == (4, "b")
    assert run.members == [1, 2]
    assert run.shapes == (Inner(1.0), Inner(band="r"))
    assert run.outline == Square(2.0)
    assert run.colour is Colour.BLUE
    assert run.folder == Path("a/b")
    assert run.inner == Inner(1e-3)
    assert run.notes == {"why": "a test"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("epoch = 3", "got 'epoch': did you mean 'epochs'?"),
        ("epochs = 3\n[inner]\nrat = 1", "got 'inner.rat': did you mean 'rate'?"),
        ("epochs = 3\nxyz = 1", "got 'xyz': known are epochs, name"),
        ("", "epochs must be given; it is missing"),
        ("epochs = 0", "epochs must be at least 1; got 0"),
        ("epochs = 1.5", "epochs must be a whole number; got 1.5"),
        ("epochs = true", "epochs must be a whole number; got true"),
        ("epochs = 1\nquick = 1", "quick must be true or false; got 1"),
        ('epochs = 1\nname = ["a"]', r'name must be text; got \["a"\]'),
        ("epochs = 1\nscales = 3", "scales must be an array; got 3"),
        ('epochs = 1\nscales = [1, "x"]', r'scales\[1\] must be a number; got "x"'),
        ("epochs = 1\npair = [1]", "pair must have 2 entries; got 1"),
        ("epochs = 1\ninner = 3", "inner must be a table; got 3"),
        ('epochs = 1\ncolour = "green"', 'colour must be one of red, blue; got "green"'),
        ('epochs = 1\ninner.band = "z"', 'inner.band must be one of g, r; got "z"'),
        ("epochs = 1\noutline = { side = true }", "outline.side must be a number; got true"),
        ("epochs = 1\nfolder = 3", "folder must be text; got 3"),
        ("epochs = ", "must be TOML"),
    ],
)
def test_what_is_wrong_is_said_with_the_file_and_the_place(tmp_path, text, reason):
    with pytest.raises(UsageError, match=reason) as refusal:
        read(tmp_path, text)
    assert "run.toml" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_run_file_is_refused(tmp_path):
    with pytest.raises(UsageError, match="must be readable; got: No such file"):
        read_settings(tmp_path / "none.toml", Run)


def test_what_is_written_is_read_back(tmp_path):
    run = Run(
        epochs=2,
        name='a "quoted" \\ é\nname',
        shapes=(Inner(0.5), Inner(band="r")),
        outline=Circle(1.0),
        colour=Colour.BLUE,
        folder=Path("a b/c"),
        notes={"a key": "x", "plain": "y"},
    )
    write_settings(run, tmp_path / "a.toml")
    assert read_settings(tmp_path / "a.toml", Run) == run


@given(
    name=st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
    scales=st.lists(st.floats(allow_nan=False), max_size=4),
    epochs=st.integers(1, 2**62),
)
def test_any_text_and_number_is_read_back(tmp_path_factory, name, scales, epochs):
    path = tmp_path_factory.mktemp("run") / "a.toml"
    run = Run(epochs=epochs, name=name, scales=tuple(scales))
    write_settings(run, path)
    assert read_settings(path, Run) == run


def test_every_setting_is_spelled_out(tmp_path):
    write_settings(Run(epochs=2), tmp_path / "a.toml")
    lines = (tmp_path / "a.toml").read_text().splitlines()
    assert lines[:4] == ["epochs = 2", 'name = "run"', "scales = [1.0, 2.0]", 'pair = [1, "a"]']
    assert "[inner]" in lines
    assert "rate = 0.1" in lines


def test_what_toml_cannot_hold_is_refused(tmp_path):
    @dataclass(frozen=True)
    class Odd:
        value: object

    with pytest.raises(UsageError, match="must be text, a number"):
        write_settings(Odd(object()), tmp_path / "a.toml")
    assert not list(tmp_path.iterdir())


def test_a_name_may_stand_for_a_table_of_settings(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('survey = "hsc_wide_i"\n[prior]\nmagnitude = [19, 20]\n')
    settings = read_settings(path, SimulationSettings, {"survey": survey})
    assert settings.survey == HSC_WIDE_I
    assert settings.prior.magnitude == (19, 20)


def test_an_unknown_name_for_a_table_is_refused_with_the_known_ones(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text('survey = "hsc_wide_q"\n')
    with pytest.raises(UsageError, match="one of hsc_wide_g"):
        read_settings(path, SimulationSettings, {"survey": survey})
