"""Zero-shot accuracy of a CLIP on drawn scenes: what the model card's figures are measured with.

``python -m clipdesk.demo.evaluate`` prints them for the embedded model.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from clip.model import CLIP
from numpy.typing import NDArray
from torch import Tensor

from clipdesk.demo.captions import FACTORS, prompt
from clipdesk.demo.dataset import Kind, Scenes, draw_scenes
from clipdesk.models.loading import load_model, tokenize
from clipdesk.render.transforms import normalized

HELD_OUT_SEED = 3
"""Seed of the scenes that the published figures are measured on; training never draws with it."""


@torch.no_grad()
def zero_shot_accuracy(model: CLIP, scenes: Scenes, *, noise: float = 0.0, seed: int = 0) -> dict[str, float]:
    """Share of scenes for which the right word of each factor is nearest by cosine similarity.

    Args:
        model: A CLIP in float32.
        scenes: The scenes to classify.
        noise: Standard deviation of Gaussian noise added to the pictures, as a share of the pixel range.
        seed: Seed of that noise.

    Returns:
        For each factor (shape, color, texture, background) the accuracy in [0, 1].
    """
    device = next(model.parameters()).device
    embeddings = embed_images(model, scenes.images, noise=noise, seed=seed)
    result = {}
    for column, (factor, values) in enumerate(FACTORS.items()):
        texts = model.encode_text(tokenize([prompt(factor, value) for value in values]).to(device))
        guesses = (embeddings @ torch.nn.functional.normalize(texts, dim=-1).T).argmax(dim=-1).cpu().numpy()
        result[factor] = float((guesses == scenes.factors[:, column]).mean())
    return result


def embed_images(model: CLIP, images: NDArray[np.uint8], *, noise: float = 0.0, seed: int = 0) -> Tensor:
    """Unit-length image embeddings, (count, embedding size), of uint8 pictures (count, side, side, 3)."""
    device = next(model.parameters()).device
    generator = torch.Generator().manual_seed(seed)
    parts = []
    with torch.no_grad():
        for start in range(0, len(images), 250):
            pixels = torch.from_numpy(np.array(images[start : start + 250])).permute(0, 3, 1, 2).float() / 255
            pixels += noise * torch.randn(pixels.shape, generator=generator)
            parts.append(torch.nn.functional.normalize(model.encode_image(normalized(pixels.to(device))), dim=-1))
    return torch.cat(parts)


def main() -> None:
    """Print the accuracies on scenes of the held-out shape x colour pairs, clean and under noise."""
    parser = argparse.ArgumentParser(prog="python -m clipdesk.demo.evaluate", description=main.__doc__)
    parser.add_argument("--model", default="demo", help="name or checkpoint file")
    parser.add_argument("--scenes", type=int, default=2_000)
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    scenes = draw_scenes(arguments.scenes, HELD_OUT_SEED, Kind.HELD_OUT)
    for noise in (0.0, 0.25, 0.5):
        figures = zero_shot_accuracy(model, scenes, noise=noise)
        print(f"noise {noise:4.2f}  " + "  ".join(f"{factor} {share:.1%}" for factor, share in figures.items()))


if __name__ == "__main__":
    main()
