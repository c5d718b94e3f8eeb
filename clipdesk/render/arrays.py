"""Arrays of numbers from NumPy's ``.npy`` files, which anybody may have written. Imports no torch."""

from __future__ import annotations

import io
import math
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"\x93NUMPY"
"""What every ``.npy`` begins with."""

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_KINDS = "biuf"


def decode_array(data: bytes) -> NDArray[Any]:
    """The array of a ``.npy`` file, of any shape; not to be changed.

    Nothing is unpickled, and nothing is allocated that the file does not hold: the shape that a header claims is first
    compared with the bytes behind it.

    Args:
        data: The file's bytes.

    Raises:
        ValueError: the bytes are something else, or the array is not of real numbers.
    """
    if not data.startswith(MAGIC):
        raise ValueError("it does not begin as an .npy file does")
    file = io.BytesIO(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            version = np.lib.format.read_magic(file)
            shape, by_columns, dtype = _HEADERS[version](file)
    except Exception as error:
        # The header is Python text: it fails in as many ways as there are texts.
        raise ValueError("its header cannot be read") from error
    # Version 3.0 is left out: only names of fields need it, and an array of numbers has no fields.
    if dtype.hasobject or dtype.kind not in _KINDS or not all(isinstance(side, int) and side >= 0 for side in shape):
        raise ValueError("it does not hold real numbers")
    count = math.prod(shape)
    if count == 0:
        raise ValueError("it is empty")
    if count * dtype.itemsize > len(data) - file.tell():
        raise ValueError("it is shorter than its header says")
    flat = np.frombuffer(data, dtype, count, file.tell())
    return flat.reshape(shape, order="F" if by_columns else "C")
