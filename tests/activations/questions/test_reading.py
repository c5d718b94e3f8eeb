"""Text embeddings of concepts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from clip.model import CLIP

from clipdesk.activations.questions.reading import read_vocabulary
from clipdesk.errors import UsageError
from clipdesk.models.texts import tokenize


def test_a_vocabulary_holds_the_models_own_embeddings(vit: CLIP) -> None:
    seen: list[tuple[int, int]] = []
    concepts = [f"thing {number}" for number in range(70)]
    found = read_vocabulary(
        vit,
        concepts,
        reader="small",
        templates=["{}", "a {} sky"],
        progress=lambda done, all_: seen.append((done, all_)),
    )
    assert found.concepts == tuple(concepts)
    assert found.reader == "small"
    assert seen == [(128, 140), (140, 140)]
    with torch.no_grad():
        direct = vit.encode_text(tokenize(["thing 69", "a thing 69 sky"])).float()
    direct = direct / direct.norm(dim=-1, keepdim=True)
    np.testing.assert_allclose(found.texts[:, 69], direct.numpy(), atol=1e-5)


def test_a_concept_that_is_too_long_is_refused(vit: CLIP) -> None:
    with pytest.raises(UsageError, match="too long"):
        read_vocabulary(vit, ["word " * 200], reader="small")
