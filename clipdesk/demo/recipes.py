"""The three models that `clipdesk.demo.train` makes, and how each is trained."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from clip.model import CLIP

from clipdesk.demo.dataset import CONTEXT
from clipdesk.demo.scenes import SIZE

EMBEDDING = 128


@dataclass(frozen=True)
class Recipe:
    """How one model is built and trained.

    Attributes:
        blocks: Number of transformer blocks, or of bottlenecks in each of a ResNet's four stages.
        width: Width of the transformer, or channels of a ResNet's first stage.
        patch: Side of a transformer's patches in pixels; None for a ResNet.
        images: Pictures to show in all.
        rate: Peak learning rate.
        noise: Largest sigma of the Gaussian noise on training pictures, as a share of the pixel range.
        push: Largest L2 norm of the adversarial push on a picture whose values are in [0, 1]; 0 for none.
        reading: Share of the pictures that show a written name alone; reading is learned slowly.
        pushed_from: Share of the pictures after which they are pushed; sooner it slows the learning of what is seen.
    """

    blocks: int | tuple[int, int, int, int]
    width: int
    patch: int | None
    images: int
    rate: float
    noise: float
    push: float
    reading: float
    pushed_from: float = 0.75


RECIPES = {
    "demo": Recipe(6, 192, 16, images=800_000, rate=1e-3, noise=0.35, push=0.0, reading=0.5),
    "demo-rn": Recipe((1, 2, 2, 1), 16, None, images=350_000, rate=3e-3, noise=0.35, push=4.0, reading=0.3),
    "plain": Recipe(6, 192, 16, images=800_000, rate=1e-3, noise=0.0, push=0.0, reading=0.5),
}
"""``demo`` and ``demo-rn`` are shipped; ``demo`` goes through `ROUNDS` besides. ``plain`` is a plainly trained twin of
it: its gradients draw noise."""


@dataclass(frozen=True)
class Run:
    """One of the trainings of a round: in batches of 256, every picture pushed from the first on.

    Attributes:
        seed: Of the order of the pictures and of their noise.
        images: As in `Recipe`, and so are the others.
    """

    seed: int
    images: int
    push: float
    rate: float
    reading: float = 0.5
    noise: float = 0.35


ROUNDS = (
    (
        Run(4, 793_000, push=4.0, rate=1e-3),
        Run(5, 803_000, push=6.0, rate=1e-3, reading=0.55),
        Run(8, 829_000, push=3.0, rate=1e-3, noise=0.45),
        Run(9, 843_000, push=4.5, rate=2e-3, reading=0.6),
    ),
    (
        Run(11, 214_000, push=5.0, rate=1e-3),
        Run(12, 214_000, push=7.0, rate=1e-3),
        Run(13, 215_000, push=4.5, rate=2e-3, reading=0.6),
        Run(14, 214_000, push=6.0, rate=2e-3, reading=0.55),
        Run(15, 215_000, push=4.0, rate=1e-3, noise=0.45),
    ),
)
"""By which ``demo``'s pictures become clear: each run of a round begins with the mean of the round before."""


def build_model(recipe: Recipe, words: int, seed: int) -> CLIP:
    """The model, untrained; its vocabulary holds only the words that captions use."""
    torch.manual_seed(seed)
    model = CLIP(
        embed_dim=EMBEDDING,
        image_resolution=SIZE,
        vision_layers=recipe.blocks,
        vision_width=recipe.width,
        vision_patch_size=recipe.patch,
        context_length=CONTEXT,
        vocab_size=words,
        transformer_width=128,
        transformer_heads=2,
        transformer_layers=2,
    )
    # The layout in which a CPU convolves fastest.
    return model if recipe.patch else model.to(memory_format=torch.channels_last)
