"""Put weights into the form that a network takes them in: other names, other number formats, parts that are not needed.

Each function returns new mappings and what it did, for people.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from clipdesk.errors import one_line
from clipdesk.models.checks import NotAState, is_beside
from clipdesk.models.transformers_names import is_transformers, renamed

State = dict[str, Tensor]

_LOGIT_SCALE = math.log(1 / 0.07)
"""What CLIPs begin their training with."""
_LONG = 20
"""Long-CLIP's positions that stay as they were in the CLIP that it was made of; the others come from its second table.
Zhang et al. 2024, arXiv 2403.15378."""

_ADAPTERS = ("lora_", ".base_layer.", "adapter")


def repaired(state: Mapping[str, Tensor]) -> tuple[State, list[str]]:
    """The weights under OpenAI's or open_clip's names, in float formats that torch computes with.

    Args:
        state: Weights under their own names, without a prefix.

    Raises:
        NotAState: they belong to something that has to be merged with them first.
    """
    found, notes = dict(state), []
    if is_transformers(found):
        found = renamed(found)
        notes.append("the names were those of the package transformers")
    for name in found:
        if any(mark in name for mark in _ADAPTERS):
            raise NotAState(f"'{one_line(name)}' belongs to an adapter such as LoRA. Merge it into the model first")
        if name.endswith((".SCB", ".weight_format", ".absmax", ".quant_map")):
            raise NotAState(f"'{one_line(name)}' shows that bitsandbytes has quantised it. Get the unquantised weights")
        if name.endswith((".scale_weight", ".weight_scale", ".scale_input", ".input_scale")) or name == "scaled_fp8":
            raise NotAState(f"'{one_line(name)}' shows that its weights are scaled fp8. Get them in 16 or 32 bits")
    for change in (_widened, _one_matrix, _long_text, _scaled):
        found, said = change(found)
        notes += said
    return found, notes


def without_others(state: Mapping[str, Tensor], wanted: Iterable[str]) -> tuple[State, list[str]]:
    """Leave out what stands beside a CLIP: a classifier, a projection, masks that torch makes anew.

    A name inside one of its towers stays, and so does a single parameter at the top, since the network would compute
    something else without it.

    Args:
        state: The weights.
        wanted: Names that the network has.
    """
    names = set(wanted)
    beside = [name for name in state if name not in names and is_beside(name)]
    if not beside:
        return dict(state), []
    more = f" and {len(beside) - 1:,} more" if len(beside) > 1 else ""
    left = {name: value for name, value in state.items() if name not in beside}
    return left, [f"'{one_line(beside[0])}'{more} beside the CLIP was left out"]


def _widened(state: State) -> tuple[State, list[str]]:
    small = {name for name, value in state.items() if value.dtype.is_floating_point and value.element_size() == 1}
    if not small:
        return state, []
    kind = str(state[min(small)].dtype).removeprefix("torch.")
    wide = {name: value.half() if name in small else value for name, value in state.items()}
    return wide, [f"its weights are {kind}, with an error of some percent each"]


def _one_matrix(state: State) -> tuple[State, list[str]]:
    """Geometric parametrisation: a radius for each row and a direction make the weight."""
    rows = [name for name in state if name.endswith(".theta") and name[:-6] + ".r" in state]
    if not rows:
        return state, []
    found: State = {}
    for name, value in state.items():
        start = name[:-6]
        if name in rows:
            radius = state[f"{start}.r"]
            if value.ndim != 2 or radius.shape not in ((len(value), 1), (len(value),)):
                raise NotAState(f"'{one_line(name)}' has no radius for each of its rows")
            direction = value.float() / value.float().norm(dim=1, keepdim=True)
            found[f"{start}.weight"] = radius.float().view(-1, 1) * direction
        elif not (name.endswith(".r") and name[:-2] + ".theta" in rows):
            found[name] = value
    return found, ["weights were made of a radius and a direction each (GmP)"]


def _long_text(state: State) -> tuple[State, list[str]]:
    first, second = state.get("positional_embedding"), state.get("positional_embedding_res")
    if first is None or second is None or first.shape != second.shape:
        return state, []
    rest = {name: value for name, value in state.items() if name != "positional_embedding_res"}
    rest["positional_embedding"] = torch.cat([first[:_LONG], second[_LONG:]])
    return rest, ["the two tables of positions of Long-CLIP were joined"]


def _scaled(state: State) -> tuple[State, list[str]]:
    """The factor of the logits, which no picture needs."""
    scale = state.get("logit_scale")
    if scale is not None and scale.numel() == 1 and bool(scale.isfinite().all()):
        return {**state, "logit_scale": scale.reshape(())}, []
    if scale is not None and scale.numel() != 1:
        return state, []
    why = "is missing" if scale is None else "is not a finite number"
    return {**state, "logit_scale": torch.tensor(_LOGIT_SCALE)}, [f"'logit_scale' {why}; pictures do not need it"]
