"""Wire: messages are JSON and arrays; anything else is refused, whatever it is."""

from __future__ import annotations

import io
import pickle
import struct

import numpy as np
import pytest

from clipdesk.jobs.executors.wire import Message, WireError, read_message, unpacked, write_message

MESSAGE = Message(
    "event",
    7,
    {"text": "ein Wörterbuch", "units": [1, 2]},
    {"image": np.arange(12, dtype=np.uint8).reshape(2, 2, 3)[:, ::-1], "curve": np.array([0.5, -1.0], np.float32)},
)


def test_a_message_comes_as_it_was_sent() -> None:
    found = unpacked(MESSAGE.packed())
    assert (found.kind, found.number, found.fields) == ("event", 7, MESSAGE.fields)
    assert list(found.arrays) == ["image", "curve"]
    for name, array in found.arrays.items():
        assert np.array_equal(array, MESSAGE.arrays[name])
        assert array.dtype == MESSAGE.arrays[name].dtype
    found.arrays["curve"][0] = 1.0


@pytest.mark.parametrize("cut", [0, 4, 9, 60, 1])
def test_a_message_that_is_cut_off_is_refused(cut: int) -> None:
    whole = MESSAGE.packed()
    with pytest.raises(WireError):
        unpacked(whole[: -cut or 0])


@pytest.mark.parametrize(
    "arrays",
    [
        [["a", "object", [1]]],
        [["a", "float64", [1]]],
        [["a", "uint8", [-1]]],
        [["a", "uint8", [2**70]]],
        [["a", "uint8", ["1"]]],
        [["a", "uint8"]],
        "abc",
    ],
)
def test_odd_arrays_are_refused(arrays: object) -> None:
    import json

    head = json.dumps({"kind": "event", "number": 1, "fields": {}, "arrays": arrays}).encode()
    with pytest.raises(WireError):
        unpacked(struct.pack("<Q", len(head)) + head + b"12345678")


@pytest.mark.parametrize("data", [b"", b"x" * 100, pickle.dumps(print), struct.pack("<Q", 2**60) + b"{}"])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        unpacked(data)


def test_messages_follow_one_another_in_a_stream() -> None:
    stream = io.BytesIO()
    write_message(stream, b"one")
    write_message(stream, b"")
    write_message(stream, b"three")
    stream.seek(0)
    assert [read_message(stream) for _ in range(4)] == [b"one", b"", b"three", None]


def test_the_end_in_the_middle_of_a_message_is_an_end() -> None:
    stream = io.BytesIO()
    write_message(stream, b"one")
    assert read_message(io.BytesIO(stream.getvalue()[:-1])) is None


def test_a_stream_of_something_else_is_refused() -> None:
    with pytest.raises(WireError):
        read_message(io.BytesIO(b"HTTP/1.1 400 Bad Request"))
