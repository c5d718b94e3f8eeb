"""Files that are often taken for checkpoints: what each is, by its first bytes, and what to do with it."""

from __future__ import annotations

import re
import zipfile
from typing import BinaryIO

from clipdesk.errors import one_line

_HEAD = 512
_UNPACK = "Unpack it, and open the checkpoint in it"
_INSTEAD = "Get the model's .safetensors or .pt file instead"
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!": "RAR",
    b"\x04\x22\x4d\x18": "LZ4",
}
_OTHERS = {
    b"GGUF": f"a GGUF file, whose weights are quantised for llama.cpp. {_INSTEAD}",
    b"lmgg": f"a GGML file, whose weights are for llama.cpp. {_INSTEAD}",
    b"\x89HDF": "an HDF5 file, as Keras writes it. Get the weights as .safetensors or as a PyTorch state dict",
    b"\x93NUMPY": "an array of numpy, not a network",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"SQLite format 3": "a database",
    b"%PDF": "a PDF document",
    b"\x7fELF": "a program",
    b"MZ": "a program",
}

# These formats have no mark of their own at the beginning, but a form.
_FORMS = (
    (re.compile(rb"\x08[\x01-\x20](?:\x12[\x01-\x40][ -~]|:)"), f"an ONNX file, for other programs. {_INSTEAD}"),
    (re.compile(rb"....TFL3", re.DOTALL), f"a TensorFlow Lite file. {_INSTEAD}"),
    (
        re.compile(rb"[\x81-\x8f][\xa1-\xbf][ -~]"),
        f"a file of Flax, or of another program with MessagePack. {_INSTEAD}",
    ),
)
# torch.save's older form begins with a number of its own, which may be cut off.
_PICKLE = re.compile(rb"\x80[\x02-\x05](?!\x8a\nl\xfc\x9cF\xf9).{8}", re.DOTALL)
_TEXT = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]{5,}")


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
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<error", b"<!--", b"<script", b"<body")):
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
    for form, kind in _FORMS:
        if form.match(head):
            return kind
    if text.startswith((b"{", b"[")) and size < 2**24:
        return "a text in JSON, not weights. Open the checkpoint that it belongs to"
    return None


def no_kind(handle: BinaryIO, size: int) -> str | None:
    """What a file is that might be a checkpoint and is none: a plain pickle, a text such as a server's answer, nothing.

    Args:
        handle: The open file.
        size: Its size in bytes.

    Returns:
        As `other_kind`.
    """
    handle.seek(0)
    head = handle.read(_HEAD)
    handle.seek(0)
    if head and not head.strip(b"\0") and len(head) == min(size, _HEAD):
        return "empty but for its size, as downloads leave it that have not begun. Download it again"
    if _PICKLE.match(head):
        return (
            "a pickle that torch.save has not written. Load it where it was made, and save the weights with "
            "torch.save(model.state_dict(), ...)"
        )
    if size < 2**24 and _TEXT.fullmatch(head) and _is_utf8(head):
        begin = one_line(head.decode(errors="replace").strip(), 60)
        return f"a text, '{begin}', not weights. If it was downloaded, open the address in a browser"
    return None


def _is_utf8(head: bytes) -> bool:
    # The last character may be cut.
    return any(_decodes(head[: len(head) - cut]) for cut in range(4))


def _decodes(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return bool(text)


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
    if names and all(name.endswith(".npy") for name in names):
        return "an .npz archive of numpy's arrays. Save the weights with torch.save, as tensors under their names"
    if any(name.rpartition("/")[2] in ("archive_format", "serialized_exported_program.json") for name in names):
        return "a program that torch.export has written. Save model.state_dict() instead"
    first = f" with {one_line(names[0], 60)} in it" if names else ""
    return f"a zip archive{first}. {_UNPACK}"
