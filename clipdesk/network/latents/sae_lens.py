"""The form of SAELens: ``sae_weights.safetensors`` with ``cfg.json``. ClipDesk writes its own latents in it, too."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from clipdesk.errors import UsageError
from clipdesk.models.checks import NotAState
from clipdesk.models.latents_names import USUAL
from clipdesk.network.latents.activations import Activation, Capped, Gated, Relu, Threshold, TopK
from clipdesk.network.latents.algebra import Latents, Norm, Tokens
from clipdesk.network.latents.contents import Content, Values

WEIGHTS, CONFIG = USUAL[0], "cfg.json"
FORM = "SAELens"
_VERSION = "6.0.0"
"""SAELens reads a configuration as of this version, where it keeps what it knows of the model under `metadata`."""

_NORMS = {
    "none": Norm.NONE,
    "layer_norm": Norm.LAYER_NORM,
    "constant_norm_rescale": Norm.RESCALE,
    # A constant, which SAELens multiplies into the weights before it saves them.
    "expected_average_only_in": Norm.NONE,
}


def read_sae_lens(content: Content) -> Latents:
    """Latents of SAELens' form.

    Raises:
        NotAState: the file holds something else.
    """
    config = content.config
    encoder, decoder = content.matrix("W_enc"), content.matrix("W_dec")
    width, count = encoder.shape
    decoder_bias = content.vector("b_dec", width)
    kind = config.text("architecture", "standard")
    bias = content.vector("b_gate" if kind == "gated" else "b_enc", count)
    activation = _activation(kind, content, count, bias)
    if config.part("activation_fn_kwargs").flag("rescale_acts_by_decoder_norm", False) or config.flag(
        "rescale_acts_by_decoder_norm", False
    ):
        # The decoder counts as if its rows had the length 1, and its lengths as if they were the encoder's.
        lengths = decoder.norm(dim=1)
        encoder, bias, decoder = encoder * lengths, bias * lengths, decoder / lengths.clamp_min(1e-12)[:, None]
    if config.flag("finetuning_scaling_factor", False) and content.has("finetuning_scaling_factor"):
        decoder = decoder * content.vector("finetuning_scaling_factor", count)[:, None]
    latents = Latents(
        encoder,
        bias,
        decoder,
        decoder_bias,
        activation,
        norm=_norm(config),
        layer=_layer(config),
        tokens=_tokens(config.part("metadata")),
        model=config.part("metadata").text("model_name") or config.text("model_name"),
        form=FORM,
    )
    return latents.subtracting() if config.flag("apply_b_dec_to_input", True) else latents


def _activation(kind: str, content: Content, count: int, bias: Tensor) -> Activation:
    config = content.config
    if kind == "gated":
        scale = content.vector("r_mag", count).exp()
        return Gated(scale, content.vector("b_mag", count) - bias * scale)
    if kind == "jumprelu":
        return Threshold(content.vector("threshold", count))
    if kind in ("batchtopk", "matryoshka_batchtopk"):
        # A training that was saved as it stood.
        return Threshold(torch.tensor([max(content.number("topk_threshold"), 0.0)]))
    if kind == "topk":
        return TopK(config.whole("k") if "k" in config else config.part("activation_fn_kwargs").whole("k"))
    if kind != "standard":
        raise NotAState(f"it is of the architecture {kind}; standard, topk, jumprelu and gated are read")
    # Before version 6 the architecture was standard for all that had one encoder.
    function = config.text("activation_fn_str") or config.text("activation_fn", "relu")
    if function == "topk":
        return TopK(config.part("activation_fn_kwargs").whole("k"))
    if function not in ("relu", "tanh-relu"):
        raise NotAState(f"it has the activation function {function}; relu, tanh-relu and topk are read")
    return Capped(Relu(), 1.0) if function == "tanh-relu" else Relu()


def _norm(config: Values) -> Norm:
    name = config.text("normalize_activations", "none")
    # Versions before 3 had a flag.
    if config["normalize_activations"] is True:
        name = "expected_average_only_in"
    if name not in _NORMS:
        raise NotAState(f"it normalises activations by {name}, which is not read; these are: {', '.join(_NORMS)}")
    return _NORMS[name]


def _layer(config: Values) -> str:
    metadata = config.part("metadata")
    return metadata.text("hook_name") or config.text("hook_name") or config.text("hook_point")


def _tokens(metadata: Values) -> Tokens | None:
    """ClipDesk's own entry; else SAELens' slice of the sequence, which has the class token first."""
    name = metadata.text("tokens")
    if name in [each.value for each in Tokens]:
        return Tokens(name)
    part = metadata["seqpos_slice"]
    if isinstance(part, (list, tuple)):
        return {(1, None): Tokens.PATCHES, (0, 1): Tokens.CLASS, (1,): Tokens.CLASS}.get(tuple(part[:2]))
    return None


def write_sae_lens(latents: Latents, folder: Path, notes: Mapping[str, object] | None = None) -> Path:
    """Write latents so that SAELens and ClipDesk can open them: ``sae_weights.safetensors`` and ``cfg.json``.

    Args:
        latents: The latents.
        folder: Where to; it is made. Files of these names in it are replaced.
        notes: What else the configuration's ``metadata`` is to say, such as how they were trained: plain values.

    Returns:
        The folder.

    Raises:
        UsageError: SAELens' form has no word for their activation or norm.
        OSError: the folder cannot be written.
    """
    kind, own_weights, own_values = _written(latents)
    if latents.norm is Norm.CENTER:
        raise UsageError("SAELens' form cannot say that the mean is taken off each token and nothing else")
    weights = {
        "W_enc": latents.encoder,
        "W_dec": latents.decoder,
        "b_dec": latents.decoder_bias,
        **own_weights,
    }
    config = {
        "architecture": kind,
        "d_in": latents.width,
        "d_sae": latents.count,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": False,
        "normalize_activations": next(name for name, norm in _NORMS.items() if norm is latents.norm),
        "reshape_activations": "none",
        **own_values,
        "metadata": {
            "sae_lens_version": _VERSION,
            **(notes or {}),
            "model_name": latents.model,
            "hook_name": latents.layer,
            **({"tokens": latents.tokens.value} if latents.tokens else {}),
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    plain = {name: value.detach().float().cpu().contiguous() for name, value in weights.items()}
    _put(folder / WEIGHTS, safetensors.torch.save(plain))
    _put(folder / CONFIG, json.dumps(config, indent=2).encode())
    return folder


def _written(latents: Latents) -> tuple[str, dict[str, Tensor], dict[str, object]]:
    """The architecture's name, and the weights and values that only it has."""
    activation = latents.activation
    if isinstance(activation, Relu):
        return "standard", {"b_enc": latents.bias}, {}
    if isinstance(activation, TopK) and activation.rectified:
        return "topk", {"b_enc": latents.bias}, {"k": activation.k, "rescale_acts_by_decoder_norm": False}
    if isinstance(activation, Threshold):
        return "jumprelu", {"b_enc": latents.bias, "threshold": activation.threshold.expand(latents.count)}, {}
    if isinstance(activation, Gated):
        shift = activation.shift + latents.bias * activation.scale
        return "gated", {"b_gate": latents.bias, "r_mag": activation.scale.log(), "b_mag": shift}, {}
    raise UsageError(f"SAELens' form has no word for this activation: {activation.name}")


def _put(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    os.replace(partial, path)
