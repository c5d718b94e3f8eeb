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
        path = _one_of(name, [path for path, _ in all_surveys(folder)])
    return path, read_manifest(path)


def kept_folder(name: str, folder: Path | None = None) -> Path:
    """The folder of a survey that ClipDesk keeps, finished, readable or not, by its name or the beginning of it.

    Raises:
        UsageError: there is no such survey, or several begin like this.
    """
    whole = [path for path, _ in all_surveys(folder)]
    return _one_of(name, [*whole, *unfinished_surveys(folder), *damaged_surveys(folder)])


def _one_of(name: str, folders: Sequence[Path]) -> Path:
    same = [path for path in folders if path.name == name]
    begun = same or [path for path in folders if name and path.name.startswith(name)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise UsageError(f"Several surveys begin with '{one_line(name)}': {', '.join(path.name for path in begun)}")
    names = [path.name for path in folders]
    hint = nearest(name, names) if names else "There are none yet. Make one with: clipdesk survey"
    raise UsageError(f"There is no survey '{one_line(name)}'. {hint}")


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
        weights: SHA-256 of the model's weights.
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
    found = [_of_images(manifest), _of_model(manifest)]
    return [each for each in found if each]


def size_on_disk(folder: Path) -> int:
    """Bytes that the files of a survey take."""
    total = 0
    for path in folder.iterdir() if folder.is_dir() else ():
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


def _of_images(manifest: Manifest) -> str:
    if is_drawn(manifest.source):
        return ""
    if "{" not in manifest.source and not os.path.lexists(manifest.source):
        return "the images are not there"
    changed = "the images have changed since"
    if manifest.changed:
        return changed
    if manifest.pictures + manifest.left_out > _FEW_PICTURES:
        return ""
    try:
        return "" if open_image_set(manifest.source).fingerprint == manifest.fingerprint else changed
    except ClipDeskError:
        return changed


def _of_model(manifest: Manifest) -> str:
    try:
        name = parse_name(manifest.model)
        file = file_named(name)
        # The checksum of a model with sparse autoencoders is over several files.
        if file is None or file.is_dir() or name != plain_name(name):
            return ""
        state = file.stat()
        # A file that was not written since needs no reading.
        written = max(state.st_mtime, state.st_ctime) > datetime.fromisoformat(manifest.date).timestamp()
        other = written and state.st_size <= _SMALL_FILE and file_sha256(file) != manifest.weights
    except FileNotFoundError:
        return "the model's file is not there"
    except (ClipDeskError, OSError, ValueError):
        return ""
    return "the model's file is another now" if other else ""
