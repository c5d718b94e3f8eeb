"""Headers of .safetensors files, looked at before the file is: what it claims must fit its size and look like weights.

The format: 8 bytes for the length of the header, the header as JSON, and the numbers of all tensors in a row.
"""

from __future__ import annotations

import json
import math
from typing import Any, BinaryIO

_LONGEST = 8_000_000
"""Bytes of a header; that of a network with ten thousand tensors has a sixth."""
_MOST_NUMBERS = 2**30
"""Numbers of one tensor; the largest published, of a vocabulary of 250,002, has a quarter."""
_BYTES = {"F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2}
_OF_ONE_BYTE = 1
_USUAL = ("weight", "bias", "embed", "proj", "norm", "token", "mean", "var", "scale", "gamma", "beta", "alpha", "probe")
"""Parts of the names that weights have in all forms of a CLIP."""
_OF_LATENTS = ("w_enc", "w_dec", "enc", "dec")
"""Names that the weights of sparse autoencoders have, where they have none of the usual parts."""


def header_problem(file: BinaryIO, size: int) -> str:
    """What is wrong with the header of a file that begins as .safetensors does; empty for all other files.

    A file without a block on the disk can claim to be of any size, and would be read whole before it is refused.

    Args:
        file: The open file; afterwards it stands at its beginning.
        size: Its size in bytes.
    """
    file.seek(0)
    try:
        begin = file.read(9)
        length = int.from_bytes(begin[:8], "little")
        # A text in JSON may have a brace in this place, too; as a length, eight letters would be beyond all disks.
        if begin[8:] != b"{" or all(0x20 <= byte < 0x7F for byte in begin[:8]):
            return ""
        if length > min(_LONGEST, size - 8):
            return "it is damaged, cut off, or something else: its header cannot be so long"
        return _problem(b"{" + file.read(length - 1), size - 8 - length)
    finally:
        file.seek(0)


def _problem(header: bytes, size: int) -> str:
    try:
        tensors = {name: entry for name, entry in json.loads(header).items() if name != "__metadata__"}
        claimed = {name: _claimed(entry, size) for name, entry in tensors.items()}
    except Exception:
        # Whatever JSON may hold instead of what should be there.
        return "it is damaged, cut off, or something else: its header cannot be read"
    if sum(length for _, length in claimed.values()) != size:
        return "it is damaged, cut off, or something else: its tensors do not fill it"
    if any(numbers > _MOST_NUMBERS for numbers, _ in claimed.values()):
        return "it claims a tensor that is larger than any of a CLIP"
    odd = sum(length for name, (_, length) in claimed.items() if not _is_usual(name.lower()))
    if odd > size // 2:
        return "most of what it claims is not named as weights are"
    return ""


def _is_usual(name: str) -> bool:
    return name in _OF_LATENTS or any(part in name for part in _USUAL)


def _claimed(entry: dict[str, Any], size: int) -> tuple[int, int]:
    """How many numbers a tensor claims, and how many bytes.

    Raises:
        Exception: of any kind; the entry is malformed.
    """
    shape, (start, end) = entry["shape"], entry["data_offsets"]
    numbers = math.prod(shape)
    if not all(type(value) is int and value >= 0 for value in (*shape, start, end)) or not start <= end <= size:
        raise ValueError("it is out of bounds")
    if numbers * _BYTES.get(str(entry["dtype"]), _OF_ONE_BYTE) != end - start:
        raise ValueError("its size does not fit")
    return numbers, end - start
