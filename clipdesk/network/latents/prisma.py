"""The forms of Prisma and of PatchSAE: ``W_enc``, ``b_enc``, ``W_dec`` and ``b_dec``, and a configuration."""

from __future__ import annotations

from dataclasses import replace

from clipdesk.models.checks import NotAState
from clipdesk.network.latents.activations import Activation, Capped, Gated, Relu, TopK
from clipdesk.network.latents.algebra import Latents, Norm, Tokens
from clipdesk.network.latents.contents import Content, Values

_NORMS = {"": Norm.NONE, "none": Norm.NONE, "layer_norm": Norm.LAYER_NORM, "constant_norm_rescale": Norm.RESCALE}
_CENTRED = ("hf:", "timm:", "openai/", "laion/", "facebook/", "google/")
"""Models whose writing weights Prisma's loader centred, so that the residual stream it saw had a mean of zero."""


def read_prisma(content: Content) -> Latents:
    """Latents of Prisma's form.

    Raises:
        NotAState: the file holds something else.
    """
    config = content.config
    latents = _standard(content, _norm(config))
    kind, layer = config.text("layer_subtype", "hook_resid_post"), config["hook_point_layer"]
    # Never from cached_activations_path, where published files name another layer.
    hook = f"blocks.{layer}.{kind}" if isinstance(layer, int) else config.text("hook_point")
    model = config.text("model_name")
    return replace(latents, layer=hook, tokens=_tokens(config), model=model, form="Prisma", unsure=not hook)


def read_patch_sae(content: Content) -> Latents:
    """Latents of PatchSAE's form: those of a block's output, whose number may be counted from the end.

    Raises:
        NotAState: the file holds something else.
    """
    config = content.config
    latents = _standard(content, Norm.NONE)
    layer = config["block_layer"]
    tokens = Tokens.CLASS if config.flag("class_token", False) else Tokens.ALL
    hook = f"blocks.{layer}.hook_resid_post" if isinstance(layer, int) else ""
    return replace(latents, layer=hook, tokens=tokens, model=config.text("model_name"), form="PatchSAE")


def _standard(content: Content, norm: Norm) -> Latents:
    encoder, decoder = content.matrix("W_enc"), content.matrix("W_dec")
    width, count = encoder.shape
    bias = content.vector("b_gate" if content.has("b_gate") else "b_enc", count)
    activation = _activation(content)
    if content.has("b_gate"):
        scale = content.vector("r_mag", count).exp()
        activation = Gated(scale, content.vector("b_mag", count) - bias * scale)
    latents = Latents(encoder, bias, decoder, content.vector("b_dec", width), activation, norm=norm)
    return latents.subtracting()


def _activation(content: Content) -> Activation:
    name = content.config.text("activation_fn_str", "relu")
    if name == "topk":
        return TopK(content.config.part("activation_fn_kwargs").whole("k"))
    if name not in ("relu", "tanh-relu"):
        raise NotAState(f"it has the activation function {name}; relu, tanh-relu and topk are read")
    return Capped(Relu(), 1.0) if name == "tanh-relu" else Relu()


def _norm(config: Values) -> Norm:
    name = config.text("normalize_activations")
    if name not in _NORMS:
        raise NotAState(f"it normalises activations by {name}, which is not read")
    # Of open_clip's models the loader left the weights as they are.
    centred = _NORMS[name] is Norm.NONE and config.text("model_name").startswith(_CENTRED)
    return Norm.CENTER if centred and "resid" in config.text("layer_subtype") else _NORMS[name]


def _tokens(config: Values) -> Tokens | None:
    if config.flag("cls_token_only", False) or config["context_size"] == 1:
        return Tokens.CLASS
    if config.flag("use_patches_only", False):
        return Tokens.PATCHES
    return Tokens.ALL if "context_size" in config or "cls_token_only" in config else None
