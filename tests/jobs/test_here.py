"""Here: opens a job's model, says how many pictures to take at once, and reads the job's files once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from clip.model import CLIP
from PIL import Image

from clipdesk.checksums import file_sha256
from clipdesk.errors import Cancelled
from clipdesk.imagesets.reading import decode_image
from clipdesk.jobs.events import Progress, Result
from clipdesk.jobs.executor import Hooks
from clipdesk.jobs.here import Here
from clipdesk.jobs.job import Job
from clipdesk.models.names import Checkpoint, Named
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import ModelPool, OtherWeightsError
from clipdesk.render.expressions import parse_target
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Target, Unit
from tests.conftest import VIT_LAYER
from tests.toy_work import Counting

UNITS = tuple(Unit(layer=VIT_LAYER, index=index) for index in range(6))


def job(path: Path, *targets: Target, device: str = "cpu") -> Job:
    settings = make_settings(iterations=2, views=1, device=device)
    return Job(model=Checkpoint(path), targets=targets or UNITS, settings=settings)


def test_a_model_is_opened_on_the_jobs_device(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def noted(device: str | torch.device) -> torch.device:
        if isinstance(device, str):
            asked.append(device)
        return torch.device("cpu")

    monkeypatch.setattr("clipdesk.jobs.here.usual_group", lambda *_: 3)
    monkeypatch.setattr("clipdesk.network.pool.resolve_device", noted)
    here = Here(ModelPool())
    prepared = [here.prepare(job(checkpoint, device=device), Hooks()) for device in ("cpu", "cuda:1", "cpu")]
    assert asked == ["cpu", "cuda:1", "cpu"]
    assert [each.weights for each in prepared] == [file_sha256(checkpoint)] * 3


@pytest.mark.parametrize(("most", "units"), [(0, 1), (1, 1), (2, 2), (4, 4), (9, 4)])
def test_a_group_is_as_large_as_fits_and_not_larger_than_the_caller_allows(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, most: int, units: int
) -> None:
    monkeypatch.setattr("clipdesk.jobs.here.usual_group", lambda *_: 4)
    assert Here(ModelPool(), most=lambda _job, _opened: most).prepare(job(checkpoint), Hooks()).units == units
    assert Here(ModelPool()).prepare(job(checkpoint), Hooks()).units == 4


def test_all_units_of_a_part_are_rendered_side_by_side(checkpoint: Path) -> None:
    here = Here(ModelPool())
    steps = [event for event in here.run(job(checkpoint).part([0, 3, 5]), Hooks()) if isinstance(event, Progress)]
    assert [event.targets for event in steps] == [(UNITS[0], UNITS[3], UNITS[5])] * 2


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the image files that are decoded."""
    names: list[str] = []

    def counted(data: bytes, path: Path) -> Image.Image:
        names.append(path.name)
        return decode_image(data, path)

    monkeypatch.setattr("clipdesk.render.sources.decode_image", counted)
    return names


def image(path: Path, seed: int) -> Target:
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(path)
    return parse_target(f"image:[{path}]")


def test_an_image_is_decoded_once_for_a_job_and_not_once_for_each_group(
    checkpoint: Path, tmp_path: Path, decoded: list[str]
) -> None:
    whole = job(checkpoint, image(tmp_path / "a.png", 0), UNITS[0], image(tmp_path / "b.png", 1), UNITS[1]).known()
    here = Here(ModelPool())
    here.prepare(whole, Hooks())
    for positions in ([0, 1], [2], [3]):
        assert sum(isinstance(event, Result) for event in here.run(whole.part(positions), Hooks())) == len(positions)
    assert sorted(decoded) == ["a.png", "b.png"]


def test_another_jobs_image_of_the_same_path_is_decoded_anew(
    checkpoint: Path, tmp_path: Path, decoded: list[str]
) -> None:
    here = Here(ModelPool())
    for seed in (0, 1):
        asked = job(checkpoint, image(tmp_path / "a.png", seed)).known()
        (result,) = (event for event in here.run(asked, Hooks()) if isinstance(event, Result))
        assert result.recipe.files == {str(tmp_path / "a.png"): file_sha256(tmp_path / "a.png")}
    assert decoded == ["a.png", "a.png"]


def test_a_given_network_is_used_for_every_job(vit: CLIP, tmp_path: Path) -> None:
    opened = OpenModel.of(vit, name=Named("demo"), sha256="d" * 64)
    here = Here(opened=opened)
    asked = job(tmp_path / "not-there.pt").part([0])
    assert here.prepare(asked, Hooks()).weights == "d" * 64
    (result,) = (event for event in here.run(asked, Hooks()) if isinstance(event, Result))
    assert result.recipe.weights == "d" * 64


def test_other_weights_than_the_jobs_are_refused(checkpoint: Path) -> None:
    with pytest.raises(OtherWeightsError):
        Here(ModelPool()).prepare(job(checkpoint).with_weights("e" * 64), Hooks())


def test_an_unwanted_model_is_not_opened(checkpoint: Path) -> None:
    with pytest.raises(Cancelled):
        Here(ModelPool()).prepare(job(checkpoint), Hooks(unwanted=lambda: True))


def test_another_kind_of_work_is_refused() -> None:
    with pytest.raises(TypeError, match="work of the kind counting is not done here"):
        Here(ModelPool()).prepare(Counting(model=Named("demo"), pages=("a",)), Hooks())
