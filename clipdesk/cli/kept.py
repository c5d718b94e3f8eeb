"""The surveys that are kept, as rows; and their end. Takes NumPy along, but not torch."""

from __future__ import annotations

from collections.abc import Sequence

from clipdesk.activations.choosing import kept_folder, size_on_disk, what_changed
from clipdesk.activations.storing import all_surveys, damaged_surveys, delete_survey, unfinished_surveys
from clipdesk.cli.output import say


def listed(for_programs: bool) -> list[dict[str, object]]:
    """The surveys, newest first, then the unfinished and unreadable ones; paths and times in full for programs."""
    rows: list[dict[str, object]] = [
        {
            "survey": folder.name,
            "model": manifest.model,
            "images": manifest.source if for_programs else manifest.images,
            "pictures": manifest.pictures,
            "left_out": manifest.left_out,
            "layers": len({file.layer for file in manifest.layers}),
            "made": manifest.date if for_programs else manifest.date[:16].replace("T", " "),
            "MB": round(size_on_disk(folder) / 1e6),
            "state": "; ".join(what_changed(manifest)) or "up to date",
        }
        for folder, manifest in all_surveys()
    ]
    unknown = dict.fromkeys(("model", "images", "pictures", "left_out", "layers", "made"))
    others = dict.fromkeys(unfinished_surveys(), "unfinished: the command that began it goes on")
    others |= dict.fromkeys(damaged_surveys(), "it cannot be read: it is damaged, or of another version")
    return rows + [
        {"survey": folder.name, **unknown, "MB": round(size_on_disk(folder) / 1e6), "state": state}
        for folder, state in others.items()
    ]


def delete(names: Sequence[str]) -> None:
    """Delete surveys, and say so; none, if one of the names is not clear.

    Raises:
        ClipDeskError: as `kept_folder` and `delete_survey`.
    """
    for folder in dict.fromkeys([kept_folder(name) for name in names]):
        delete_survey(folder)
        say(f"{folder.name} deleted")
