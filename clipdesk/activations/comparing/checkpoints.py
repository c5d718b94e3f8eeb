"""A pass of two models that was interrupted, as a folder to go on from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from clipdesk.activations import checkpoints
from clipdesk.activations.comparing.passing import Pass

_NAME, _PARTIAL, _SUMS = "checkpoint-", ".writing", "sums.safetensors"
_SIDES = ("first", "second")
_FAULTS = (OSError, SafetensorError, KeyError, ValueError)
"""What reading a checkpoint may raise where it was damaged or changed."""


def write_checkpoint(folder: Path, passing: Pass) -> None:
    """Write what a pass has found so far: a folder of its own, so that its parts are always of the same pictures."""
    path = folder / f"{_NAME}{passing.done:09}"
    if path.is_dir():
        return
    writing = path.with_name(f"{path.name}{_PARTIAL}")
    shutil.rmtree(writing, ignore_errors=True)
    for side, half in zip(_SIDES, passing.halves, strict=True):
        (writing / side).mkdir(parents=True)
        checkpoints.write_checkpoint(writing / side, half.state)
    save_file(_tensors(passing), writing / _SUMS)
    writing.replace(path)
    for other in folder.glob(f"{_NAME}*"):
        if other != path:
            shutil.rmtree(other)


def resumed(folder: Path, make: Callable[[], Pass]) -> Pass:
    """A pass that goes on from where another was; a new one where there is none to go on from.

    Args:
        folder: Where it may have left its checkpoint.
        make: Makes a pass that has found nothing yet.
    """
    found = [path for path in sorted(folder.glob(f"{_NAME}*")) if not path.name.endswith(_PARTIAL)]
    if found:
        passing = make()
        if _restore(found[-1], passing):
            return passing
    return make()


def remove_checkpoints(folder: Path) -> None:
    """Remove what an interrupted pass would have gone on from."""
    for path in folder.glob(f"{_NAME}*"):
        shutil.rmtree(path)


def _restore(path: Path, passing: Pass) -> bool:
    halves = zip(_SIDES, passing.halves, strict=True)
    if not all(checkpoints.read_checkpoint(path / side, half.state) for side, half in halves):
        return False
    try:
        tensors = load_file(path / _SUMS)
        for number, sums in enumerate(passing.sums.values()):
            own = {name: tensors[f"{number}.{name}"] for name in sums.tensors()}
            if any(own[name].shape != each.shape for name, each in sums.tensors().items()):
                return False
            sums.restore(own)
    except _FAULTS:
        return False
    return passing.halves[1].state.done == passing.done


def _tensors(passing: Pass) -> dict[str, Tensor]:
    return {
        f"{number}.{name}": each.contiguous().cpu() if each.ndim else torch.tensor(each.item())
        for number, sums in enumerate(passing.sums.values())
        for name, each in sums.tensors().items()
    }
