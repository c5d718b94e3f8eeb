"""Judges of photographs, and what they name in pictures of a CLIP that saw photographs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from clip.model import CLIP

from benchmarks.judges.networks import save_judge
from benchmarks.photographs import __main__ as command
from benchmarks.photographs import judges
from benchmarks.photographs.answers import HEADINGS, Answers, measure, rows, side_by_side
from benchmarks.photographs.checked import checked
from benchmarks.photographs.judges import MAKES, named, train_judge
from benchmarks.photographs.questions import Question, at_size, text_questions, unit_questions
from benchmarks.quality.answers import place_of
from benchmarks.quality.methods import Preset
from benchmarks.quality.report import write_section
from clipdesk.activations.questions.concepts import concepts_of
from clipdesk.demo.photographs import Photographs, read_photographs
from clipdesk.jobs.visualizer import FeatureVisualizer
from clipdesk.network.pool import open_model
from clipdesk.render.presets import DEFAULT_PRESET
from clipdesk.render.targets import Text, Unit
from tests.demo.folders import COLORS, colored_photographs


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Photographs, Photographs]:
    """Photographs of two categories, which differ in colour, and those kept apart."""
    return read_photographs(colored_photographs(tmp_path_factory.mktemp("read")))


@pytest.mark.parametrize("name", list(MAKES))
def test_a_judge_learns_what_tells_categories_apart(
    name: str, read: tuple[Photographs, Photographs], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judges, "MEAN_WEIGHT", 0.3)
    monkeypatch.setattr(judges, "BATCH", 16)
    photographs, apart = read
    torch.manual_seed(0)
    judge = MAKES[name](2)
    train_judge(judge, photographs, 16 * 16, seed=0)
    assert (named(judge, apart.images) == apart.labels).mean() > 0.9
    assert (named(judge, apart.images, noise=0.1) == apart.labels).mean() > 0.7
    monkeypatch.setattr(judges, "weights_file", lambda name: tmp_path / f"{name}.pt")
    save_judge(judge, judges.weights_file(name))
    assert (named(judges.load_judge(name), apart.images) == named(judge, apart.images)).all()


def test_each_category_is_asked_for_by_its_prompt() -> None:
    asked = text_questions(("an anchor", "airplanes"))
    assert [question.target for question in asked] == [
        Text(text="a photo of an anchor"),
        Text(text="a photo of airplanes"),
    ]
    assert [question.category for question in asked] == [0, 1]


def test_units_are_chosen_by_how_well_they_tell_a_category(resnet: CLIP, read: tuple[Photographs, Photographs]) -> None:
    asked = unit_questions(resnet, *read, 4)
    assert len({question.target for question in asked}) == len(asked) == 4
    assert max(sum(question.category == category for question in asked) for category in (0, 1)) <= 3
    assert min(question.auc for question in asked) > 0.9, "colours are easily told apart"


def pictures(folder: Path, name: str, colors: list[str], seconds: float) -> Path:
    """A file of pictures, each of one of the colours."""
    images = np.stack([np.full((64, 64, 3), COLORS[color], np.uint8) for color in colors])
    np.savez(folder / f"{name}.npz", places=list(range(len(colors))), images=images, seconds=seconds)
    return folder / f"{name}.npz"


class Redness(torch.nn.Module):
    """A judge that sees an ember in red pictures and a sky in others."""

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels[:, [0, 2]].mean(dim=(2, 3))


@pytest.fixture
def two(
    resnet: CLIP, read: tuple[Photographs, Photographs], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[Answers]:
    """The default, which shows both categories, and another method, which shows two skies."""
    monkeypatch.setattr("benchmarks.photographs.answers.load_judge", lambda name: Redness())
    asked, side = text_questions(("an ember", "a sky")), resnet.visual.input_resolution
    photographs = at_size(read[1], side)
    reached = np.full((len(photographs), 2), 0.1, np.float32)
    ways = {DEFAULT_PRESET: ["ember", "sky"], "other": ["sky", "sky"]}
    return [
        measure(resnet, name, [pictures(tmp_path, name, colors, 2.0)], asked, reached, photographs)
        for name, colors in ways.items()
    ]


def test_pictures_count_if_the_judges_name_their_category(two: list[Answers]) -> None:
    assert [each.lowest() for each in two] == [1, 0.5]
    assert two[1].right["full"] == {0: 0.0, 1: 1.0}
    table = rows(two)
    assert table[0] == HEADINGS
    assert table[2][:6] == ["other", "2", "50 %", "50 %", "50 %", "50 %"]
    line = next(line for line in side_by_side(two) if "other" in line)
    assert line == "| other | 2 | 50 % | 100 % | 2.00 | 2.0 | 2.0 |"


def test_a_section_takes_the_place_of_the_one_before(two: list[Answers], tmp_path: Path) -> None:
    report = tmp_path / "quality.md"
    of_units = f"### {command.TITLES['unit']}\n\nUnits of another day.\n"
    old = f"## `photo`\n\nOld.\n\n### {command.TITLES['text']}\n\nOlder.\n\n{of_units}"
    report.write_text(f"# Title\n\nWords.\n\n## `demo`\n\nKept.\n\n{old}", "utf-8")
    (tmp_path / "images").mkdir()
    lines = command.section("photo", ["Words."], {"text": two, "unit": []}, report)
    write_section("photo", "\n".join(lines), report)
    text = report.read_text("utf-8")
    assert text.startswith("# Title\n\nWords.\n\n## `demo`\n\nKept.\n")
    assert "Old." not in text
    assert "Older." not in text
    assert text.endswith(f"\n\n{of_units}"), "no pictures of units, so what was said of them stays"
    assert "| other | 2 |" in text
    assert (tmp_path / "images" / "quality-photo-text.webp").exists()


def test_two_judges_that_are_no_clips_name_what_photo_was_asked_for() -> None:
    """With few steps; docs/quality.md has all categories."""
    listed = concepts_of("photo")
    visualizer = FeatureVisualizer("photo", device="cpu")
    asked = ("chandelier", "pyramid", "starfish")
    pictures = [np.asarray(visualizer.generate(f'"a photo of a {each}"', iterations=36)) for each in asked]
    for name in MAKES:
        found = [listed[place] for place in named(judges.load_judge(name), np.stack(pictures))]
        assert sum(there == each for there, each in zip(found, asked, strict=True)) >= 2, (name, found)


def test_the_check_is_measured_on_pictures_that_were_rendered(
    checkpoint: Path,
    read: tuple[Photographs, Photographs],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("benchmarks.photographs.checked.load_judge", lambda name: Redness())
    opened, way = open_model(checkpoint, "cpu"), Preset(DEFAULT_PRESET)
    asked = {
        "text": text_questions(("an ember", "a sky")),
        "unit": [Question(Unit(layer="visual.transformer.resblocks.0.mlp.gelu", index=2), 0)],
    }
    place = place_of(tmp_path / "pictures", str(opened.name), way)
    place.mkdir(parents=True)
    pictures(place, "text-0", ["ember", "ember"], 1.0)
    pictures(place, "unit-0", ["ember"], 1.0)
    found = checked(opened, colored_photographs(tmp_path), asked, [way], tmp_path / "pictures", 10)
    assert found.right.tolist() == [True, False, True]
    assert found.texts.tolist() == [True, True, False]
    assert len(found.checks) == len(found.numbers["score"]) == 3
