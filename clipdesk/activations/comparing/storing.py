"""Comparisons as folders: a survey of each model, what the two have in common, and a manifest that is written last.

docs/comparing.md says what is in them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors.numpy import save_file

from clipdesk.activations.comparing.comparison import Comparison, LayerComparison
from clipdesk.activations.comparing.partners import Partners
from clipdesk.activations.comparing.planning import LayerPair
from clipdesk.activations.mapped import map_file
from clipdesk.activations.questions.lookup import statistics_of
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.storing import MANIFEST, PARTIAL, alone, left_out_of, open_survey, write_text
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.files import read_bytes
from clipdesk.paths import comparisons_folder

VERSION = 1
"""Of the form of these folders and of the numbers in them."""

FIRST, SECOND, _NUMBERS = "first", "second", "comparison.safetensors"
_PARTNERS = ("best", "correlations", "own", "own_correlations", "back")
_FAULTS = (OSError, UsageError, KeyError, TypeError, ValueError, AttributeError)
"""What reading a comparison's files may raise where they were damaged or changed."""


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
        weights: SHA-256 of the weights of each.
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


def write_comparison(folder: Path, found: Comparison, manifest: ComparisonManifest) -> None:
    """Write what two models have in common into a folder, the manifest last; their surveys are there already."""
    arrays: dict[str, NDArray[Any]] = {"cka": found.cka}
    for number, layer in enumerate(found.layers):
        for name, array in _arrays(layer).items():
            arrays[f"{number}.{name}"] = np.ascontiguousarray(array)
    save_file(arrays, folder / _NUMBERS)
    write_text(folder / MANIFEST, manifest.model_dump_json(indent=1))


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
    if manifest.format != "clipdesk-comparison" or manifest.version != VERSION:
        raise UsageError(f"The comparison in {folder} is of another version. Make it anew with: clipdesk compare")
    return manifest


def open_comparison(folder: Path) -> Comparison:
    """Open a finished comparison.

    Raises:
        UsageError: as `read_comparison_manifest`, or a file of it is damaged.
    """
    manifest = read_comparison_manifest(folder)
    try:
        surveys = open_survey(folder / FIRST), open_survey(folder / SECOND)
        arrays = map_file(folder / _NUMBERS)
        layers = []
        for number, each in enumerate(manifest.pairs):
            pair = LayerPair(each.first, each.second, each.same)
            own = {name.partition(".")[2]: array for name, array in arrays.items() if name.startswith(f"{number}.")}
            first, second = statistics_of(surveys[0], pair.first), statistics_of(surveys[1], pair.second)
            partners = None if pair.same else Partners(*(own[f"partners.{name}"] for name in _PARTNERS))
            layers.append(LayerComparison(pair, first, second, own.get("correlations"), own.get("weights"), partners))
        away = left_out_of(folder / FIRST)
        return Comparison(*surveys, tuple(layers), arrays["cka"], manifest.rows, manifest.columns, manifest.notes, away)
    except _FAULTS as error:
        raise UsageError(
            f"The comparison in {folder} is damaged. Delete it, and make it anew with: clipdesk compare"
        ) from error


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
            (folder / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(folder)
    except OSError as error:
        raise ClipDeskError(f"Cannot delete {folder}: {error.strerror or error}") from error


def _arrays(layer: LayerComparison) -> Mapping[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    if layer.correlations is not None:
        arrays["correlations"] = layer.correlations
    if layer.weights is not None:
        arrays["weights"] = layer.weights
    if layer.partners is not None:
        arrays |= {f"partners.{name}": getattr(layer.partners, name) for name in _PARTNERS}
    return arrays
