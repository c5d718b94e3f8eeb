"""What texts share, and what is a text's own."""

from __future__ import annotations

from collections import deque

import numpy as np
import torch
import torch.nn.functional as F
from clip.model import CLIP

from clipdesk.models.texts import tokenize
from clipdesk.network.capture import LayerCapture
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.centre import text_centre
from clipdesk.render.loop import render
from clipdesk.render.objectives import Objective, resolved
from clipdesk.render.presets import make_settings
from clipdesk.render.settings import RenderSettings
from clipdesk.render.sources import Sources
from clipdesk.render.targets import Text

STAR, DOG = Text(text="a red star"), Text(text="a photo of a dog")


def embeddings(model: CLIP, *texts: str) -> torch.Tensor:
    with torch.no_grad():
        return F.normalize(model.encode_text(tokenize(list(texts))).float(), dim=-1)


def test_the_centre_is_what_texts_have_in_common(demo: CLIP) -> None:
    centre = text_centre(demo)
    assert 0 < float(centre.norm()) < 1
    texts = embeddings(demo, "a red star", "a blue circle", "a dotted tree", "a striped house")
    apart = F.normalize(texts - centre, dim=-1)
    assert (apart @ apart.T).mean() < (texts @ texts.T).mean()


def test_a_texts_own_direction_is_scored(vit: CLIP) -> None:
    inspector, sources = LayerInspector(vit), Sources()
    objective = Objective(resolved((STAR, DOG), inspector, sources), vit, sources, own_texts=True)
    side = vit.visual.input_resolution
    with torch.no_grad():
        outputs = LayerCapture(vit, objective.layers).run(torch.randn(2, 3, side, side))
        found = objective(outputs)
    own = embeddings(vit, STAR.text, DOG.text) - text_centre(vit)
    assert torch.allclose(found, F.cosine_similarity(outputs["visual"][:, 0], own, dim=-1), atol=1e-5)


def test_the_setting_decides_and_older_recipes_have_the_whole_direction(vit: CLIP) -> None:
    assert RenderSettings.model_validate({"iterations": 5}).text_direction == "whole"
    frames = {}
    for direction in ("whole", "own"):
        settings = make_settings(iterations=3, views=2, device="cpu", text_direction=direction)
        frames[direction] = deque(render(vit, [STAR], settings), maxlen=1).pop().images()
    assert not np.array_equal(frames["whole"], frames["own"])
