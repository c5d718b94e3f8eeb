"""The mean and the deviation that a network wants its pictures to have."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from clip.clip import _transform
from clip.model import CLIP
from PIL import Image
from torch import nn

from clipdesk.network.normalization import OPENAI, Normalization, normalization_of, normalized


def test_pixels_are_normalised_as_openais_package_does_it() -> None:
    image = Image.effect_noise((32, 32), 80).convert("RGB")
    theirs = _transform(32)(image)
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 255
    assert torch.allclose(normalized(pixels)[0], theirs, atol=1e-6)


def test_each_channel_has_a_mean_and_a_deviation_of_its_own() -> None:
    some = Normalization((0.0, 0.5, 1.0), (1.0, 0.5, 0.25))
    found = normalized(torch.ones(2, 3, 1, 1), some)
    assert found[:, :, 0, 0].tolist() == [[1.0, 1.0, 0.0]] * 2


def test_an_openai_model_says_nothing_and_has_openais(vit: CLIP) -> None:
    assert normalization_of(vit) == OPENAI


def test_a_model_of_open_clip_says_its_own() -> None:
    model = nn.Module()
    model.visual = nn.Identity()
    vars(model.visual).update(vars(SimpleNamespace(image_mean=[0.5, 0.5, 0.5], image_std=[0.5, 0.25, 0.125])))
    assert normalization_of(model) == Normalization((0.5, 0.5, 0.5), (0.5, 0.25, 0.125))


def test_a_module_without_a_vision_tower_is_refused() -> None:
    with pytest.raises(AttributeError):
        normalization_of(nn.Identity())
