"""The form of saev: one line of JSON, then what torch.save has written. It has had six kinds of headers so far."""

from __future__ import annotations

import torch

from clipdesk.models.checks import NotAState
from clipdesk.network.latents.activations import Activation, Relu, Threshold, TopK
from clipdesk.network.latents.algebra import Latents, Tokens
from clipdesk.network.latents.contents import Content, Values

_NEWEST = 5
_LAST_UNCLEAR = 2
"""From July 2025 on the decoder bias is not subtracted any more; headers of this version come from before and after."""


def read_saev(content: Content) -> Latents:
    """Latents of saev's form. The layer, and constants that the activations were scaled by, are not in the file.

    Raises:
        NotAState: the file holds something else.
    """
    schema = content.header.whole("schema", _NEWEST) if "schema" in content.header else 0
    encoder, decoder = content.matrix("W_enc"), content.matrix("W_dec")
    width, count = encoder.shape
    latents = Latents(
        encoder,
        content.vector("b_enc", count),
        decoder,
        content.vector("b_dec", width),
        _activation(content, schema),
        tokens=Tokens.PATCHES,
        form="saev",
        unsure=schema <= _LAST_UNCLEAR,
    )
    return latents.subtracting() if schema <= 1 else latents


def _activation(content: Content, schema: int) -> Activation:
    name, values = _said(content.header, schema)
    if name == "relu":
        return Relu()
    if name not in ("topk", "batchtopk"):
        raise NotAState(f"its header says the activation {name}; Relu, TopK and BatchTopK are read")
    if name == "batchtopk" and content.has("activation.threshold"):
        return Threshold(torch.tensor([max(content.number("activation.threshold"), 0.0)]))
    # Without ReLU; and a batch's top-k was each token's before there was a threshold.
    return TopK(values.whole("top_k") if "top_k" in values else 32, rectified=False)


def _said(header: Values, schema: int) -> tuple[str, Values]:
    """The activation's name in small letters, and what it is said to have."""
    if schema == 0:
        return "relu", Values({})
    config = header.part("cfg")
    own = config.part("activation")
    if schema == 1 and "activation" not in config:
        # The first of two forms with this number: the class is the activation's.
        return header.text("cls", "Relu").lower(), config
    name = own.text("cls") or own.text("kind") or own.text("key") or config.text("activation", "Relu")
    return name.lower().replace("_", "").replace("-", ""), own.part("params") if "params" in own else own
