"""Which comparisons there are: their manifests, what has become of them, and their end. Imports no torch."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from clipdesk.activations.choosing import images_changed, model_changed, one_of
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.storing import MANIFEST, PARTIAL, alone
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.files import read_bytes
from clipdesk.models.names import says_more
from clipdesk.paths import comparisons_folder

VERSION = 1
"""Of the form of these folders and of the numbers in them."""


class ComparedPair(BaseModel):
    """Two layers that were compared, as `LayerPair`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    first: str
    second: str
    same: bool


class ComparisonManifest(BaseModel):
    """What a comparison is of.

    Attributes:
        version: Of the form of the folder.
        models: What the models were asked for by.
        weights: The identity of each, `OpenModel.sha256`.
        files: As `Manifest.file`, of each.
        source: What opens the image set again.
        images: Its short name.
        fingerprint: The set's, when it was opened.
        pooling: How values at positions became one.
        pictures: How many were read.
        left_out: How many could not be read.
        pairs: The layers.
        rows: Layers of the first model, as in `Comparison`.
        columns: Of the second.
        notes: As in `Comparison`.
        clipdesk: Version of ClipDesk.
        date: When it was finished, in ISO 8601.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: str = "clipdesk-comparison"
    version: int = VERSION
    models: tuple[str, str]
    weights: tuple[str, str]
    source: str
    images: str
    fingerprint: str
    pooling: Pooling
    pictures: int
    left_out: int
    pairs: tuple[ComparedPair, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    notes: tuple[str, ...]
    clipdesk: str
    date: str
    files: tuple[str, str] = ("", "")


def read_comparison_manifest(folder: Path) -> ComparisonManifest:
    """The manifest of a comparison.

    Raises:
        UsageError: there is no finished comparison, or it is of another version of ClipDesk.
    """
    if not os.path.lexists(folder / MANIFEST):
        raise UsageError(f"{folder} is not a finished comparison: it has no {MANIFEST}")
    try:
        manifest = ComparisonManifest.model_validate_json(read_bytes(folder / MANIFEST))
    except (OSError, UsageError, ValidationError, ValueError) as error:
        raise UsageError(f"The comparison in {folder} cannot be read: its {MANIFEST} is damaged") from error
    unsaid = not all(manifest.files) and any(map(says_more, manifest.models))
    if manifest.format != "clipdesk-comparison" or manifest.version != VERSION or unsaid:
        raise UsageError(f"The comparison in {folder} is of another version. Make it anew with: clipdesk compare")
    return manifest


def is_comparison(folder: Path) -> bool:
    """Whether a folder holds a finished comparison that can be read, as far as its manifest says."""
    try:
        read_comparison_manifest(folder)
    except UsageError:
        return False
    return True


def all_comparisons(folder: Path | None = None) -> list[tuple[Path, ComparisonManifest]]:
    """The finished comparisons in a folder, newest first; by default those that ClipDesk keeps."""
    folder = folder or comparisons_folder()
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.endswith(PARTIAL):
            continue
        try:
            found.append((path, read_comparison_manifest(path)))
        except UsageError:
            continue
    return sorted(found, key=lambda each: each[1].date, reverse=True)


def delete_comparison(folder: Path) -> None:
    """Delete a comparison, finished or not.

    Raises:
        ClipDeskError: it cannot be deleted, or a process is making it.
    """
    try:
        with alone(folder.with_name(folder.name.removesuffix(PARTIAL)), "makes this comparison"):
            # Without its manifest it is none, however far this comes.
            if not (folder / MANIFEST).is_dir():
                (folder / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(folder)
    except OSError as error:
        raise ClipDeskError(f"Cannot delete {folder}: {error.strerror or error}") from error


def unfinished_comparisons(folder: Path | None = None) -> list[Path]:
    """The folders of comparisons that were interrupted, or are being made; by default those that ClipDesk keeps."""
    folder = folder or comparisons_folder()
    return sorted(path for path in folder.glob(f"*{PARTIAL}") if path.is_dir())


def damaged_comparisons(folder: Path | None = None) -> list[Path]:
    """The folders whose comparison cannot be read, or is of another version; by default those that ClipDesk keeps."""
    folder = folder or comparisons_folder()
    paths = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return [path for path in paths if not path.name.endswith(PARTIAL) and not is_comparison(path)]


def kept_comparison(name: str, folder: Path | None = None) -> Path:
    """The folder of a comparison that ClipDesk keeps, finished, readable or not, by its name or the beginning of it.

    Raises:
        UsageError: there is no such comparison, or several begin like this.
    """
    whole = [path for path, _ in all_comparisons(folder)]
    kept = [*whole, *unfinished_comparisons(folder), *damaged_comparisons(folder)]
    return one_of(name, kept, "comparison", "clipdesk compare")


def what_changed(manifest: ComparisonManifest) -> list[str]:
    """What is another now than when a comparison was made, in words, as far as that is quickly known."""
    count = manifest.pictures + manifest.left_out
    found = [images_changed(manifest.source, manifest.fingerprint, count)]
    for side, name, weights, file in zip("AB", manifest.models, manifest.weights, manifest.files, strict=True):
        found.append(model_changed(name, file or weights, manifest.date, f"the file of {side}"))
    return [each for each in found if each]
