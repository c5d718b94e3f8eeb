"""Read checkpoints that anybody may have made: nothing in them is run, and nothing larger than the file is built."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import stat
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO, Generic, NamedTuple, TypeVar, cast

import safetensors.torch
import torch

from clipdesk.checksums import sha256_of
from clipdesk.errors import ClipDeskError
from clipdesk.models.checks import NotAState, Unclear
from clipdesk.models.evidence import NOTHING_ASKED, Asked
from clipdesk.models.headers import header_problem
from clipdesk.models.kinds import no_kind, other_kind
from clipdesk.models.package import CLIP, OFFICIAL_ADDRESSES
from clipdesk.models.pickles import read_pickle
from clipdesk.models.places import find_place
from clipdesk.models.states import Content, Taken, network_of
from clipdesk.models.trust import UntrustedArchive, allow, is_allowed

log = logging.getLogger(__name__)

_ZIP = b"PK\x03\x04"
_MAX_BYTES = 16 * 2**30
"""RN50x64 in float32, with what an optimizer keeps of it, takes half."""

_OUT_OF_MEMORY = "DefaultCPUAllocator"
_FORMATS = "weights of a CLIP (a .pt, .bin or .safetensors file), or OpenAI's TorchScript archive"
_GLOBAL = re.compile(r"GLOBAL ([\w.]+)")
_CUT = "it is damaged, cut off, or something else: its end is missing. Download or copy it again"


_Network = TypeVar("_Network", covariant=True)


class Loaded(Generic[_Network]):
    """A network and the identity of its weights.

    Attributes:
        network: The network.
        sha256: SHA-256 of the very bytes that its weights were read from, in hexadecimal digits; of several files see
            `joined_sha256`.
        notes: What was taken off its weights, left out of them or taken for granted, a clause each.
        activation: Why it has the activation that it has.
        unusual: What was asked for of activation, weights and heads that differs from what the file is read as without,
            as it is written after its name: ``gelu``, ``state=ema``, ``heads=8``.
    """

    def __init__(
        self,
        network: _Network,
        sha256: str,
        notes: tuple[str, ...] = (),
        activation: str = "",
        unusual: tuple[str, ...] = (),
    ) -> None:
        self.network = network
        self.sha256 = sha256
        self.notes = notes
        self.activation = activation
        self.unusual = unusual


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


def read_checkpoint(path: Path, *, trust_archive: bool = False, asked: Asked = NOTHING_ASKED) -> Loaded[CLIP]:
    """Build the model that a file or a folder holds: a state dict as .pt or .safetensors, or a TorchScript archive.

    A TorchScript archive holds code that runs when it is opened. It is refused, unless it is one of OpenAI's nine by
    its SHA-256, or was allowed in this process.

    Args:
        path: The file, the index of its shards, or the folder that it is in.
        trust_archive: Allow the archive that the file is, for as long as this process runs.
        asked: What the user says of it.

    Returns:
        The model in evaluation mode, on the CPU, with float32 weights, and their checksum.

    Raises:
        UntrustedArchive: it is an archive that nobody has allowed.
        ClipDeskError: it cannot be read, is no checkpoint of a CLIP, or changed meanwhile; the message is one line.
    """
    with read_contents(path, _FORMATS, trust_archive=trust_archive) as (content, sha256):
        taken = network_of(content, asked)
        _log_notes(path, taken)
        # A tower alone is not of OpenAI's class, but has those of its methods that are used for pictures.
        return Loaded(cast("CLIP", taken.network), sha256, taken.notes, taken.activation, taken.unusual)


def _log_notes(path: Path, taken: Taken) -> None:
    for note in (*taken.notes, f"activation: {taken.activation}"):
        log.info("%s: %s", path.name, note)


@contextmanager
def read_contents(path: Path, formats: str, *, trust_archive: bool = False) -> Iterator[tuple[Content, str]]:
    """While it is entered, the files of a model are open; any error in it becomes one line.

    Args:
        path: The file, the index of its shards, or the folder that it is in.
        formats: As for `reading`.
        trust_archive: As for `read_checkpoint`.

    Yields:
        What they hold, and the checksum of their weights.

    Raises:
        UntrustedArchive, ClipDeskError: as `read_checkpoint`.
    """
    place = find_place(path)
    with ExitStack() as stack:
        files = [stack.enter_context(reading(file, formats)) for file in place.weights]
        found = [content_of(file, trust_archive=trust_archive) for file in files]
        whole = found[0] if len(found) == 1 else _joined(found)
        size, sha256 = sum(file.size for file in files), joined_sha256([file.sha256 for file in files])
        archive = isinstance(whole, _Archive)
        ordered = not isinstance(whole, _Sorted) and len(files) == 1
        yield Content(whole, size, path, place.configs, ordered, archive), sha256


def joined_sha256(digests: Sequence[str]) -> str:
    """The identity of weights in several files: SHA-256 of their SHA-256 in hexadecimal digits, one after another.

    The files are in the order of their names. Of one file it is that file's.

    Args:
        digests: SHA-256 of each file.
    """
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()


def identity_of(sha256: str, unusual: Sequence[str]) -> str:
    """The identity of what is read from weights: of other numbers it is another one.

    Args:
        sha256: Checksum of their bytes, which is the identity where nothing is unusual.
        unusual: What is otherwise than the files say, as `Loaded.unusual`.
    """
    return hashlib.sha256(json.dumps([sha256, *unusual]).encode()).hexdigest() if unusual else sha256


class _Sorted(dict[str, torch.Tensor]):
    """Weights of a .safetensors file, whose names are not in the order in which they were written."""


class _Archive(dict[str, torch.Tensor]):
    """Weights of a TorchScript archive."""


def _joined(found: list[object]) -> dict[str, torch.Tensor]:
    whole: dict[str, torch.Tensor] = {}
    for number, each in enumerate(found, start=1):
        if not isinstance(each, Mapping) or not all(isinstance(value, torch.Tensor) for value in each.values()):
            raise NotAState(f"file {number} of {len(found)} holds something else than named weights")
        whole.update(each)
    return whole


@contextmanager
def reading(path: Path, formats: str, kind: str = "a CLIP checkpoint") -> Iterator[WeightsFile]:
    """While it is entered, a file is open for reading; any error in it becomes one line.

    Args:
        path: The file.
        formats: What it must be, for a message that goes on from "It must be".
        kind: What it should be, for a message that goes on from "is not".

    Yields:
        The file, with the checksum of what it holds.

    Raises:
        ClipDeskError: it cannot be read, is none of the formats, or changed meanwhile.
    """
    _check_regular(path)
    with _explained(path, formats, kind), path.open("rb") as handle:
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
def _explained(path: Path, formats: str, kind: str) -> Iterator[None]:
    """Any error as one line. A file that is no checkpoint fails in as many ways as there are files."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ClipDeskError:
        raise
    except OSError as error:
        raise ClipDeskError(f"Could not read {path}: {error.strerror or error}") from error
    except Unclear as error:
        raise ClipDeskError(f"{path} {error}") from error
    except Exception as error:
        log.info("reading %s", path, exc_info=True)
        if isinstance(error, MemoryError) or _OUT_OF_MEMORY in str(error):
            megabytes = path.stat().st_size / 1e6
            raise ClipDeskError(f"There is too little memory to open {path} ({megabytes:,.0f} MB)") from error
        raise ClipDeskError(f"{path} is not {kind}. It must be {formats}, but {_reason(error)}") from error


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
    other = other_kind(file.handle, file.size)
    if other is not None:
        raise Unclear(f"is {other}")
    nothing = no_kind(file.handle, file.size)
    if nothing is not None:
        raise NotAState(f"it is {nothing}")
    file.handle.seek(0)
    head = file.handle.read(9)
    file.handle.seek(0)
    if head[8:] == b"{":
        if int.from_bytes(head[:8], "little") > file.size:
            raise NotAState(_CUT)
        # Not load_file, which leaves the weights in the file, where they could change or vanish under the model.
        return _Sorted(safetensors.torch.load(file.handle.read()))
    if head.startswith(_ZIP):
        if not zipfile.is_zipfile(file.handle):
            raise NotAState(_CUT)
        file.handle.seek(0)
        if _is_archive(file):
            _check_trusted(file, trust_archive)
            return _read_archive(file)
    return read_pickle(file.handle)


def _read_archive(file: WeightsFile) -> _Archive:
    # torch says of this function nothing that a type checker could use.
    read: Callable[..., torch.jit.ScriptModule] = torch.jit.load
    return _Archive(read(file.handle, map_location="cpu").state_dict())


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
