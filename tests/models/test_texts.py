"""Texts, also for checkpoints whose text towers are other than OpenAI's."""

import pytest
import torch
import torch.nn.functional as F
from clip.model import CLIP

from clipdesk.errors import UsageError
from clipdesk.models.package import clip
from clipdesk.models.texts import tokenize
from clipdesk.network.normalization import normalized
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text, Unit
from tests.conftest import VIT_LAYER

SETTINGS = make_settings(iterations=1, device="cpu")


def model_that_reads(length: int, vocabulary: int) -> CLIP:
    torch.manual_seed(0)
    return CLIP(32, 32, 2, 64, 8, length, vocabulary, 64, 1, 1).eval().requires_grad_(False)


def test_a_long_text_is_refused() -> None:
    with pytest.raises(UsageError, match=r"at most 75 tokens \(about 50 words\)"):
        tokenize(["star " * 100])


def test_a_text_is_as_long_as_the_model_wants(vit: CLIP) -> None:
    assert tokenize(["a star"]).shape == tokenize(["a star"], vit).shape == (1, 77)
    assert tokenize(["a star", "a heart"], model_that_reads(9, 50_000)).shape == (2, 9)


@pytest.mark.parametrize(("length", "vocabulary"), [(5, 49_408), (200, 49_408), (77, 60_000)])
def test_other_lengths_and_larger_vocabularies_are_read(length: int, vocabulary: int) -> None:
    model = model_that_reads(length, vocabulary)
    red, blue = [Text(text="a red star"), Text(text="a blue heart")]
    (frame,) = render(model, [red, blue], SETTINGS)
    pixels = torch.from_numpy(frame.images()).permute(0, 3, 1, 2) / 255
    embeddings = model.encode_image(normalized(pixels))
    texts = model.encode_text(clip.tokenize([red.text, blue.text], length))
    own, other = F.cosine_similarity(embeddings, texts), F.cosine_similarity(embeddings, texts.flip(0))
    assert frame.clean_activations() == pytest.approx(own.numpy(), abs=0.005)
    assert min(abs(own - other)) > 0.012, "another text gives another number"


@pytest.mark.parametrize(
    ("length", "vocabulary", "message"),
    [
        (4, 49_408, r"The text is too long: this CLIP reads at most 2 tokens$"),
        (1, 49_408, r"The text is too long: this CLIP reads at most 0 tokens$"),
        (77, 49_407, r"This model knows 49,407 tokens of CLIP's 49,408, too few to read a text"),
        (77, 1, r"This model knows 1 tokens of CLIP's 49,408"),
    ],
)
def test_a_text_that_a_model_cannot_read_is_one_line(length: int, vocabulary: int, message: str) -> None:
    model = model_that_reads(length, vocabulary)
    with pytest.raises(UsageError, match=message) as refused:
        render(model, [Text(text="a red star")], SETTINGS)
    assert "\n" not in str(refused.value)
    assert len(list(render(model, [Unit(layer=VIT_LAYER, index=1)], SETTINGS))) == 1, "its units are there"
