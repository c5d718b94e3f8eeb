"""Folders of tiny images, for the commands that survey them."""

from pathlib import Path

import numpy as np
import torch
from clip.model import CLIP
from PIL import Image

LAYER = "visual.transformer.resblocks.1.mlp.gelu"
SHORT = "1.mlp.gelu"


def photos(folder: Path, count: int = 24, broken: int = 1) -> Path:
    """A folder of images in two classes, and some files that are none."""
    rng = np.random.default_rng(0)
    for number in range(count):
        path = folder / ("cats", "dogs")[number % 2] / f"{number:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = rng.normal(rng.uniform(60, 200, 3), 40, (36, 36, 3)).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(path)
    for number in range(broken):
        (folder / "cats" / f"broken{number}.jpg").write_bytes(b"none")
    return folder


def save_twin(model: CLIP, path: Path) -> None:
    """A checkpoint of other weights whose units inside the image tower are the model's."""
    state = model.state_dict()
    torch.save({name: value.half() * (2 if name == "visual.proj" else 1) for name, value in state.items()}, path)
