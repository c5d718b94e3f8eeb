"""Files that are often taken for checkpoints: what each is, by its first bytes, and what to do with it."""

from __future__ import annotations

import zipfile
from typing import BinaryIO

from clipdesk.errors import one_line

_HEAD = 512
_UNPACK = "Unpack it, and open the checkpoint in it"
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!": "RAR",
}
_OTHERS = {
    b"GGUF": "a GGUF file, whose weights are quantised for llama.cpp. Get the model's .safetensors or .pt file instead",
    b"\x89HDF": "an HDF5 file, as Keras writes it. Get the weights as .safetensors or as a PyTorch state dict",
    b"\x93NUMPY": "an array of numpy, not a network",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"%PDF": "a PDF document",
    b"\x7fELF": "a program",
    b"MZ": "a program",
}


def other_kind(handle: BinaryIO, size: int) -> str | None:
    """What a file is that is no checkpoint, and what to do; None where its first bytes do not tell.

    Args:
        handle: The open file.
        size: Its size in bytes.

    Returns:
        A sentence without its full stop that goes on from "is".
    """
    handle.seek(0)
    head = handle.read(_HEAD)
    handle.seek(0)
    if head.startswith(b"version https://git-lfs"):
        return (
            "a Git LFS pointer of a few lines, not the weights that it stands for. Run 'git lfs pull' in its folder, "
            "or download the file itself"
        )
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<error")):
        return (
            "a web page, not a checkpoint: the download got an error, a login or a warning instead of the file. Open "
            "the address in a browser and download the file again"
        )
    for start, packer in _PACKED.items():
        if head.startswith(start):
            return f"packed with {packer}. {_UNPACK}"
    if head[257:262] == b"ustar":
        return f"a tar archive. {_UNPACK}"
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_zip(handle)
    for start, kind in _OTHERS.items():
        if head.startswith(start):
            return kind
    if text.startswith((b"{", b"[")) and size < 2**24:
        return "a text in JSON, not weights. Open the checkpoint that it belongs to"
    return None


def _kind_of_zip(handle: BinaryIO) -> str | None:
    """A zip file that torch did not write; None for one that it did, or that is damaged."""
    try:
        with zipfile.ZipFile(handle) as content:
            names = content.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    finally:
        handle.seek(0)
    if any(name.rpartition("/")[2] in ("data.pkl", "constants.pkl") for name in names):
        return None
    first = f" with {one_line(names[0], 60)} in it" if names else ""
    return f"a zip archive{first}. {_UNPACK}"
