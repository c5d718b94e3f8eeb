"""A small model with a survey of two of its layers, and another small model that reads beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from PIL import Image

from clipdesk.activations.checking.second import SecondReader
from clipdesk.activations.showing import ShownPictures
from clipdesk.activations.storing import all_surveys, open_survey
from clipdesk.activations.survey import Survey
from clipdesk.activations.surveying import survey_images
from clipdesk.imagesets.opening import open_image_set
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from tests.cli.surveys import LAYER, photos
from tests.conftest import small_resnet, small_vit

BEFORE = "visual.transformer.resblocks.0.mlp.gelu"


@dataclass(frozen=True, eq=False)
class Setting:
    """What pictures are checked with."""

    opened: OpenModel
    survey: Survey
    shown: ShownPictures
    reader: SecondReader

    def picture(self, index: int) -> Image.Image:
        found = self.shown.read(index)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """The models and the survey; made once for the tests of a file, which change nothing."""
    folder = tmp_path_factory.mktemp("checking")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPDESK_DATA", str(folder / "data"))
        for name, network in (("small", small_vit()), ("other", small_resnet())):
            state = {key: value.half() for key, value in network.state_dict().items()}
            torch.save(state, folder / f"{name}.pt")
        opened = open_model(folder / "small.pt", "cpu")
        images = open_image_set(photos(folder / "photos", count=64))
        list(survey_images(opened, images, [BEFORE, LAYER]))
        ((path, _),) = all_surveys()
        survey = open_survey(path)
        shown = ShownPictures(path, survey, opened.side)
        yield Setting(opened, survey, shown, SecondReader(open_model(folder / "other.pt", "cpu"), survey, shown.read))


def spot(path: Path) -> Path:
    """An image of one colour, as a file."""
    Image.new("RGB", (40, 40), (180, 40, 40)).save(path)
    return path
