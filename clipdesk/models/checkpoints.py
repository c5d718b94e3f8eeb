"""Read checkpoints that anybody may have made: nothing in them is run, and nothing larger than the file is built."""

from __future__ import annotations

import logging
import os
import re
import stat
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import safetensors.torch
import torch

from clipdesk.checksums import read_sha256
from clipdesk.errors import ClipDeskError
from clipdesk.models.package import CLIP, OFFICIAL_ADDRESSES
from clipdesk.models.states import NotAState, model_of
from clipdesk.models.trust import UntrustedArchive, allow, is_allowed

log = logging.getLogger(__name__)

_ZIP = b"PK\x03\x04"
_MAX_BYTES = 16 * 2**30
"""RN50x64 in float32, with what an optimizer keeps of it, takes half."""

_OUT_OF_MEMORY = "DefaultCPUAllocator"
_FORMATS = "a state dict in OpenAI's format (.pt or .safetensors), or OpenAI's TorchScript archive"
_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")


class _Identity(NamedTuple):
    """By what a file is known to be the same and unchanged."""

    size: int
    changed: int
    number: int


def read_checkpoint(path: Path, *, trust_archive: bool = False) -> CLIP:
    """Build the model that a file holds: a state dict as .pt or .safetensors, or a TorchScript archive.

    A TorchScript archive holds code that runs when it is opened. It is refused, unless it is one of OpenAI's nine by
    its SHA-256, or was allowed in this process.

    Args:
        path: The file.
        trust_archive: Allow the archive that the file is, for as long as this process runs.

    Returns:
        The model in evaluation mode, on the CPU, with float32 weights.

    Raises:
        UntrustedArchive: it is an archive that nobody has allowed.
        ClipDeskError: it cannot be read, is no checkpoint of a CLIP, or changed meanwhile; the message is one line.
    """
    with reading(path, _FORMATS) as size:
        return model_of(content_of(path, size, trust_archive=trust_archive), size)


@contextmanager
def reading(path: Path, formats: str) -> Iterator[int]:
    """While it is entered, a file is read; any error in it becomes one line.

    Args:
        path: The file.
        formats: What it must be, for a message that goes on from "It must be".

    Yields:
        The file's size in bytes.

    Raises:
        ClipDeskError: it cannot be read, is none of the formats, or changed meanwhile.
    """
    before = _identity(path)
    try:
        with _explained(path, before, formats):
            yield before.size
    finally:
        # Also where it failed: the change is why.
        if _identity(path) != before:
            raise ClipDeskError(f"{path} changed while it was read. Open it again when it is complete")


@cache
def official_digests() -> frozenset[str]:
    """SHA-256 of OpenAI's nine archives in hexadecimal digits."""
    return frozenset(address.split("/")[-2] for address in OFFICIAL_ADDRESSES.values())


def _identity(path: Path) -> _Identity:
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise ClipDeskError(f"Could not read {path}: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(found.st_mode):
        # To open a pipe or a device may wait for ever.
        raise ClipDeskError(f"{path} is {'a folder' if stat.S_ISDIR(found.st_mode) else 'no file'}, not a checkpoint")
    return _Identity(found.st_size, found.st_mtime_ns, found.st_ino)


@contextmanager
def _explained(path: Path, identity: _Identity, formats: str) -> Iterator[None]:
    """Any error as one line. A file that is no checkpoint fails in as many ways as there are files."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ClipDeskError:
        raise
    except OSError as error:
        raise ClipDeskError(f"Could not read {path}: {error.strerror or error}") from error
    except Exception as error:
        log.info("reading %s", path, exc_info=True)
        if isinstance(error, MemoryError) or _OUT_OF_MEMORY in str(error):
            megabytes = identity.size / 1e6
            raise ClipDeskError(f"There is too little memory to open {path} ({megabytes:,.0f} MB)") from error
        raise ClipDeskError(f"{path} is not a CLIP checkpoint. It must be {formats}, but {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, NotAState):
        return str(error)
    code = _GLOBAL.search(str(error))
    if code is not None:
        return f"it holds more than weights ({code[1][:100]}), which could be code. Save the state dict alone"
    return "it is damaged, cut off, or something else"


def content_of(path: Path, size: int, *, trust_archive: bool = False) -> object:
    """What a file holds, by what it begins with, whatever its name.

    Raises:
        UntrustedArchive: it is an archive that nobody has allowed.
        NotAState: it is empty or too large.
        Exception: of any kind; see `reading`.
    """
    if size == 0:
        raise NotAState("it is empty")
    if size > _MAX_BYTES:
        raise NotAState(f"it is larger than any: {size / 1e9:,.0f} GB")
    with path.open("rb") as file:
        head = file.read(9)
    if head[8:] == b"{":
        # Not load_file, which leaves the weights in the file, where they could change or vanish under the model.
        return safetensors.torch.load(path.read_bytes())
    if head.startswith(_ZIP) and _is_archive(path, size):
        _check_trusted(path, trust_archive)
        return _read_archive(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _read_archive(path: Path) -> dict[str, torch.Tensor]:
    # torch says of this function nothing that a type checker could use.
    read: Callable[..., torch.jit.ScriptModule] = torch.jit.load
    return read(os.fspath(path), map_location="cpu").state_dict()


def _is_archive(path: Path, size: int) -> bool:
    """Whether a zip file is a TorchScript archive; refuses others that unpack to more than the file."""
    with zipfile.ZipFile(path) as file:
        entries = file.infolist()
    if any(entry.filename.partition("/")[2] == "constants.pkl" for entry in entries):
        return True
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > size:
        raise NotAState(f"it would unpack to {unpacked / 1e6:,.0f} MB, far more than it is")
    return False


def _check_trusted(path: Path, trust_archive: bool) -> None:
    digest = read_sha256(path)
    if digest in official_digests() or is_allowed(digest):
        return
    if not trust_archive:
        raise UntrustedArchive(path, digest)
    allow(digest)
