"""The form of MSAE: weights in a file whose name says the activation, with the constants that scale embeddings."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from clipdesk.models.checks import NotAState, sides
from clipdesk.models.pickles import number_in
from clipdesk.network.latents.activations import Activation, Capped, Relu, Threshold, TopK
from clipdesk.network.latents.algebra import Latents, Norm
from clipdesk.network.latents.contents import Content, Values

_NAMED = re.compile(
    r"(?P<latents>\d+)_(?P<width>\d+)_(?P<kind>Batch)?(?P<activation>TopK|ReLU|JumpReLU|Identity)(?P<absolute>abs)?"
    r"(?P<rectified>ReLU)?(?:_(?P<number>\d+))?(?P<nested>_[UR]W)?_(?P<tied>True|False)_(?P<normed>True|False)"
    r"_(?P<cap>\d+(?:\.\d+)?)(?:_.*)?",
    re.DOTALL,
)
_EXAMPLE = "6144_768_TopKReLU_64_RW_False_False_0.0_cc3m.pth"
_NEEDED, _OTHERS = ("pre_bias", "encoder", "latent_bias"), ("decoder", "activation.log_threshold")
_UNIT = 1e-3
"""The mean of the squared lengths is that near to 1 where embeddings were of length 1."""


def weights_in(held: Mapping[object, object]) -> Mapping[str, object] | None:
    """The weights in what a file of this form holds, without its counters; None for other files."""
    inner = held.get("model")
    if not isinstance(inner, Mapping) or not all(name in inner for name in _NEEDED):
        return None
    return {name: inner[name] for name in (*_NEEDED, *_OTHERS) if name in inner}


def read_msae(content: Content) -> Latents:
    """Latents of MSAE's form (Zaigrajew et al. 2025, arXiv:2502.20578), trained on image embeddings.

    A Matryoshka autoencoder was trained with several numbers of latents, and its own library reads it with all of
    them: behind ReLU, without top-k. Batch top-k keeps the largest of a batch; here each picture is a batch.

    Raises:
        NotAState: the file holds something else, or its name does not say the activation.
    """
    said = _NAMED.fullmatch(content.path.stem)
    if said is None:
        raise NotAState(f"its name does not say its activation. Give it the name that it had, such as {_EXAMPLE}")
    encoder = content.matrix("encoder")
    width, count = encoder.shape
    mean, scale = _mean(content.config, width), _scale(content.config)
    if (int(said["width"]), int(said["latents"])) != (width, count):
        raise NotAState(f"its name says {said['width']} x {said['latents']}, but its encoder is {sides(encoder)}")
    decoder = encoder.T if said["tied"] == "True" else content.matrix("decoder")
    bias, before = content.vector("latent_bias", count), content.vector("pre_bias", width)
    norm, length = Norm.NONE, 1.0
    if said["normed"] == "True":
        if bool(mean.any()):
            raise NotAState("it takes off a mean and then norms each embedding, which no layer here can do")
        # Constants before this norm change nothing.
        norm, scale = Norm.LAYER_NORM, 1.0
    elif _of_length_one(mean, scale):
        # `rescale` brings embeddings to the length of the root of their width, and not to 1.
        norm, length = Norm.RESCALE, width**0.5
    return Latents(
        encoder * (scale / length),
        bias,
        decoder * (length / scale),
        length * (before / scale + mean),
        _activation(said, content, count),
        norm=norm,
        layer="visual",
        form="MSAE",
    ).subtracting()


def _activation(said: re.Match[str], content: Content, count: int) -> Activation:
    kind, cap = said["activation"], float(said["cap"])
    activation: Activation = Relu()
    if said["absolute"]:
        raise NotAState("its latents are the largest by their absolute values, which is not read")
    if content.has("activation.log_threshold"):
        activation = Threshold(content.vector("activation.log_threshold", count).exp())
    elif kind == "TopK" and not said["nested"]:
        activation = TopK(Values({"k": int(said["number"] or 0)}).whole("k"), rectified=bool(said["rectified"]))
    elif kind not in ("ReLU", "TopK"):
        raise NotAState(f"its activation, {kind}, is not read")
    return Capped(activation, cap) if cap else activation


def _mean(config: Values, width: int) -> Tensor:
    found = config["mean_center"]
    if isinstance(found, Tensor):
        if tuple(found.shape) == (width,) and found.dtype.is_floating_point and bool(found.isfinite().all()):
            return found.detach().float()
    elif found is None or number_in(found) == 0:
        return torch.zeros(width)
    raise NotAState(f"its mean_center is not {width} numbers")


def _scale(config: Values) -> float:
    found = config["scaling_factor"]
    number = float(found) if isinstance(found, Tensor) and found.numel() == 1 else number_in(found)
    if found is None:
        return 1.0
    if number is None or not 0 < number < float("inf"):
        raise NotAState("its scaling_factor is not a number above zero")
    return number


def _of_length_one(mean: Tensor, scale: float) -> bool:
    """Whether it was trained on embeddings of length 1, which its constants tell.

    The scale brings the root of the mean squared distance from the mean to the root of the width.
    """
    distance = len(mean) / scale**2
    return abs(float(mean.square().sum()) + distance - 1) < _UNIT
