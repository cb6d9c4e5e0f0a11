"""Event files as TensorBoard reads them."""

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from gampen.errors import UsageError
from gampen.tracking.tensorboard import STEM, TensorBoard
from gampen.tracking.tracker import Ending

SETTINGS = {"training.steps": 12, "network.crop": "zoom", "training.seed": 0, "scene.quiet": True}
PROVENANCE = {"name": "mine", "device": "cpu"}


def sitting(folder, steps, value=1.0):
    """Write the steps of a sitting, each with its own value."""
    board = TensorBoard(folder)
    board.start(SETTINGS, PROVENANCE)
    for step in steps:
        board.log(step, {"loss": value + step, "nll": -step})
    board.artifact(folder / "best")
    board.end(Ending.STOPPED)


def read(folder):
    """All that a reader finds in a folder."""
    return EventAccumulator(str(folder)).Reload()


def scalars(folder, name="loss"):
    """Steps and values, in the order in which they are read."""
    return [(event.step, event.value) for event in read(folder).Scalars(name)]


def test_scalars_are_read_back(tmp_path):
    sitting(tmp_path, [10, 20, 30])
    assert scalars(tmp_path) == [(10, 11.0), (20, 21.0), (30, 31.0)]
    assert scalars(tmp_path, "nll") == [(10, -10.0), (20, -20.0), (30, -30.0)]
    times = [event.wall_time for event in read(tmp_path).Scalars("loss")]
    assert times == sorted(times)


def test_steps_that_are_done_again_are_neither_doubled_nor_out_of_order(tmp_path):
    sitting(tmp_path, [10, 20, 30, 40])
    sitting(tmp_path, [30, 40, 50], value=2.0)
    sitting(tmp_path, [40], value=3.0)
    assert scalars(tmp_path) == [(10, 11.0), (20, 21.0), (30, 32.0), (40, 43.0)]
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        f"{STEM}.{number:04d}" for number in (1, 2, 3)
    ]


def test_a_reader_that_is_already_looking_forgets_what_is_done_again(tmp_path):
    sitting(tmp_path, [10, 20, 30])
    looking = read(tmp_path)
    assert [event.step for event in looking.Scalars("loss")] == [10, 20, 30]
    sitting(tmp_path, [20, 30, 40], value=2.0)
    looking.Reload()
    assert [event.step for event in looking.Scalars("loss")] == [10, 20, 30, 40]
    assert [event.value for event in looking.Scalars("loss")] == [11.0, 22.0, 32.0, 42.0]


def test_an_event_that_was_cut_off_loses_no_other(tmp_path):
    sitting(tmp_path, [10, 20, 30])
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-5])
    sitting(tmp_path, [30], value=2.0)
    assert scalars(tmp_path) == [(10, 11.0), (20, 21.0), (30, 32.0)]


def test_settings_are_text_to_read_and_hyperparameters_to_compare_by(tmp_path):
    sitting(tmp_path, [10])
    sitting(tmp_path, [20])
    found = read(tmp_path)
    (text,) = found.Tensors("settings")
    (table,) = text.tensor_proto.string_val
    rows = table.decode().splitlines()
    assert rows[:3] == ["| setting | value |", "| --- | --- |", "| name | mine |"]
    assert "| training.steps | 12 |" in rows
    content = found.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    told = metadata.parse_session_start_info_plugin_data(content).hparams
    assert told["training.steps"].number_value == 12
    assert told["network.crop"].string_value == "zoom"
    assert told["scene.quiet"].bool_value is True
    assert told["device"].string_value == "cpu"


def test_nothing_to_say_makes_no_file(tmp_path):
    sitting(tmp_path, [])
    assert list(tmp_path.iterdir()) == []


def test_a_sitting_never_writes_over_another_whose_neighbour_was_deleted(tmp_path):
    sitting(tmp_path, [10])
    sitting(tmp_path, [20])
    (tmp_path / f"{STEM}.0001").unlink()
    kept = (tmp_path / f"{STEM}.0002").read_bytes()
    sitting(tmp_path, [30])
    assert (tmp_path / f"{STEM}.0002").read_bytes() == kept
    assert scalars(tmp_path) == [(20, 21.0), (30, 31.0)]


def test_a_folder_that_is_gone_is_said(tmp_path):
    with pytest.raises(UsageError, match=r"must be writable; got: No such file"):
        sitting(tmp_path / "gone", [10])
