"""Names of models, parsed once, where a person or a file gives them. Imports no torch."""

from __future__ import annotations

import importlib.util
import re
import sys
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from clipdesk.errors import ClipDeskError, UsageError, nearest, one_line
from clipdesk.models.catalogue import CATALOGUE

PREFIX = "open_clip:"
INSTALL = "pip install 'clipdesk[open-clip]'"
"""How to get the extra that open_clip's models need."""

_LONGEST_SHOWN = 300
_FORM = re.compile(r"(?P<architecture>[^/\[\]]+)/(?:\[(?P<file>.+)\]|(?P<tag>[^/\[\]]+))", re.DOTALL)


@dataclass(frozen=True)
class Named:
    """A model of the catalogue, such as ``demo`` or ``ViT-B/32``."""

    name: str

    @property
    def architecture(self) -> str:
        """The name says it."""
        return self.name

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class OpenClip:
    """One of open_clip's architectures with weights that open_clip knows.

    Attributes:
        architecture: As open_clip calls it, such as ``ViT-B-32``.
        tag: The weights' name, such as ``laion2b_s34b_b79k``.
    """

    architecture: str
    tag: str

    def __str__(self) -> str:
        return f"{PREFIX}{self.architecture}/{self.tag}"


@dataclass(frozen=True)
class Checkpoint:
    """A file of the user's.

    Attributes:
        path: The file, with its full path, since a job may be run from another folder than it was asked for in. Only a
            name that `kept_name` has read may have a relative one.
        architecture: The architecture of open_clip's that it has weights of; empty for a file in OpenAI's format.
    """

    path: Path
    architecture: str = ""

    def __str__(self) -> str:
        return f"{PREFIX}{self.architecture}/[{self.path}]" if self.architecture else str(self.path)


ModelName = Named | OpenClip | Checkpoint
"""What a person calls a model. It says how to find weights, not which: those are known by their checksum."""


def parse_name(text: str | PurePath | ModelName) -> ModelName:
    """Read a model's name as people and recipes write it; one that is parsed already stays as it is.

    A name of the catalogue is `Named`, ``open_clip:ARCHITECTURE/TAG`` is `OpenClip`, and everything else is a
    `Checkpoint`, with its path made absolute. Whether the model exists is for `check_name` to say.

    Raises:
        UsageError: the text begins like a name of open_clip's and goes on otherwise.
    """
    if isinstance(text, Named | OpenClip | Checkpoint):
        return text
    name = str(text)
    if name in CATALOGUE:
        return Named(name)
    if not name.startswith(PREFIX):
        return Checkpoint(_absolute(name))
    found = _FORM.fullmatch(name[len(PREFIX) :])
    if found is None:
        raise UsageError(
            f"'{name}' is not a name of open_clip's. Write {PREFIX}ARCHITECTURE/TAG ('clipdesk models --open-clip' "
            f"lists them), or {PREFIX}ARCHITECTURE/[FILE] for a checkpoint"
        )
    if found["file"] is not None:
        return Checkpoint(_absolute(found["file"]), found["architecture"])
    return OpenClip(found["architecture"], found["tag"])


def kept_name(text: str | PurePath | ModelName) -> ModelName:
    """Read a model's name from the queue: a checkpoint's path stays as it was written.

    ClipDesk 0.1 wrote it as it was typed, and did not write the folder that it starts from.

    Raises:
        UsageError: as `parse_name`.
    """
    name = parse_name(text)
    if isinstance(name, Checkpoint) and not isinstance(text, Checkpoint):
        return replace(name, path=Path(_path_in(str(text))))
    return name


def is_relative(name: ModelName) -> bool:
    """Whether a name leaves open which file it means, since its path starts from an unknown folder."""
    return isinstance(name, Checkpoint) and not _is_whole(str(name.path))


def _path_in(text: str) -> str:
    """The path in the name of a checkpoint."""
    found = _FORM.fullmatch(text.removeprefix(PREFIX)) if text.startswith(PREFIX) else None
    return found["file"] or "" if found else text


def _is_whole(path: str) -> bool:
    # A recipe may come from another system, whose full paths are not full paths here.
    return PureWindowsPath(path).is_absolute() or PurePosixPath(path).is_absolute()


def _absolute(path: str) -> Path:
    whole = Path(path) if _is_whole(path) else Path(path).absolute()
    # So that a file has one name. "link/.." is beside the folder that the link leads to, so it cannot just be left out.
    try:
        return whole.parent.resolve() / whole.name if ".." in whole.parts else whole
    except (OSError, ValueError):
        # Too long, or with a zero byte in it: `check_name` says that it is not there.
        return whole


def find_name(text: str | PurePath | ModelName) -> ModelName:
    """`parse_name` and `check_name`; where there is nothing of the name, the message has it as it was typed.

    Raises:
        UsageError, ClipDeskError: as `check_name`; offers the nearest names.
    """
    name = parse_name(text)
    if isinstance(name, Checkpoint) and not name.architecture and not _exists(name.path):
        raise UsageError(
            f"There is no model or file '{one_line(text, _LONGEST_SHOWN)}'. {nearest(str(text), CATALOGUE, count=10)}"
        )
    check_name(name)
    return name


def check_name(name: ModelName) -> None:
    """Check what can be checked at once: that a file is there, and that the extra is installed where it is needed.

    Whether open_clip knows an architecture or a tag is seen when the model is opened.

    Raises:
        UsageError: the file is not there, or open_clip is not installed.
        ClipDeskError: the path is that of a folder, or of something else that is not a regular file.
    """
    if isinstance(name, Named):
        return
    if name.architecture and not has_open_clip():
        raise missing(str(name))
    if isinstance(name, OpenClip):
        return
    if not _exists(name.path):
        raise UsageError(f"There is no file '{one_line(name.path, _LONGEST_SHOWN)}'")
    if not _is_unicode(str(name.path)):
        raise UsageError(f"'{name.path}' is not Unicode (UTF-8), as recipes and the queue need it. Rename it")
    if not name.path.is_file():
        kind = "a folder" if name.path.is_dir() else "not a regular file"
        raise ClipDeskError(f"'{name.path}' is {kind}. A model is named, or given as a checkpoint file")


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (OSError, ValueError):
        return False
    return True


def is_there(text: str) -> bool:
    """Whether there is a model of this name, or a file."""
    try:
        find_name(text)
    except ClipDeskError:
        return False
    return True


def file_named(name: ModelName) -> Path | None:
    """The user's own file that a name is of; None for a model that is downloaded or shipped."""
    return name.path if isinstance(name, Checkpoint) else None


def short_name(name: ModelName) -> str:
    """A model's name without the folders of its file: ``mine.pt``, ``open_clip:ViT-B-32/[mine.pt]``."""
    return str(replace(name, path=Path(name.path.name)) if isinstance(name, Checkpoint) else name)


def is_same_name(name: ModelName, written: str) -> bool:
    """Whether a name that a file has kept means this model; ClipDesk 0.1 kept checkpoints' paths as they were typed."""
    if str(name) == written:
        return True
    if not isinstance(name, Checkpoint):
        return False
    found = _FORM.fullmatch(written.removeprefix(PREFIX)) if written.startswith(PREFIX) else None
    kept = PurePath(_path_in(written))
    architecture = found["architecture"] if found else ""
    ends_alike = bool(kept.parts) and name.path.parts[-len(kept.parts) :] == kept.parts
    return not kept.is_absolute() and ends_alike and architecture == name.architecture


def has_open_clip() -> bool:
    """Whether the extra is installed."""
    return importlib.util.find_spec("open_clip") is not None


def missing(what: str) -> UsageError:
    """The error for something that needs the extra where it is not installed."""
    bundled = getattr(sys, "frozen", False)
    remedy = "is not in this bundle. Install ClipDesk with pip, and" if bundled else "is not installed. Get it:"
    return UsageError(f"{what} needs the package open_clip, which {remedy} {INSTALL}")
