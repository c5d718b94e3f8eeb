"""Messages between head and workers, as bytes: JSON and arrays, and nothing that could run. Imports no torch."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from clipdesk.errors import ClipDeskError

LARGEST = 2**32
"""Bytes of a message: more than any picture has."""

_LENGTH = struct.Struct("<Q")
_DTYPES = frozenset({"uint8", "float32"})


class WireError(ClipDeskError):
    """What has come is not a message of ClipDesk's."""


@dataclass(frozen=True)
class Message:
    """One message.

    Attributes:
        kind: Which one it is.
        number: What it is about: a claim or a question of the head's, which has a number of its own; 0 for none.
        fields: Plain values, as JSON has them.
        arrays: Arrays by name, uint8 or float32.
    """

    kind: str
    number: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def packed(self) -> bytes:
        """As bytes."""
        arrays = {name: np.ascontiguousarray(each) for name, each in self.arrays.items()}
        forms = [[name, each.dtype.name, list(each.shape)] for name, each in arrays.items()]
        head = json.dumps({"kind": self.kind, "number": self.number, "fields": dict(self.fields), "arrays": forms})
        encoded = head.encode()
        return b"".join([_LENGTH.pack(len(encoded)), encoded, *(each.tobytes() for each in arrays.values())])


def unpacked(data: bytes) -> Message:
    """The message that bytes hold.

    Raises:
        WireError: they hold something else.
    """
    try:
        (length,) = _LENGTH.unpack_from(data)
        start = _LENGTH.size + length
        head = json.loads(data[_LENGTH.size : start])
        kind, number, fields = head["kind"], head["number"], head["fields"]
        arrays: dict[str, NDArray[Any]] = {}
        for name, dtype, shape in head["arrays"]:
            arrays[name], start = _array(data, start, dtype, shape)
    except (ValueError, KeyError, TypeError, struct.error, RecursionError) as error:
        raise WireError("A worker and its head do not understand each other") from error
    if not (isinstance(kind, str) and type(number) is int and isinstance(fields, dict) and start == len(data)):
        raise WireError("A worker and its head do not understand each other")
    return Message(kind, number, fields, arrays)


def _array(data: bytes, start: int, dtype: str, shape: list[int]) -> tuple[NDArray[Any], int]:
    if dtype not in _DTYPES or not all(type(each) is int and each >= 0 for each in shape):
        raise ValueError("no such array")
    count = 1
    for each in shape:
        count *= each
    end = start + count * np.dtype(dtype).itemsize
    if end > len(data):
        raise ValueError("cut off")
    # A copy, which can be written to, and does not keep the whole message.
    return np.frombuffer(data, dtype, count, start).reshape(shape).copy(), end


def write_message(stream: IO[bytes], data: bytes) -> None:
    """Write a message's bytes into a pipe or a file, with their length before them."""
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def read_message(stream: IO[bytes]) -> bytes | None:
    """The next message's bytes; None at the end, also where the last one is cut off, as by a process that was killed.

    Raises:
        WireError: these are no messages.
    """
    start = stream.read(_LENGTH.size)
    if len(start) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(start)
    if length > LARGEST:
        raise WireError("A worker and its head do not understand each other")
    data = stream.read(length)
    return data if len(data) == length else None
