"""Pages show what a shell printed, line by line."""

from docs._ext.streams import coalesce_streams, joined


def piece(name, text):
    return {"output_type": "stream", "name": name, "text": text}


def test_a_line_in_two_pieces_stays_one_line():
    found = coalesce_streams(joined([piece("stdout", "mended.s"), piece("stdout", "afetensors\n")]))
    assert [output["text"] for output in found] == ["mended.safetensors\n"]


def test_streams_and_pictures_stay_apart_and_in_order():
    picture = {"output_type": "display_data", "data": {}}
    given = [piece("stdout", "a"), picture, piece("stderr", "c"), piece("stdout", "b")]
    found = joined(given)
    assert [output.get("text") for output in found] == ["ab", None, "c"]
