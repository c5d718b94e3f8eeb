"""The surveys and comparisons that are kept, as rows; and their end. Takes NumPy along, but not torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from clipdesk.activations import choosing
from clipdesk.activations.comparing import manifests
from clipdesk.activations.storing import all_surveys, damaged_surveys, delete_survey, unfinished_surveys
from clipdesk.cli.output import say

_UNFINISHED = "unfinished: the command that began it goes on"
_DAMAGED = "it cannot be read: it is damaged, or of another version"
_UP_TO_DATE = "up to date"


def listed_surveys(for_programs: bool) -> list[dict[str, object]]:
    """The surveys, newest first, then the unfinished and unreadable ones; paths and times in full for programs."""
    rows: list[dict[str, object]] = [
        {
            "survey": folder.name,
            "model": manifest.model,
            "images": manifest.source if for_programs else manifest.images,
            "pictures": manifest.pictures,
            "left_out": manifest.left_out,
            "layers": len({file.layer for file in manifest.layers}),
            "made": manifest.date if for_programs else _minutes(manifest.date),
            "MB": _megabytes(folder),
            "state": "; ".join(choosing.what_changed(manifest)) or _UP_TO_DATE,
        }
        for folder, manifest in all_surveys()
    ]
    unknown = ("model", "images", "pictures", "left_out", "layers", "made")
    return [*rows, *_others("survey", unknown, unfinished_surveys(), damaged_surveys())]


def delete_surveys(names: Sequence[str]) -> None:
    """Delete surveys, and say so; none, if one of the names is not clear.

    Raises:
        ClipDeskError: as `kept_folder` and `delete_survey`.
    """
    _delete(names, choosing.kept_folder, delete_survey)


def listed_comparisons(for_programs: bool) -> list[dict[str, object]]:
    """The comparisons, as `listed_surveys`."""
    rows: list[dict[str, object]] = [
        {
            "comparison": folder.name,
            "model_a": manifest.models[0],
            "model_b": manifest.models[1],
            "images": manifest.source if for_programs else manifest.images,
            "pictures": manifest.pictures,
            "left_out": manifest.left_out,
            "layers": len(manifest.pairs),
            "pooling": manifest.pooling,
            "partners": not all(each.same for each in manifest.pairs),
            "made": manifest.date if for_programs else _minutes(manifest.date),
            "MB": _megabytes(folder),
            "state": "; ".join(manifests.what_changed(manifest)) or _UP_TO_DATE,
        }
        for folder, manifest in manifests.all_comparisons()
    ]
    unknown = ("model_a", "model_b", "images", "pictures", "left_out", "layers", "pooling", "partners", "made")
    others = _others("comparison", unknown, manifests.unfinished_comparisons(), manifests.damaged_comparisons())
    return [*rows, *others]


def delete_comparisons(names: Sequence[str]) -> None:
    """Delete comparisons, as `delete_surveys`.

    Raises:
        ClipDeskError: as `kept_comparison` and `delete_comparison`.
    """
    _delete(names, manifests.kept_comparison, manifests.delete_comparison)


def _others(
    noun: str, unknown: Sequence[str], unfinished: Sequence[Path], damaged: Sequence[Path]
) -> list[dict[str, object]]:
    """What is unfinished or damaged, of which nothing but its name and size is known."""
    states: Mapping[Path, str] = dict.fromkeys(unfinished, _UNFINISHED) | dict.fromkeys(damaged, _DAMAGED)
    return [
        {noun: folder.name, **dict.fromkeys(unknown), "MB": _megabytes(folder), "state": state}
        for folder, state in states.items()
    ]


def _delete(names: Sequence[str], find: Callable[[str], Path], end: Callable[[Path], None]) -> None:
    for folder in dict.fromkeys([find(name) for name in names]):
        end(folder)
        say(f"{folder.name} deleted")


def _minutes(date: str) -> str:
    return date[:16].replace("T", " ")


def _megabytes(folder: Path) -> int:
    return round(choosing.size_on_disk(folder) / 1e6)
