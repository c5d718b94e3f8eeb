"""open_clip's architectures: which of them weights fit, and networks from a description of open_clip's.

This module is imported only where the extra ``clipdesk[open-clip]`` is installed.
"""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import open_clip
import torch
from open_clip.convert import convert_state_dict
from open_clip.model import CLIP, CustomTextCLIP, convert_to_custom_text_state_dict
from torch import Tensor, nn

from clipdesk.models.checks import NotAState, check_finite, check_fit
from clipdesk.models.configs import Config
from clipdesk.models.geometry import Unfilled
from clipdesk.models.hub import offline
from clipdesk.models.repairs import without_others

_VISION_POSITIONS = ("visual.positional_embedding", "visual.trunk.pos_embed")
_TEXT_POSITIONS = ("positional_embedding", "text.positional_embedding")
_POSITIONS = (*_VISION_POSITIONS, *_TEXT_POSITIONS)
_SCALES = ("logit_scale", "logit_bias")
_TEXT = ("text.", "transformer.", "token_embedding.", "positional_embedding", "ln_final.", "text_projection")
_OTHER_TEXT = ("text.transformer.embeddings.", "text.transformer.encoder.", "text.transformer.shared.")
"""What the names of text towers of the package transformers begin with in open_clip's models."""
_MOST = 2**20
_MOST_BLOCKS = 256


class Lengths(NamedTuple):
    """What a file's positions say.

    Attributes:
        side: Side of the pictures in pixels; None where the architecture's own is right.
        context: Length of texts in tokens; None likewise.
    """

    side: int | None
    context: int | None


def fitting(state: Mapping[str, Tensor]) -> list[str]:
    """Names of the architectures that have the names and shapes of these weights, in open_clip's order.

    The lengths of positions may differ, since a network is often trained further at another size; but where some
    architectures fit with them, only those are named.

    Args:
        state: The weights.
    """
    exact: list[str] = []
    others: list[str] = []
    for name in open_clip.list_models():
        config = open_clip.get_model_config(name)
        if config is None or not _may_fit(config, state):
            continue
        shapes = shapes_of(name)
        if shapes is not None and _fits(state, shapes):
            same = all(
                state[each].shape == shapes[each].shape for each in _POSITIONS if each in state and each in shapes
            )
            (exact if same else others).append(name)
    return exact or others


def lengths_of(state: Mapping[str, Tensor], shapes: Mapping[str, Tensor], patch: int | None) -> Lengths:
    """What a file's positions say of the pictures' side and the texts' length.

    Args:
        state: The file's weights under the architecture's names.
        shapes: The architecture's own weights.
        patch: Side of its patches in pixels; None where it has none that positions count.
    """
    side = context = None
    for name in _VISION_POSITIONS:
        if patch and name in state and name in shapes and state[name].ndim == shapes[name].ndim:
            positions, own = state[name].shape[-2], shapes[name].shape[-2]
            # Class tokens and the like stand before the patches.
            extra = own - math.isqrt(own) ** 2
            grid = math.isqrt(max(0, positions - extra))
            if positions != own and grid and grid**2 + extra == positions:
                side = grid * patch
    for name in _TEXT_POSITIONS:
        if name in state and name in shapes and state[name].ndim == 2 and len(state[name]) != len(shapes[name]):
            context = len(state[name])
    return Lengths(side, context)


def todays(state: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Weights under today's names: open_clip's have changed, and some have others' names. As its own loader.

    Args:
        state: The weights.
        model: The network that is to have them.
    """
    state = convert_state_dict(model, dict(state))
    wanted = model.state_dict()
    if "positional_embedding" in state and "positional_embedding" not in wanted:
        state = convert_to_custom_text_state_dict(state)
    for scale in _SCALES:
        # Neither is used here; some files lack the bias, or have one number in another shape.
        if scale in wanted:
            value = state.get(scale)
            fits = value is not None and value.numel() == wanted[scale].numel()
            state[scale] = value.reshape(wanted[scale].shape) if value is not None and fits else wanted[scale]
        else:
            state.pop(scale, None)
    # transformers no longer keeps it among the weights.
    position_ids = "text.transformer.embeddings.position_ids"
    if position_ids not in wanted:
        state.pop(position_ids, None)
    return state


def described(config: Config, state: Mapping[str, Tensor]) -> tuple[nn.Module, list[str]]:
    """The network that a configuration of open_clip's describes, with the weights that stand beside it.

    Args:
        config: The configuration.
        state: The weights.

    Returns:
        The network in evaluation mode, and what was left out.

    Raises:
        NotAState: the configuration cannot be built, or the weights are not those of its network.
    """
    inner = _bounded(config.open_clip)
    with own_log():
        try:
            with torch.device("meta"):
                outline = _made(inner)
            named = todays(state, outline)
            named, left = without_others(named, outline.state_dict())
            check_fit(named, outline.state_dict())
            with Unfilled():
                network = _made(inner)
        except NotAState:
            raise
        except Exception as error:
            reason = " ".join(str(error).split())[:150]
            raise NotAState(f"open_clip cannot build what {config.name} says: {reason}") from error
    for scale in _SCALES:
        if scale in named and named[scale].is_meta:
            named[scale] = network.state_dict()[scale]
    network.load_state_dict(named, assign=True)
    network = network.float().eval()
    check_finite(network.state_dict())
    if config.mean is not None:
        vars(network.get_submodule("visual")).update(image_mean=config.mean, image_std=config.std)
    return network, left


def _made(inner: dict[str, Any]) -> nn.Module:
    inner = copy.deepcopy(inner)
    kind = CustomTextCLIP if inner.pop("custom_text", False) else CLIP
    return kind(**inner)


def _bounded(inner: Mapping[str, Any]) -> dict[str, Any]:
    """A description without what would download or take endless time."""
    found = copy.deepcopy(dict(inner))
    vision, text = found.get("vision_cfg", {}), found.get("text_cfg", {})
    if "multimodal_cfg" in found or "hf_model_name" in text:
        raise NotAState("its text tower is of another package")
    for part in (found, vision, text):
        for key, value in part.items():
            values = value if isinstance(value, list) else [value]
            most = _MOST_BLOCKS if key == "layers" else _MOST
            if any(isinstance(each, int | float) and not -1 <= each <= most for each in values):
                raise NotAState(f"its configuration says {key} {str(value)[:40]}")
    if "timm_model_name" in vision:
        vision["timm_model_pretrained"] = False
        if ":" in str(vision["timm_model_name"]):
            # timm would look for it on the web.
            raise NotAState("its vision tower has a web address as its name")
    return found


def _may_fit(config: dict[str, Any], state: Mapping[str, Tensor]) -> bool:
    """What can be seen without building an architecture, which takes up to a second."""
    vision, text = config.get("vision_cfg", {}), config.get("text_cfg", {})
    if "multimodal_cfg" in config and vision_alone(state):
        # CoCa's vision tower has tokens for a text tower beside the embedding.
        return False
    if ("timm_model_name" in vision) != any(name.startswith("visual.trunk.") for name in state):
        return False
    if (vision.get("timm_pool") == "map") != any(name.startswith("visual.trunk.attn_pool.") for name in state):
        return False
    if "hf_model_name" in text and not any(name.startswith(_OTHER_TEXT) for name in state):
        return False
    tokens = state.get("token_embedding.weight", state.get("text.token_embedding.weight"))
    wanted = text.get("vocab_size", 49_408), text.get("width", 512)
    if tokens is not None and "hf_model_name" not in text and tuple(tokens.shape) != wanted:
        return False
    first = state.get("visual.conv1.weight")
    if first is not None and isinstance(vision.get("layers"), int):
        return tuple(first.shape) == (vision.get("width", 768), 3, *[vision.get("patch_size", 16)] * 2)
    return True


@cache
def shapes_of(name: str) -> dict[str, Tensor] | None:
    """The weights of an architecture without their numbers; None where it cannot be built here, without a download."""
    with own_log(), offline():
        try:
            with torch.device("meta"), Unfilled():
                return open_clip.create_model(
                    name, load_weights=False, pretrained_text=False, device="meta"
                ).state_dict()
        except Exception:
            return None


def vision_alone(state: Mapping[str, Tensor]) -> bool:
    """Whether weights are those of a vision tower without a text tower."""
    return not any(name.startswith(_TEXT) for name in state)


def _fits(state: Mapping[str, Tensor], shapes: Mapping[str, Tensor]) -> bool:
    if vision_alone(state):
        shapes = {name: value for name, value in shapes.items() if name.startswith("visual.")}
    elif "positional_embedding" in state and "positional_embedding" not in shapes:
        state = convert_to_custom_text_state_dict(dict(state))
    named, _ = without_others(state, shapes)
    if {*named} - {*_SCALES} != {*shapes} - {*_SCALES}:
        return False
    for name, value in shapes.items():
        if name in _SCALES:
            continue
        own, wanted = named[name].shape, value.shape
        if own != wanted and not (name in _POSITIONS and len(own) == len(wanted) and own[-1] == wanted[-1]):
            return False
    return True


@contextmanager
def own_log() -> Iterator[None]:
    """While it is entered, open_clip's remarks go nowhere but to handlers that are there.

    It speaks through the root logger, which would get a handler that writes on the terminal from then on.
    """
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
