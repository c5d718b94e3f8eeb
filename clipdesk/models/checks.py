"""Check named weights before anything is built from them: their kind, their size, their names and their shapes."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from clipdesk.errors import one_line

_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_COUNTER = "num_batches_tracked"
_HARMLESS = ("attn_mask", "position_ids", "logit_bias", "mask1", "mask2")
_TOWERS = ("visual.", "transformer.", "token_embedding.", "ln_final.", "text.")
_TOWERS_ELSEWHERE = ("vision_model.", "text_model.", "visual_projection.", "text_projection.")


class NotAState(ValueError):
    """What was read is no CLIP's state dict; the message goes on from "but"."""


class Damaged(NotAState):
    """It is a CLIP of OpenAI's form, with a number or a size in it that no CLIP has."""


class Unclear(NotAState):
    """The file could be named, but not opened as it is; the message goes on from the file's path."""


def is_beside(name: str) -> bool:
    """Whether a name is that of something beside a CLIP, such as a classifier, or of a mask that torch makes anew.

    A name inside one of its towers is not, and neither is a single parameter at the top, since the network would
    compute something else without it.
    """
    if name.rpartition(".")[2] in _HARMLESS:
        return True
    return "." in name and not name.startswith((*_TOWERS, *_TOWERS_ELSEWHERE))


def check_tensors(state: Mapping[str, Tensor], file_bytes: int) -> None:
    """Check that each is of plain numbers, in memory, and all together are no larger than the file.

    Raises:
        NotAState: they are not.
    """
    claimed: dict[tuple[object, ...], int] = {}
    for name, value in state.items():
        if value.layout is not torch.strided or value.device.type != "cpu":
            raise NotAState(f"'{one_line(name)}' is a tensor without plain numbers")
        eight = value.dtype.is_floating_point and value.element_size() == 1
        whole = not value.dtype.is_floating_point and not value.dtype.is_complex and is_beside(name)
        if (
            value.dtype not in _FLOATS
            and not (eight or whole)
            and not (name.endswith(_COUNTER) and value.dtype is torch.int64)
        ):
            kind = str(value.dtype).removeprefix("torch.")
            hint = ": it is quantised, and only the program that did this can read it" if "int" in kind else ""
            raise NotAState(f"'{one_line(name)}' holds {kind} instead of float numbers{hint}")
        if value.numel() == 0 and not is_beside(name):
            raise NotAState(f"'{one_line(name)}' is empty")
        # Weights that stand under two names are in the file once.
        claimed[(value.data_ptr(), value.dtype, value.shape, value.stride())] = value.numel() * value.element_size()
    if sum(claimed.values()) > file_bytes:
        total = sum(claimed.values())
        raise NotAState(f"its weights claim {total / 1e6:,.0f} MB in a file of {file_bytes / 1e6:,.0f} MB")


def check_fit(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    """Check that the names and shapes are those of the model, and no others.

    Raises:
        NotAState: they are not.
        Damaged: the scale of the logits, which every CLIP has, has another shape than theirs.
    """
    missing = [name for name in wanted if name not in state]
    if missing:
        raise NotAState(f"'{one_line(missing[0])}' is missing{_more(missing)}")
    extra = [name for name in state if name not in wanted]
    if extra:
        raise NotAState(f"'{one_line(extra[0])}' is no part of a CLIP{_more(extra)}")
    for name, value in wanted.items():
        if state[name].shape != value.shape:
            error = Damaged if name == "logit_scale" else NotAState
            raise error(f"'{one_line(name)}' has the shape {sides(state[name])} instead of {sides(value)}")


def check_finite(state: Mapping[str, Tensor]) -> None:
    """Check that all numbers are finite.

    Raises:
        Damaged: they are not.
    """
    for name, value in state.items():
        if not all(bound.isfinite() for bound in torch.aminmax(value)):
            raise Damaged(f"'{one_line(name)}' holds values that are infinite or not a number")


def sides(tensor: Tensor) -> str:
    """A tensor's shape for a message, such as ``64 x 32``."""
    return " x ".join(map(str, tensor.shape)) or "()"


def _more(names: list[str]) -> str:
    return "" if len(names) == 1 else f", and {len(names) - 1:,} more"
