"""Folders of photographs."""

from pathlib import Path

import numpy as np
from PIL import Image

COLORS = {"sky": (40, 90, 220), "ember": (220, 60, 30)}


def colored_photographs(folder: Path) -> Path:
    """Thirty photographs of each of two categories, which differ in colour, in a folder of this one."""
    rng = np.random.default_rng(0)
    for name, color in COLORS.items():
        (folder / "photos" / name).mkdir(parents=True)
        for i in range(30):
            pixels = np.clip(np.array(color) + rng.normal(0, 12, (48, 64, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "photos" / name / f"{i:02}.jpg")
    return folder / "photos"
