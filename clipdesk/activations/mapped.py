"""safetensors files as arrays that are read when they are looked at: one question needs a small part of a survey."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clipdesk.files import check_readable

_LONGEST_HEADER = 10_000_000
_LARGEST = 2**40
_KINDS = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I16": np.int16,
    "U32": np.uint32,
    "U8": np.uint8,
}


def map_file(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file, which must stay as it is while they are used.

    Their form: eight bytes with the length of a header, the header in JSON with each array's kind, shape and place, and
    the data.

    Raises:
        UsageError: it is not there, or not a regular file.
        OSError: it cannot be read.
        ValueError: it is not whole.
    """
    check_readable(path, _LARGEST)
    data = np.memmap(path, dtype=np.uint8, mode="r")
    length = int.from_bytes(data[:8].tobytes(), "little")
    if len(data) < 8 or length > min(len(data) - 8, _LONGEST_HEADER):
        raise ValueError("the header is not whole")
    begin = 8 + length
    header = json.loads(data[8:begin].tobytes())
    return {name: _array(data[begin:], entry) for name, entry in header.items() if name != "__metadata__"}


def _array(data: NDArray[np.uint8], entry: dict[str, Any]) -> NDArray[Any]:
    try:
        kind, shape, (first, end) = np.dtype(_KINDS[entry["dtype"]]), tuple(entry["shape"]), entry["data_offsets"]
    except (KeyError, TypeError) as error:
        raise ValueError("the header is damaged") from error
    if not 0 <= first <= end <= len(data) or end - first != kind.itemsize * math.prod(shape):
        raise ValueError("the data are not whole")
    return np.asarray(data[first:end]).view(kind).reshape(shape)
