"""A picture does not depend on those that are rendered beside it, but for rounding that grows."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from clip.model import CLIP

from clipdesk.render import images, loop
from clipdesk.render.loop import render
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Unit

UNITS = [Unit(layer="visual.layer3", index=index) for index in (3, 7, 11)]


@pytest.mark.parametrize("preset", ["lucid", "draft", "classic"])
def test_a_resnets_picture_is_the_same_alone_and_in_a_group(
    resnet: CLIP, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    """In float64: in float32, kernels round otherwise for other numbers of pictures, and the ascent makes it large."""
    wide = copy.deepcopy(resnet).double()
    narrow = torch.Tensor.float
    monkeypatch.setattr(torch.Tensor, "float", lambda self: self if self.dtype is torch.float64 else narrow(self))
    axes = images.color_axes().double()
    monkeypatch.setattr(images, "color_axes", lambda: axes)
    monkeypatch.setattr(loop, "on_device", lambda model, _device: model)
    settings = make_settings(preset, iterations=60, precision="float32", device="cpu")
    torch.set_default_dtype(torch.float64)
    try:
        *_, together = render(wide, UNITS, settings, seeds=[0, 1, 2])
        *_, alone = render(wide, UNITS[1:2], settings, seeds=[1])
    finally:
        torch.set_default_dtype(torch.float32)
    difference = np.abs(together.images()[1].astype(int) - alone.images()[0])
    assert difference.max() <= 1
    assert difference.mean() < 0.001
    assert np.abs(together.images()[0].astype(int) - alone.images()[0]).mean() > 1
