"""Facts about what an Arrow file says of its batches."""

import numpy as np
import pyarrow as pa
import pytest

from gampen.storage.messages import is_compressed


def arrow_file(compressions):
    """The bytes of a file, and whether each of its batches is compressed."""
    sink, schema = pa.BufferOutputStream(), pa.schema([("x", pa.float64()), ("name", pa.string())])
    options = pa.ipc.IpcWriteOptions(compression=compressions)
    with pa.ipc.new_file(sink, schema, options=options) as file:
        for number in range(3):
            names = pa.array([f"galaxy {number}"] * 100)
            file.write_batch(pa.record_batch([pa.array(np.zeros(100)), names], schema))
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("method", [None, "zstd", "lz4"])
def test_a_batch_says_whether_it_is_compressed(method):
    content = arrow_file(method)
    assert [is_compressed(content, number) for number in range(3)] == [method is not None] * 3


def test_a_file_that_leads_nowhere_is_refused():
    content = arrow_file(None)
    generator, refused = np.random.default_rng(1), 0
    for _ in range(500):
        altered = bytearray(content)
        place = -1 - int(generator.integers(400))  # the footer
        altered[place] = generator.integers(256)
        try:
            is_compressed(bytes(altered), 2)
        except ValueError:
            refused += 1
    assert 5 < refused < 500
    for end in (0, 3, 9, 20):
        with pytest.raises(ValueError, match="what it says of its batches"):
            is_compressed(content[:end], 0)
