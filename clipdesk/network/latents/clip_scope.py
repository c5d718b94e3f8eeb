"""The form of CLIP-Scope: ``pre_b``, ``enc`` and ``dec``, with k beside them, in a folder named after the layer."""

from __future__ import annotations

import re

import torch

from clipdesk.network.latents.activations import TopK
from clipdesk.network.latents.algebra import Latents
from clipdesk.network.latents.contents import Content

_FOLDER = re.compile(r"(\d{1,3})_resid")


def read_clip_scope(content: Content) -> Latents:
    """Latents of CLIP-Scope's form: top-k without ReLU and without an encoder bias.

    Raises:
        NotAState: the file holds something else.
    """
    encoder, decoder = content.matrix("enc"), content.matrix("dec")
    width, count = encoder.shape
    before = content.vector("pre_b", width)
    found = _FOLDER.fullmatch(content.path.parent.name)
    activation = TopK(content.config.whole("k"), rectified=False)
    layer = f"blocks.{found[1]}.hook_resid_post" if found else ""
    latents = Latents(encoder, torch.zeros(count), decoder, before, activation, layer=layer, form="CLIP-Scope")
    return latents.subtracting()
