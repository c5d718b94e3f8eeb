"""The forms of dictionary_learning, which sae-for-vlm has too: one for each of its classes."""

from __future__ import annotations

from dataclasses import replace

import torch

from clipdesk.models.checks import NotAState
from clipdesk.network.latents.activations import Activation, Gated, Relu, Threshold, TopK
from clipdesk.network.latents.algebra import Latents, Tokens
from clipdesk.network.latents.contents import Content, Values

_PROJECTION = "post_projection"
_OF_VISION = (_PROJECTION, "post_mlp_residual")


def read_dictionary(content: Content) -> Latents:
    """Latents of one of dictionary_learning's classes, told by its weights, and by its name where that is there.

    Raises:
        NotAState: the file holds something else.
    """
    if content.has("gate_bias"):
        latents = _gated(content)
    elif content.has("W_enc"):
        latents = _of_matrices(content)
    else:
        latents = _of_modules(content)
    said = content.config.part("trainer")
    return replace(
        latents,
        layer=_layer(said),
        # sae-for-vlm trains on the class token alone.
        tokens=Tokens.CLASS if said.text("submodule_name") in _OF_VISION else None,
        model=said.text("lm_name"),
        form="dictionary_learning",
    )


def _of_modules(content: Content) -> Latents:
    """AutoEncoder, AutoEncoderNew, AutoEncoderTopK and BatchTopKSAE."""
    encoder, decoder = content.matrix("encoder.weight").T, content.matrix("decoder.weight").T
    width, count = encoder.shape
    bias = content.vector("encoder.bias", count)
    if content.has("decoder.bias"):
        return Latents(encoder, bias, decoder, content.vector("decoder.bias", width), Relu())
    if content.has("bias"):
        return Latents(encoder, bias, decoder, content.vector("bias", width), Relu()).subtracting()
    return Latents(encoder, bias, decoder, content.vector("b_dec", width), _sparse(content)).subtracting()


def _of_matrices(content: Content) -> Latents:
    """JumpReluAutoEncoder, which alone has a threshold for each latent, and MatryoshkaBatchTopKSAE."""
    encoder = content.matrix("W_enc")
    width, count = encoder.shape
    bias, decoder_bias = content.vector("b_enc", count), content.vector("b_dec", width)
    threshold = content.weights.get("threshold")
    own = threshold is not None and threshold.ndim == 1
    activation = Threshold(content.vector("threshold", count)) if own else _sparse(content)
    latents = Latents(encoder, bias, content.matrix("W_dec"), decoder_bias, activation)
    subtracted = content.config.part("trainer").flag("apply_b_dec_to_input", False) if own else True
    return latents.subtracting() if subtracted else latents


def _gated(content: Content) -> Latents:
    encoder, decoder = content.matrix("encoder.weight").T, content.matrix("decoder.weight").T
    width, count = encoder.shape
    bias, scale = content.vector("gate_bias", count), content.vector("r_mag", count).exp()
    activation = Gated(scale, content.vector("mag_bias", count) - bias * scale)
    return Latents(encoder, bias, decoder, content.vector("decoder_bias", width), activation).subtracting()


def _sparse(content: Content) -> Activation:
    """Top-k, or the threshold that stands for batch top-k after training."""
    name = content.config.part("trainer").text("dict_class")
    threshold = content.number("threshold") if content.has("threshold") else -1.0
    if "Batch" in name or (not name and (threshold >= 0 or content.has("group_sizes"))):
        # An unset one is -1, and cuts nothing that ReLU has left.
        return Threshold(torch.tensor([max(threshold, 0.0)]))
    if content.has("k"):
        return TopK(Values({"k": int(content.number("k"))}).whole("k"))
    raise NotAState("it says neither k nor a threshold")


def _layer(said: Values) -> str:
    layer, part = said["layer"], said.text("submodule_name")
    if part == _PROJECTION or layer == -1:
        return _PROJECTION
    return f"blocks.{layer}.hook_resid_post" if isinstance(layer, int) and part in ("", *_OF_VISION) else part
