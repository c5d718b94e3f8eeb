"""The three models that `clipdesk.demo.train` makes, with their training recipes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from clip.model import CLIP

from clipdesk.scenes.dataset import CONTEXT
from clipdesk.scenes.scenes import SIZE

EMBEDDING = 128


@dataclass(frozen=True)
class TrainingRecipe:
    """The architecture and the training of one model.

    Attributes:
        blocks: Number of transformer blocks, or of bottlenecks in each of a ResNet's four stages.
        width: Width of the transformer, or channels of a ResNet's first stage.
        patch: Side of a transformer's patches in pixels; None for a ResNet.
        images: Total number of training pictures, repetitions included.
        rate: Peak learning rate.
        noise: Largest sigma of the Gaussian noise on training pictures, as a share of the pixel range.
        push: Largest L2 norm of the adversarial push on a picture with values in [0, 1]; 0 switches it off.
        reading: Share of the pictures that show only a written name; reading is learned slowly.
        pushed_from: Share of the training after which pictures are pushed; an earlier push slows the learning of
            shapes.
        side: Side of the pictures in pixels.
        text_width: Width of the text tower, a multiple of 64.
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
    side: int = SIZE
    text_width: int = 128


RECIPES = {
    "demo": TrainingRecipe(6, 192, 16, images=800_000, rate=1e-3, noise=0.35, push=0.0, reading=0.5),
    "demo-rn": TrainingRecipe((1, 2, 2, 1), 16, None, images=350_000, rate=3e-3, noise=0.35, push=4.0, reading=0.3),
    "plain": TrainingRecipe(6, 192, 16, images=800_000, rate=1e-3, noise=0.0, push=0.0, reading=0.5),
}
"""``demo`` and ``demo-rn`` are shipped; ``demo`` also goes through `ROUNDS`. ``plain`` is its plainly trained twin,
whose gradients draw noise."""

PHOTOS = {
    "photo": TrainingRecipe(
        (1, 2, 2, 1), 16, None, images=700_000, rate=2e-3, noise=0.4, push=4.5, reading=0.0, pushed_from=0.12
    ),
    "photo-small": TrainingRecipe(
        (1, 2, 2, 1), 16, None, images=450_000, rate=2e-3, noise=0.4, push=0.0, reading=0.0, side=96, text_width=64
    ),
}
"""Those of `clipdesk.demo.photos`. ``photo-small`` reads the pictures of ``photo``: it is not pushed, sees pictures at
another size, and has another text tower."""


@dataclass(frozen=True)
class TrainingRun:
    """One training of a round, in batches of 256; every picture is pushed from the start.

    Attributes:
        seed: Seed of the order of the pictures and of their noise.
        images: As in `TrainingRecipe`, like all other attributes.
    """

    seed: int
    images: int
    push: float
    rate: float
    reading: float = 0.5
    noise: float = 0.35


ROUNDS = (
    (
        TrainingRun(4, 793_000, push=4.0, rate=1e-3),
        TrainingRun(5, 803_000, push=6.0, rate=1e-3, reading=0.55),
        TrainingRun(8, 829_000, push=3.0, rate=1e-3, noise=0.45),
        TrainingRun(9, 843_000, push=4.5, rate=2e-3, reading=0.6),
    ),
    (
        TrainingRun(11, 214_000, push=5.0, rate=1e-3),
        TrainingRun(12, 214_000, push=7.0, rate=1e-3),
        TrainingRun(13, 215_000, push=4.5, rate=2e-3, reading=0.6),
        TrainingRun(14, 214_000, push=6.0, rate=2e-3, reading=0.55),
        TrainingRun(15, 215_000, push=4.0, rate=1e-3, noise=0.45),
    ),
)
"""The rounds that make ``demo``'s pictures clear: each run of a round begins with the mean of the previous round."""


def build_model(recipe: TrainingRecipe, words: int, seed: int) -> CLIP:
    """Build the untrained model; its vocabulary contains only the words that captions use."""
    torch.manual_seed(seed)
    model = CLIP(
        embed_dim=EMBEDDING,
        image_resolution=recipe.side,
        vision_layers=recipe.blocks,
        vision_width=recipe.width,
        vision_patch_size=recipe.patch,
        context_length=CONTEXT,
        vocab_size=words,
        transformer_width=recipe.text_width,
        transformer_heads=recipe.text_width // 64,
        transformer_layers=2,
    )
    # A CPU convolves fastest in this layout.
    return model if recipe.patch else model.to(memory_format=torch.channels_last)
