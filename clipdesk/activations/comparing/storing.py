"""Comparisons as folders: a survey of each model, what the two have in common, and a manifest that is written last.

docs/comparing.md says what is in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from clipdesk.activations.comparing.comparison import Comparison, LayerComparison
from clipdesk.activations.comparing.manifests import ComparisonManifest, read_comparison_manifest
from clipdesk.activations.comparing.partners import Partners
from clipdesk.activations.comparing.planning import LayerPair
from clipdesk.activations.mapped import map_file
from clipdesk.activations.questions.lookup import statistics_of
from clipdesk.activations.storing import MANIFEST, left_out_of, open_survey, write_text
from clipdesk.errors import UsageError

FIRST, SECOND, _NUMBERS = "first", "second", "comparison.safetensors"
_PARTNERS = ("best", "correlations", "own", "own_correlations", "back")
_FAULTS = (OSError, UsageError, KeyError, TypeError, ValueError, AttributeError)
"""What reading a comparison's files may raise where they were damaged or changed."""


def write_comparison(folder: Path, found: Comparison, manifest: ComparisonManifest) -> None:
    """Write what two models have in common into a folder, the manifest last; their surveys are there already."""
    arrays: dict[str, NDArray[Any]] = {"cka": found.cka}
    for number, layer in enumerate(found.layers):
        for name, array in _arrays(layer).items():
            arrays[f"{number}.{name}"] = np.ascontiguousarray(array)
    save_file(arrays, folder / _NUMBERS)
    write_text(folder / MANIFEST, manifest.model_dump_json(indent=1))


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


def _arrays(layer: LayerComparison) -> Mapping[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    if layer.correlations is not None:
        arrays["correlations"] = layer.correlations
    if layer.weights is not None:
        arrays["weights"] = layer.weights
    if layer.partners is not None:
        arrays |= {f"partners.{name}": getattr(layer.partners, name) for name in _PARTNERS}
    return arrays
