"""Which of the surveys on the disk is meant, and whether it is still up to date. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from clipdesk.activations.storing import (
    Manifest,
    all_surveys,
    damaged_surveys,
    read_manifest,
    unfinished_surveys,
)
from clipdesk.checksums import file_sha256
from clipdesk.errors import ClipDeskError, UsageError, nearest, one_line
from clipdesk.imagesets.opening import open_image_set
from clipdesk.imagesets.suffixes import is_drawn
from clipdesk.models.names import file_named, parse_name, plain_name

_FEW_PICTURES = 20_000
"""Sets up to this size are looked at for changes: a folder of them takes a second."""
_SMALL_FILE = 500 * 2**20
"""Files up to this size are read for their checksum."""

Found = tuple[Path, Manifest]
"""The folder of a survey, and what it is of."""


def survey_named(name: str, folder: Path | None = None) -> Found:
    """A survey by the name of its folder, by the beginning of that name, or by a path.

    Args:
        name: What a person typed.
        folder: Where surveys are; by default where ClipDesk keeps them.

    Raises:
        UsageError: there is no such survey, or several begin like this; the folder at the path is not one.
    """
    if os.sep in name or (os.altsep and os.altsep in name):
        path = Path(os.path.abspath(Path(name).expanduser()))
    else:
        path = one_of(name, [path for path, _ in all_surveys(folder)])
    return path, read_manifest(path)


def kept_folder(name: str, folder: Path | None = None) -> Path:
    """The folder of a survey that ClipDesk keeps, finished, readable or not, by its name or the beginning of it.

    Raises:
        UsageError: there is no such survey, or several begin like this.
    """
    whole = [path for path, _ in all_surveys(folder)]
    return one_of(name, [*whole, *unfinished_surveys(folder), *damaged_surveys(folder)])


def one_of(name: str, folders: Sequence[Path], noun: str = "survey", making: str = "clipdesk survey") -> Path:
    """The one of some folders that has a name, or whose name begins with it.

    Args:
        name: What a person typed.
        folders: All there are.
        noun: What is in them.
        making: The command that makes one.

    Raises:
        UsageError: there is none, or several begin like this.
    """
    same = [path for path in folders if path.name == name]
    begun = same or [path for path in folders if name and path.name.startswith(name)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise UsageError(f"Several {noun}s begin with '{one_line(name)}': {', '.join(path.name for path in begun)}")
    names = [path.name for path in folders]
    hint = nearest(name, names) if names else f"There are none yet. Make one with: {making}"
    raise UsageError(f"There is no {noun} '{one_line(name)}'. {hint}")


def surveys_of(
    weights: str,
    *,
    plain: str | None = None,
    images: str | None = None,
    layers: Collection[str] = (),
    folder: Path | None = None,
) -> list[Found]:
    """The surveys of some weights, newest first; only those that have all the layers, if there are any.

    Args:
        weights: The model's identity, `OpenModel.sha256`.
        plain: That of the same model without sparse autoencoders. Its surveys know nothing of latents, so they answer,
            behind the model's own, where these do not have the layers that a question is about, and those have them.
        images: Only surveys of this image set: what opens it, or its short name.
        layers: Dotted names of layers that a question is about.
        folder: Where surveys are; by default where ClipDesk keeps them.
    """
    known = list(all_surveys(folder))
    of_model = _over([each for each in known if each[1].weights == weights], images)
    having = _having(of_model, layers)
    if not having and plain is not None and layers:
        having = _having(_over([each for each in known if each[1].weights == plain], images), layers)
    return having or of_model


def last_set(folder: Path | None = None) -> Manifest | None:
    """The newest survey, of any model, over images of the user's that are still there; None if there is none.

    Args:
        folder: Where surveys are; by default where ClipDesk keeps them.
    """
    own = (manifest for _, manifest in all_surveys(folder) if not is_drawn(manifest.source))
    return next((manifest for manifest in own if _is_there(manifest.source)), None)


def _over(surveys: list[Found], images: str | None) -> list[Found]:
    """Those of an image set."""
    if images is None:
        return surveys
    of_set = [each for each in surveys if each[1].source == _source(images)]
    return of_set or [each for each in surveys if each[1].images == images]


def _having(surveys: list[Found], layers: Collection[str]) -> list[Found]:
    return [each for each in surveys if set(layers) <= {file.layer for file in each[1].layers}]


def what_changed(manifest: Manifest) -> list[str]:
    """What is another now than when a survey was made, in words, as far as that is quickly known."""
    count = manifest.pictures + manifest.left_out
    found = [
        images_changed(manifest.source, manifest.fingerprint, count, known=manifest.changed),
        model_changed(manifest.model, manifest.file or manifest.weights, manifest.date),
    ]
    return [each for each in found if each]


def size_on_disk(folder: Path) -> int:
    """Bytes that the files in a folder take, with those of the folders in it."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total


def _source(images: str) -> str:
    """What opens a set, as `ImageSet.source` has it, without opening it."""
    if is_drawn(images):
        return images.removesuffix(":0")
    return os.path.abspath(Path(images).expanduser())


def _is_there(source: str) -> bool:
    """Whether a user's images are there; of a pattern of paths that is not looked at."""
    return "{" in source or os.path.lexists(source)


def images_changed(source: str, fingerprint: str, count: int, *, known: bool = False) -> str:
    """How the images of a set differ from those that were read, in words; empty where that is not so or not known.

    Args:
        source: What opens the set.
        fingerprint: The set's, when it was read.
        count: Images that it had then.
        known: Whether it is known that they have changed, unless they are gone.
    """
    if is_drawn(source):
        return ""
    if not _is_there(source):
        return "the images are not there"
    changed = "the images have changed since"
    if known:
        return changed
    if count > _FEW_PICTURES:
        return ""
    try:
        return "" if open_image_set(source).fingerprint == fingerprint else changed
    except ClipDeskError:
        return changed


def model_changed(model: str, weights: str, date: str, said: str = "the model's file") -> str:
    """How a model's file differs from the one that was read, in words; empty where that is not so or not known.

    Args:
        model: What it was asked for by.
        weights: SHA-256 of the files that were read.
        date: When, in ISO 8601.
        said: What the file is called.
    """
    try:
        name = parse_name(model)
        file = file_named(name)
        # The checksum of a model with sparse autoencoders is over several files.
        if file is None or file.is_dir() or name != plain_name(name):
            return ""
        state = file.stat()
        # A file that was not written since needs no reading.
        written = max(state.st_mtime, state.st_ctime) > datetime.fromisoformat(date).timestamp()
        other = written and state.st_size <= _SMALL_FILE and file_sha256(file) != weights
    except FileNotFoundError:
        return f"{said} is not there"
    except (ClipDeskError, OSError, ValueError):
        return ""
    return f"{said} is another now" if other else ""
