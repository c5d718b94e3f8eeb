from pathlib import Path

import numpy as np
import pytest

from clipdesk.demo import spectrum
from clipdesk.render.maco import scene_magnitudes


def test_the_shipped_spectrum_is_that_of_the_scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(spectrum, "SCENES", 100)
    spectrum.main()
    made = np.load("resources/spectra/scenes.npy").astype(np.float32)
    shipped = scene_magnitudes().numpy()
    assert made.shape == shipped.shape
    # Made from fewer scenes, so it is similar, not equal.
    assert np.corrcoef(np.log(made).ravel(), np.log(shipped).ravel())[0, 1] > 0.98
