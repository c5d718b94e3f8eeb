"""Make the spectrum of drawn scenes, which is MACO's default: ``python -m clipdesk.demo.spectrum``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from clipdesk.render.maco import mean_magnitudes
from clipdesk.scenes.dataset import Kind, draw_scenes

SEED, SCENES = 5, 2_000


def main() -> None:
    """Draw scenes and write the mean magnitudes of their spectra, in float16."""
    path = Path("resources/spectra/scenes.npy")
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, mean_magnitudes(draw_scenes(SCENES, SEED, Kind.SEEN).images).astype(np.float16))


if __name__ == "__main__":
    main()
