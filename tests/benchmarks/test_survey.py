import numpy as np
import pytest

from benchmarks import survey
from clipdesk.imagesets.opening import open_image_set


def test_a_survey_is_compared_with_a_direct_computation(capsys: pytest.CaptureFixture[str]) -> None:
    survey.exact(open_image_set("scenes:120"))
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["demo", "demo-rn"]
    for line in lines:
        apart = dict(part.rsplit(" ", 1) for part in line.partition(": ")[2].split(", "))
        assert set(apart) == {"mean", "sd", "min", "max", "cross", "top", "bottom", "fired"}
        assert all(float(value) < 1e-5 for value in apart.values())


def test_pictures_are_decoded_for_the_bare_pass() -> None:
    images = open_image_set("scenes:20")
    pixels = survey.decoded(images, 3, 64)
    assert (tuple(pixels.shape), str(pixels.dtype)) == ((3, 3, 64, 64), "torch.uint8")
    assert np.unique(pixels.numpy()).size > 10
