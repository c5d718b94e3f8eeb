"""What latents of the image embedding write, in words."""

from __future__ import annotations

import numpy as np
import pytest
from clip.model import CLIP

from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.writing import words_of_decoder
from clipdesk.errors import UsageError
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.opened import OpenModel
from tests.network.latents.perfect import perfect


def vocabulary(width: int) -> Vocabulary:
    """Three concepts, whose embeddings lie along the first three units of the embedding."""
    return Vocabulary(("star", "ring", "tree"), np.eye(3, width, dtype=np.float32)[None], "mine")


def test_the_words_are_those_that_the_decoder_points_to(vit: CLIP) -> None:
    width = LayerInspector(vit).visualizable("visual").units
    opened = OpenModel.of(vit).with_latents(perfect(width, "visual"))
    (layer,) = (name for name in opened.inspector.layers if name.endswith("latents"))
    assert words_of_decoder(opened, layer, 1, lambda: vocabulary(width), count=1) == [("ring", 1.0)]
    # The second half of its latents are what units lack below zero.
    assert words_of_decoder(opened, layer, width + 1, lambda: vocabulary(width))[-1] == ("ring", -1.0)


def test_elsewhere_directions_have_no_words(vit: CLIP) -> None:
    opened = OpenModel.of(vit).with_latents(perfect(64, "1"))
    for unit in ("visual.transformer.resblocks.1.latents", "visual.transformer.resblocks.1"):
        with pytest.raises(UsageError, match="does not write into the image embedding"):
            words_of_decoder(opened, unit, 3, lambda: vocabulary(64))
