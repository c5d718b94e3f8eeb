"""Names of models, parsed once, where a person or a file gives them. Imports no torch."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath, PurePosixPath, PureWindowsPath

from clipdesk.errors import ClipDeskError, UsageError, nearest, one_line
from clipdesk.files import is_unicode
from clipdesk.models.catalogue import CATALOGUE, OF_SCENES
from clipdesk.models.latents_names import HUB_PREFIX, LatentsName, on_this_disk, parse_latents, short_latents
from clipdesk.models.places import holds_checkpoint

PREFIX = "open_clip:"
INSTALL = "pip install 'clipdesk[open-clip]'"
"""How to get the extra that open_clip's models need."""

_LONGEST_SHOWN = 300
_WITH = "+sae:["
"""Stands between a model's name and each of its sparse autoencoders, which a bracket ends."""
_FORM = re.compile(r"(?P<architecture>[^/\[\]]+)/(?:\[(?P<file>.+)\]|(?P<tag>[^/\[\]]+))", re.DOTALL)
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")
_OPTION = r"(?:gelu|quickgelu|state=[^&?]+|heads=[1-9][0-9]{0,3})"
_SAYABLE = ("?gelu", "?quickgelu", "?state=WHICH", "?heads=NUMBER")
_OPTIONS = re.compile(rf"(?P<rest>.+)\?(?P<options>{_OPTION}(?:&{_OPTION})*)", re.DOTALL)


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
    """A file or a folder of the user's, with what the user says of it.

    Attributes:
        path: The file, with its full path, since a job may be run from another folder than it was asked for in. Only a
            name that `kept_name` has read may have a relative one.
        architecture: The architecture of open_clip's that it has weights of; empty for what the file says.
        activation: ``gelu`` or ``quickgelu``, as asked for with ``?gelu``; empty for what the file says.
        state: Which of several weights in it, as asked for with ``?state=``; empty for the usual ones.
        heads: Attention heads of its vision tower, as asked for with ``?heads=``; 0 for what is known.
    """

    path: Path
    architecture: str = ""
    activation: str = ""
    state: str = ""
    heads: int = 0

    @property
    def options(self) -> str:
        """What the user says of it, as it is written after the name; empty where that is nothing."""
        said = (self.activation, self.state and f"state={self.state}", self.heads and f"heads={self.heads}")
        return "&".join(str(each) for each in said if each)

    def __str__(self) -> str:
        name = f"{PREFIX}{self.architecture}/[{self.path}]" if self.architecture else str(self.path)
        return f"{name}?{self.options}" if self.options else name


@dataclass(frozen=True)
class HubModel:
    """A repository of the Hugging Face Hub.

    Attributes:
        repository: Such as ``openai/clip-vit-base-patch32``.
    """

    repository: str

    @property
    def architecture(self) -> str:
        """Its files say it."""
        return ""

    def __str__(self) -> str:
        return f"{HUB_PREFIX}{self.repository}"


PlainName = Named | OpenClip | Checkpoint | HubModel
"""What a person calls a network."""


@dataclass(frozen=True)
class WithLatents:
    """A model with sparse autoencoders, whose latents are layers of it.

    Attributes:
        model: The model.
        latents: Where the sparse autoencoders are, in order.
    """

    model: PlainName
    latents: tuple[LatentsName, ...]

    @property
    def architecture(self) -> str:
        """That of the model."""
        return self.model.architecture

    def __str__(self) -> str:
        return f"{self.model}{''.join(f'{_WITH}{each}]' for each in self.latents)}"


ModelName = PlainName | WithLatents
"""What a person calls a model. It says how to find weights, not which: those are known by their checksum."""


def parse_name(text: str | PurePath | ModelName) -> ModelName:
    """Read a model's name as people and recipes write it; one that is parsed already stays as it is.

    A name of the catalogue is `Named`, ``open_clip:ARCHITECTURE/TAG`` is `OpenClip`, ``hf:OWNER/NAME`` is `HubModel`,
    and everything else is a `Checkpoint`, with its path made absolute. After it may stand what the user says of it,
    ``?gelu``, ``?quickgelu``, ``?state=WHICH`` or ``?heads=NUMBER``, joined by ``&``, unless there is a file of the
    whole name. Whether the model exists is for `check_name` to say. Behind all that, ``+sae:[PLACE]`` adds a sparse
    autoencoder, as often as there are some: then it is `WithLatents`.

    Raises:
        UsageError: the text begins like a name of open_clip's and goes on otherwise, or it says what cannot be said of
            a checkpoint or a sparse autoencoder.
    """
    if isinstance(text, PlainName | WithLatents):
        return text
    name = os.fspath(text)
    if _WITH in name and name.endswith("]") and not _exists(Path(name)):
        model, *places = name[:-1].split(_WITH)
        if all(place.endswith("]") for place in places[:-1]):
            return with_latents(parse_name(model), [place.removesuffix("]") for place in places])
    if name in CATALOGUE:
        return Named(name)
    if name.startswith(HUB_PREFIX) and _REPOSITORY.fullmatch(name[len(HUB_PREFIX) :]) and not _exists(Path(name)):
        return HubModel(name[len(HUB_PREFIX) :])
    whole, options = _split_options(name)
    if options is not None:
        parsed = parse_name(whole)
        if isinstance(parsed, Checkpoint):
            return _with_options(parsed, options)
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


def with_latents(name: ModelName, places: Sequence[str]) -> ModelName:
    """A model's name with sparse autoencoders besides those that it has.

    Args:
        name: The model.
        places: Where they are, as people write it: see `parse_latents`.

    Raises:
        UsageError: what is said of one says nothing.
    """
    if not places:
        return name
    added = tuple(map(parse_latents, places))
    if isinstance(name, WithLatents):
        return WithLatents(name.model, tuple(dict.fromkeys((*name.latents, *added))))
    return WithLatents(name, tuple(dict.fromkeys(added)))


def plain_name(name: ModelName) -> PlainName:
    """A model's name without its sparse autoencoders: the name of its network."""
    return name.model if isinstance(name, WithLatents) else name


def says_more(written: str) -> bool:
    """Whether a model's name, as a file has kept it, says how its files are to be read: ``?gelu``, ``?tokens=all``."""
    try:
        name = parse_name(written)
    except UsageError:
        return False
    parts = (plain_name(name), *(name.latents if isinstance(name, WithLatents) else ()))
    return any(isinstance(each, Checkpoint | LatentsName) and each.options for each in parts)


def is_of_scenes(name: ModelName) -> bool:
    """Whether a model is known to have seen drawn scenes; of a checkpoint that is never known."""
    return str(plain_name(name)) in OF_SCENES


def kept_name(text: str | PurePath | ModelName) -> ModelName:
    """Read a model's name from the queue: a checkpoint's path stays as it was written.

    ClipDesk 0.1 wrote it as it was typed, and did not write the folder that it starts from.

    Raises:
        UsageError: as `parse_name`.
    """
    name = parse_name(text)
    if isinstance(name, Checkpoint) and not isinstance(text, Checkpoint):
        # Names with sparse autoencoders are written since later versions, with full paths.
        return replace(name, path=Path(_path_in(_split_options(str(text))[0])))
    return name


def is_relative(name: ModelName) -> bool:
    """Whether a name leaves open which file it means, since its path starts from an unknown folder."""
    name = plain_name(name)
    return isinstance(name, Checkpoint) and not _is_whole(str(name.path))


def _path_in(text: str) -> str:
    """The path in the name of a checkpoint."""
    found = _FORM.fullmatch(text.removeprefix(PREFIX)) if text.startswith(PREFIX) else None
    return found["file"] or "" if found else text


def _is_whole(path: str) -> bool:
    # A recipe may come from another system, whose full paths are not full paths here.
    return PureWindowsPath(path).is_absolute() or PurePosixPath(path).is_absolute()


def _split_options(name: str) -> tuple[str, str | None]:
    found = _OPTIONS.fullmatch(name)
    if found is None or _exists(_absolute(name)):
        return name, None
    return found["rest"], found["options"]


def _with_options(name: Checkpoint, options: str) -> Checkpoint:
    for option in options.split("&"):
        key, _, value = option.partition("=")
        if key == "state":
            name = replace(name, state=value)
        elif key == "heads":
            name = replace(name, heads=int(value))
        else:
            name = replace(name, activation=key)
    return name


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
    if isinstance(name, WithLatents):
        find_name(name.model)
    elif isinstance(name, Checkpoint) and not name.architecture and not _exists(name.path):
        file, _, said = str(name.path).rpartition("?")
        if file and _exists(Path(file)):
            raise UsageError(
                f"'?{one_line(said)}' after a file's name says nothing. It can be {', '.join(_SAYABLE)}, joined by '&'"
            )
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
        ClipDeskError: the path is that of a folder without a checkpoint, or of something else that is not a regular
            file.
    """
    if isinstance(name, WithLatents):
        for each in name.latents:
            on_this_disk(each, str(name.model))
        return check_name(name.model)
    if isinstance(name, Named):
        return
    if (name.architecture or isinstance(name, HubModel)) and not has_open_clip():
        raise missing(str(name))
    if isinstance(name, OpenClip | HubModel):
        return
    if not _exists(name.path):
        raise UsageError(f"There is no file '{one_line(name.path, _LONGEST_SHOWN)}'")
    if not is_unicode(str(name.path)):
        raise UsageError(f"'{name.path}' is not Unicode (UTF-8), as recipes and the queue need it. Rename it")
    if os.path.isdir(name.path):
        if not holds_checkpoint(name.path):
            raise ClipDeskError(f"'{name.path}' is a folder without a checkpoint in it. Name a model or a file of one")
    elif not os.path.isfile(name.path):
        raise ClipDeskError(f"'{name.path}' is not a regular file. A model is named, or given as a checkpoint file")


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
    name = plain_name(name)
    return name.path if isinstance(name, Checkpoint) else None


def short_name(name: ModelName) -> str:
    """A model's name without the folders of its file: ``mine.pt``, ``open_clip:ViT-B-32/[mine.pt]``."""
    if isinstance(name, WithLatents):
        return f"{short_name(name.model)}{''.join(f'{_WITH}{short_latents(each)}]' for each in name.latents)}"
    return str(replace(name, path=Path(name.path.name)) if isinstance(name, Checkpoint) else name)


def with_other_activation(name: ModelName, activation: str) -> Checkpoint | None:
    """The name that opens a checkpoint with the other one of the two activations that its weights may have.

    Args:
        name: As what it is open.
        activation: The activation that it has, ``QuickGELU`` or ``GELU``.

    Returns:
        None for a model that is not a checkpoint, or has neither.
    """
    other = {"QuickGELU": "gelu", "GELU": "quickgelu"}.get(activation)
    return replace(name, activation=other) if other and isinstance(name, Checkpoint) else None


def is_same_name(name: ModelName, written: str) -> bool:
    """Whether a name that a file has kept means this model; ClipDesk 0.1 kept checkpoints' paths as they were typed."""
    if str(name) == written:
        return True
    if not isinstance(name, Checkpoint) or name.options:
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
