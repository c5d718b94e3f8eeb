import io
import struct
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from clipdesk.render.arrays import MAGIC, decode_array


def saved(array: NDArray[Any]) -> bytes:
    data = io.BytesIO()
    np.save(data, array, allow_pickle=True)
    return data.getvalue()


def headed(header: bytes, version: bytes = b"\x01\x00") -> bytes:
    return MAGIC + version + struct.pack("<H", len(header)) + header + bytes(64)


@pytest.mark.parametrize("kind", ["<f4", ">f8", "<f2", "<i4", "|u1", "|b1", "g"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_real_numbers_come_back(kind: str, order: Literal["C", "F"]) -> None:
    array = np.asarray(np.arange(6).reshape(2, 3) % 2, dtype=kind, order=order)
    found = decode_array(saved(array))
    assert found.dtype == array.dtype
    assert (found == array).all()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        MAGIC,
        saved(np.array([{}], dtype=object)),
        saved(np.array(["a"])),
        saved(np.array([1j])),
        saved(np.zeros(0)),
        saved(np.zeros(3, dtype=[("a", "f4")])),
        saved(np.arange(9.0))[:-1],
        saved(np.arange(9.0)).replace(b"(9,)", b"(10**9,)"),
        headed(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000000, 1000000000000000), }\n"),
        headed(b"{'descr': '<f4', 'fortran_order': False, 'shape': (-1, -4), }\n"),
        headed(b"{'descr': '<f4', 'fortran_order': False, 'shape': (1.5,), }\n"),
        headed(b"{'descr': '<f4', 'fortran_order': False, 'shape': ('''\n"),
        headed(b"{'descr': ('<f4', -1), 'fortran_order': False, 'shape': (1,), }\n"),
        headed(b"__import__('os').abort()\n"),
        headed(b"(" * 5_000 + b"\n"),
        headed(b"[" * 60_000 + b"\n"),
        headed(b"\xff\xfe\n", version=b"\x03\x00"),
        headed(b"{}\n", version=b"\x09\x09"),
    ],
)
def test_everything_else_is_refused_with_one_kind_of_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^it"):
        decode_array(data)
