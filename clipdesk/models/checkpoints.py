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
from typing import BinaryIO, Generic, NamedTuple, TypeVar

import safetensors.torch
import torch

from clipdesk.checksums import sha256_of
from clipdesk.errors import ClipDeskError
from clipdesk.models.headers import header_problem
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


_Network = TypeVar("_Network", covariant=True)


class Loaded(Generic[_Network]):
    """A network and the identity of its weights.

    Attributes:
        network: The network.
        sha256: SHA-256 of the very bytes that its weights were read from, in hexadecimal digits.
    """

    def __init__(self, network: _Network, sha256: str) -> None:
        self.network = network
        self.sha256 = sha256


class WeightsFile(NamedTuple):
    """A file of weights that is open. All that is read of it comes through one handle, so the checksum is of the same.

    Attributes:
        path: Where it is.
        handle: The open file.
        size: Its size in bytes.
        sha256: SHA-256 of its bytes, in hexadecimal digits.
    """

    path: Path
    handle: BinaryIO
    size: int
    sha256: str


class _State(NamedTuple):
    """By what a file is known to be unchanged; on POSIX nobody can set the second time back."""

    size: int
    modified: int
    changed: int


def read_checkpoint(path: Path, *, trust_archive: bool = False) -> Loaded[CLIP]:
    """Build the model that a file holds: a state dict as .pt or .safetensors, or a TorchScript archive.

    A TorchScript archive holds code that runs when it is opened. It is refused, unless it is one of OpenAI's nine by
    its SHA-256, or was allowed in this process.

    Args:
        path: The file.
        trust_archive: Allow the archive that the file is, for as long as this process runs.

    Returns:
        The model in evaluation mode, on the CPU, with float32 weights, and their checksum.

    Raises:
        UntrustedArchive: it is an archive that nobody has allowed.
        ClipDeskError: it cannot be read, is no checkpoint of a CLIP, or changed meanwhile; the message is one line.
    """
    with reading(path, _FORMATS) as file:
        return Loaded(model_of(content_of(file, trust_archive=trust_archive), file.size), file.sha256)


@contextmanager
def reading(path: Path, formats: str) -> Iterator[WeightsFile]:
    """While it is entered, a file is open for reading; any error in it becomes one line.

    Args:
        path: The file.
        formats: What it must be, for a message that goes on from "It must be".

    Yields:
        The file, with the checksum of what it holds.

    Raises:
        ClipDeskError: it cannot be read, is none of the formats, or changed meanwhile.
    """
    _check_regular(path)
    with _explained(path, formats), path.open("rb") as handle:
        before = _state(handle)
        try:
            if before.size == 0:
                raise NotAState("it is empty")
            if before.size > _MAX_BYTES:
                raise NotAState(f"it is larger than any: {before.size / 1e9:,.0f} GB")
            if problem := header_problem(handle, before.size):
                raise NotAState(problem)
            yield WeightsFile(path, handle, before.size, sha256_of(handle))
        finally:
            # Also where it failed: the change is why.
            if _state(handle) != before:
                raise ClipDeskError(f"{path} changed while it was read. Open it again when it is complete")


@cache
def official_digests() -> frozenset[str]:
    """SHA-256 of OpenAI's nine archives in hexadecimal digits."""
    return frozenset(address.split("/")[-2] for address in OFFICIAL_ADDRESSES.values())


def _check_regular(path: Path) -> None:
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise ClipDeskError(f"Could not read {path}: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(found.st_mode):
        # To open a pipe or a device may wait for ever.
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "not a regular file"
        raise ClipDeskError(f"{path} is {kind}. A checkpoint is a file")


def _state(handle: BinaryIO) -> _State:
    found = os.fstat(handle.fileno())
    return _State(found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@contextmanager
def _explained(path: Path, formats: str) -> Iterator[None]:
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
            megabytes = path.stat().st_size / 1e6
            raise ClipDeskError(f"There is too little memory to open {path} ({megabytes:,.0f} MB)") from error
        raise ClipDeskError(f"{path} is not a CLIP checkpoint. It must be {formats}, but {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, NotAState):
        return str(error)
    code = _GLOBAL.search(str(error))
    if code is not None:
        return f"it holds more than weights ({code[1][:100]}), which could be code. Save the state dict alone"
    return "it is damaged, cut off, or something else"


def content_of(file: WeightsFile, *, trust_archive: bool = False) -> object:
    """What a file holds, by what it begins with, whatever its name.

    Raises:
        UntrustedArchive: it is an archive that nobody has allowed.
        NotAState: it would unpack to more than it is.
        Exception: of any kind; see `reading`.
    """
    file.handle.seek(0)
    head = file.handle.read(9)
    file.handle.seek(0)
    if head[8:] == b"{":
        # Not load_file, which leaves the weights in the file, where they could change or vanish under the model.
        return safetensors.torch.load(file.handle.read())
    if head.startswith(_ZIP) and _is_archive(file):
        _check_trusted(file, trust_archive)
        return _read_archive(file)
    return torch.load(file.handle, map_location="cpu", weights_only=True)


def _read_archive(file: WeightsFile) -> dict[str, torch.Tensor]:
    # torch says of this function nothing that a type checker could use.
    read: Callable[..., torch.jit.ScriptModule] = torch.jit.load
    return read(file.handle, map_location="cpu").state_dict()


def _is_archive(file: WeightsFile) -> bool:
    """Whether a zip file is a TorchScript archive; refuses others that unpack to more than the file."""
    with zipfile.ZipFile(file.handle) as content:
        entries = content.infolist()
    file.handle.seek(0)
    if any(entry.filename.partition("/")[2] == "constants.pkl" for entry in entries):
        return True
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > file.size:
        raise NotAState(f"it would unpack to {unpacked / 1e6:,.0f} MB, far more than it is")
    return False


def _check_trusted(file: WeightsFile, trust_archive: bool) -> None:
    if file.sha256 in official_digests() or is_allowed(file.sha256):
        return
    if not trust_archive:
        raise UntrustedArchive(file.path, file.sha256)
    allow(file.sha256)
