"""Where a model's weights are: in one file, in the shards of an index, or in a folder. Imports no torch.

These are files of others: `os.path.isfile` says False where `Path.is_file` raises an error, as for a name that is too
long, or a folder that may not be entered.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import NamedTuple

from clipdesk.errors import ClipDeskError, one_line

INDEX = ".index.json"
"""What the names of indices end in."""
INDICES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
"""Indices of weights that are in several files."""
SINGLE = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin", "model.safetensors", "pytorch_model.bin")
"""Usual names of weights in a folder that holds one model, best first."""
SUFFIXES = (".pt", ".pth", ".bin", ".ckpt", ".safetensors")
"""What the names of checkpoints end in."""
CONFIGS = ("open_clip_config.json", "config.json")
"""Files beside the weights that say the network's form, best first: open_clip's, and transformers'."""

_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.(?:safetensors|bin)$")
_MOST_TEXT = 2**24
_MOST_SHARDS = 1000


class Place(NamedTuple):
    """The files of a model.

    Attributes:
        weights: The files with its weights, in order.
        configs: Files beside them that may say its form, best first.
    """

    weights: tuple[Path, ...]
    configs: tuple[Path, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return self.weights + self.configs


def find_place(path: Path) -> Place:
    """The files of the model that a file, an index of shards or a folder holds.

    Raises:
        ClipDeskError: it is a folder without a checkpoint or with several, an index whose files are not there, or one
            of several parts.
    """
    shard = _SHARD.search(path.name)
    if shard is not None and int(shard[2]) > 1:
        raise ClipDeskError(
            f"{path} is part {int(shard[1])} of {int(shard[2])} of a checkpoint. Open its folder, or its index"
        )
    found = _in_folder(path) if os.path.isdir(path) else (path,)
    weights = _shards(found[0]) if found[0].name.endswith(INDEX) else found
    return Place(weights, tuple(file for name in CONFIGS if os.path.isfile(file := found[0].parent / name)))


def holds_checkpoint(folder: Path) -> bool:
    """Whether there is a checkpoint in a folder, or an index of one."""
    folder = _snapshot(folder)
    try:
        return any(file.name.endswith((*SUFFIXES, INDEX)) and os.path.isfile(file) for file in folder.iterdir())
    except OSError:
        return False


def _snapshot(folder: Path) -> Path:
    """The newest files in a model's folder of the Hugging Face library's cache; another folder as it is."""
    snapshots = folder / "snapshots"
    try:
        if os.path.isfile(folder / "refs" / "main"):
            newest = snapshots / (folder / "refs" / "main").read_text(encoding="ascii").strip()
            return newest if newest.parent == snapshots and os.path.isdir(newest) else folder
        only = list(snapshots.iterdir()) if os.path.isdir(snapshots) else []
    except (OSError, ValueError):
        return folder
    return only[0] if len(only) == 1 else folder


def _in_folder(folder: Path) -> tuple[Path, ...]:
    """The file with the weights of a folder, the index of several, or these without an index."""
    folder = _snapshot(folder)
    for name in (*SINGLE, *INDICES):
        if os.path.isfile(folder / name):
            return (folder / name,)
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES and os.path.isfile(file))
    except OSError as error:
        raise ClipDeskError(f"Could not read {folder}: {error.strerror or error}") from error
    if not files:
        raise ClipDeskError(
            f"{folder} is a folder without a checkpoint: there is no {SINGLE[2]}, .pt or the like in it"
        )
    if all(_SHARD.search(file.name) for file in files):
        return _whole(folder, files)
    if len(files) > 1:
        names = ", ".join(one_line(file.name, 60) for file in files[:5])
        raise ClipDeskError(f"{folder} is a folder with {len(files)} checkpoints. Name one of them: {names}")
    return (files[0],)


def _whole(folder: Path, files: list[Path]) -> tuple[Path, ...]:
    """Shards whose index is not beside them, where all are there and nothing else is."""
    parts = [
        (file.name[: end.start()], file.suffix, int(end[1]), int(end[2]))
        for file in files
        if (end := _SHARD.search(file.name)) is not None
    ]
    start, suffix, _, count = parts[0]
    if parts != [(start, suffix, number, count) for number in range(1, count + 1)]:
        raise ClipDeskError(
            f"{folder} has {len(files)} of the {count} parts of a checkpoint, and not their index. Download the whole "
            "folder"
        )
    return tuple(files)


def names_in(index: Path) -> list[str]:
    """Names of the files that an index of weights says, in order.

    Raises:
        ClipDeskError: it is not an index.
    """
    try:
        with index.open("rb") as file:
            text = file.read(_MOST_TEXT + 1)
    except (OSError, ValueError) as error:
        raise ClipDeskError(f"Could not read {index}: {getattr(error, 'strerror', None) or error}") from error
    try:
        if len(text) > _MOST_TEXT:
            raise ValueError("it is too large")
        names = sorted(set(json.loads(text)["weight_map"].values()))
        plain = all(isinstance(name, str) and Path(name).name == name and "\\" not in name for name in names)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ClipDeskError(f"{index} is not an index of weights: it has no 'weight_map' of file names") from None
    if not names:
        raise ClipDeskError(f"{index} is an index of weights that names no file. Open the checkpoint itself")
    if not plain or len(names) > _MOST_SHARDS:
        raise ClipDeskError(f"{index} names files that are not in its folder")
    return names


def _shards(index: Path) -> tuple[Path, ...]:
    names = names_in(index)
    missing = [name for name in names if not os.path.isfile(index.parent / name)]
    if missing:
        more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ClipDeskError(
            f"{index} is an index, and the file {one_line(missing[0], 60)} that it names is not beside it{more}. "
            "Download the whole folder"
        )
    return tuple(index.parent / name for name in names)
