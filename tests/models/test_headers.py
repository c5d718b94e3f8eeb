import io
import json
import math
import os
import time
from pathlib import Path

import pytest
import safetensors.torch
import torch

from clipdesk.errors import ClipDeskError
from clipdesk.models.checkpoints import read_checkpoint
from clipdesk.models.headers import header_problem


def header(tensors: object) -> bytes:
    text = tensors if isinstance(tensors, bytes) else json.dumps(tensors).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def tensor(*shape: int, kind: str = "F32", at: int = 0) -> dict[str, object]:
    return {"dtype": kind, "shape": list(shape), "data_offsets": [at, at + 4 * math.prod(shape)]}


def problem(data: bytes) -> str:
    return header_problem(io.BytesIO(data), len(data))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int8, torch.bool])
def test_what_safetensors_writes_is_fine(dtype: torch.dtype) -> None:
    state = {"a.weight": torch.zeros(3, 4, dtype=dtype), "b.bias": torch.zeros((), dtype=dtype)}
    assert problem(safetensors.torch.save(state, {"format": "pt"})) == ""


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"\x80\x02", bytes(100), b"12345678"])
def test_other_files_are_left_to_others(data: bytes) -> None:
    assert problem(data) == ""


@pytest.mark.parametrize(
    "data",
    [
        (10**12).to_bytes(8, "little") + b"{",
        header({"a.weight": tensor(3)}),
        header({"a.weight": tensor(3)}) + bytes(11),
        header({"a.weight": tensor(3)}) + bytes(13),
        header({"a.weight": tensor(3, kind="F16")}) + bytes(12),
        header({"a.weight": {"dtype": "F32", "shape": [-1, -3], "data_offsets": [0, 12]}}) + bytes(12),
        header({"a.weight": {"dtype": "F32", "shape": [3.0], "data_offsets": [0, 12]}}) + bytes(12),
        header({"a.weight": {"dtype": "F32", "shape": [3]}}) + bytes(12),
        header({"a.weight": tensor(3, at=4)}) + bytes(12),
        header({"a.weight": 7}),
        header(b"{" * 1_000),
        header(b'{"a":' * 100_000),
        header(b"{\xff"),
    ],
)
def test_a_header_that_does_not_fit_its_file_is_refused(data: bytes) -> None:
    assert problem(data).startswith("it is damaged, cut off, or something else")


@pytest.mark.skipif(os.name == "nt", reason="Windows writes every block")
@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({"a.weight": tensor(2_500_000_000)}, "larger than any of a CLIP"),
        ({f"a{i}": tensor(250_000_000, at=10**9 * i) for i in range(10)}, "not named as weights are"),
        ({"a.weight": tensor(7)}, "do not fill it"),
    ],
)
def test_a_file_without_a_block_on_the_disk_is_refused_by_its_header(
    tmp_path: Path, tensors: dict[str, object], reason: str
) -> None:
    path = tmp_path / "a.safetensors"
    begin = header(tensors)
    path.write_bytes(begin)
    os.truncate(path, len(begin) + 10**10)
    started = time.process_time()
    with pytest.raises(ClipDeskError, match=reason):
        read_checkpoint(path)
    assert time.process_time() - started < 1
