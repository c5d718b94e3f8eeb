"""The models that have a name. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from clipdesk.paths import resource

SHOWPIECES = {
    "demo": ("visual.transformer.resblocks.5.mlp.gelu", 556),
    "demo-rn": ("visual.layer4", 400),
    "photo": ("visual.layer4", 325),
    "photo-small": ("visual.layer4", 133),
}
"""The embedded models, each with a layer and a unit of it to show first: hearts, hearts, a tree and sunflowers."""
OF_SCENES = ("demo", "demo-rn")
"""The embedded models that have seen drawn scenes and nothing else."""
CONCEPTS = {"photo": "photo", "photo-small": "photo", **dict.fromkeys(OF_SCENES, "scenes")}
"""The lists of concepts that have the words which the embedded models have learnt."""
EMBEDDED = "demo"
"""The one that is opened first."""

_ADDRESS = "https://openaipublic.azureedge.net/clip/models/{sha256}/{file}"
"""Where OpenAI's files are; the `clip` package takes them from there too."""


class Model(NamedTuple):
    """A named model.

    Attributes:
        name: As it is asked for.
        input_size: Side of its input, in pixels.
        embedding: Numbers in its embedding.
        megabytes: Size of its file in MB (10^6 bytes), rounded.
        description: What it is.
        sha256: Of its file, in hexadecimal digits; empty for one that is shipped with ClipDesk.
        licence: That of its weights, by SPDX's name.
    """

    name: str
    input_size: int
    embedding: int
    megabytes: int
    description: str
    sha256: str = ""
    licence: str = "MIT"

    @property
    def file(self) -> str:
        """Name of its file."""
        return f"{self.name.replace('/', '-').replace('@', '-')}.pt"

    @property
    def address(self) -> str | None:
        """Where its file is on the web; None for one that is shipped with ClipDesk."""
        return _ADDRESS.format(sha256=self.sha256, file=self.file) if self.sha256 else None


_SHA256 = {
    "RN50": "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762",
    "RN101": "8fa8567bab74a42d41c5915025a8e4538c3bdbe8804a470a72f30b0d94fab599",
    "RN50x4": "7e526bd135e493cef0776de27d5f42653e6b4c8bf9e0f653bb11773263205fdd",
    "RN50x16": "52378b407f34354e150460fe41077663dd5b39c54cd0bfd2b27167a4a06ec9aa",
    "RN50x64": "be1cfb55d75a9666199fb2206c106743da0f6468c9d327f3e0d0a543a9919d9c",
    "ViT-B/32": "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af",
    "ViT-B/16": "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f",
    "ViT-L/14": "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836",
    "ViT-L/14@336px": "3035c92b350959924f9f00213499208652fc7ea050643e8b385c2dac08641f02",
}

# Figures of openai/CLIP (MIT); file sizes follow from the mix of number formats.
CATALOGUE: dict[str, Model] = {
    m.name: m._replace(sha256=_SHA256.get(m.name, ""))
    for m in (
        Model("demo", 128, 128, 19, "embedded, vision transformer trained on drawn shapes, ready at once"),
        Model("demo-rn", 128, 128, 16, "embedded, ResNet trained on drawn shapes, ready at once"),
        Model("photo", 128, 128, 16, "embedded, ResNet trained on photographs of 96 categories, ready at once"),
        Model("photo-small", 96, 128, 10, "embedded, small ResNet of the same photographs, ready at once"),
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


def file_of(name: str) -> Path:
    """Where a named model's file is or will be: shipped with ClipDesk, or in the cache of the `clip` package."""
    if name in SHOWPIECES:
        return resource(f"models/{name}.pt")
    return Path.home() / ".cache" / "clip" / CATALOGUE[name].file
