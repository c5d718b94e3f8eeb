"""The models that have a name. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from clipdesk.errors import UsageError, nearest
from clipdesk.paths import resource

SHOWPIECES = {
    "demo": ("visual.transformer.resblocks.4.mlp.gelu", 214),
    "demo-rn": ("visual.layer4.0", 152),
}
"""The embedded models, each with a layer and a unit of it to show first: one that draws something telling."""
EMBEDDED = "demo"
"""The one that is opened first."""


class Model(NamedTuple):
    """A named model: input side in pixels, embedding size, size of its file in MB, and what it is."""

    name: str
    input_size: int
    embedding: int
    megabytes: int
    description: str


# Figures of openai/CLIP (MIT); file sizes follow from the mix of number formats.
CATALOGUE: dict[str, Model] = {
    m.name: m
    for m in (
        Model("demo", 128, 128, 19, "embedded, vision transformer trained on drawn shapes, ready at once"),
        Model("demo-rn", 128, 128, 16, "embedded, ResNet trained on drawn shapes, ready at once"),
        Model("RN50", 224, 1024, 255, "OpenAI, ResNet-50"),
        Model("RN101", 224, 512, 290, "OpenAI, ResNet-101"),
        Model("RN50x4", 288, 640, 420, "OpenAI, ResNet, 4 x RN50's compute"),
        Model("RN50x16", 384, 768, 658, "OpenAI, ResNet, 16 x RN50's compute"),
        Model("RN50x64", 448, 1024, 1348, "OpenAI, ResNet, 64 x RN50's compute"),
        Model("ViT-B/32", 224, 512, 353, "OpenAI, vision transformer, base, patches of 32 px"),
        Model("ViT-B/16", 224, 512, 350, "OpenAI, vision transformer, base, patches of 16 px"),
        Model("ViT-L/14", 224, 768, 931, "OpenAI, vision transformer, large, patches of 14 px"),
        Model("ViT-L/14@336px", 336, 768, 932, "OpenAI, the same at 336 px"),
    )
}


def check_name(name_or_path: str) -> None:
    """Check that a model's name, or its file, is there.

    Raises:
        UsageError: there is neither; offers the nearest names.
    """
    if name_or_path in CATALOGUE or Path(name_or_path).is_file():
        return
    if Path(name_or_path).exists():
        raise UsageError(f"'{name_or_path}' is a folder. A model is named, or given as a checkpoint file")
    raise UsageError(f"There is no model or file '{name_or_path}'. {nearest(name_or_path, CATALOGUE, count=10)}")


def file_of(name: str) -> Path:
    """Where a named model's file is or will be: shipped with ClipDesk, or in the cache of the `clip` package."""
    if name in SHOWPIECES:
        return resource(f"models/{name}.pt")
    return Path.home() / ".cache" / "clip" / f"{name.replace('/', '-')}.pt"
