from pathlib import Path

import clip
import numpy as np
import pytest
import torch
from clip.model import CLIP
from PIL import Image

from clipdesk.demo import evaluate
from clipdesk.demo.photos import Photographs, PhotoTrainer, named_share, parsed, read_photographs, said, train
from clipdesk.demo.pictures import PUSHES
from clipdesk.demo.recipes import PHOTO

COLORS = {"sky": (40, 90, 220), "ember": (220, 60, 30)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Thirty photographs of each of two categories, which differ in colour."""
    rng = np.random.default_rng(0)
    for name, color in COLORS.items():
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(30):
            pixels = np.clip(np.array(color) + rng.normal(0, 12, (48, 64, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i:02}.jpg")
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("grand_piano", "a grand piano"),
        ("Anchor", "an anchor"),
        ("airplanes", "airplanes"),
        ("octopus", "an octopus"),
        ("cactus", "a cactus"),
        ("windsor_chair", "a windsor chair"),
    ],
)
def test_a_category_is_said_with_the_article_it_needs(name: str, words: str) -> None:
    assert said(name) == words


def test_the_same_photographs_are_kept_apart_when_others_come_and_go(folder: Path) -> None:
    before, apart = read_photographs(folder)
    assert len(before.images) + len(apart.images) == 60
    assert 1 <= len(apart.images) <= 15
    assert before.images.shape[1:] == (160, 160, 3)
    assert before.categories == ("an ember", "a sky")
    # Half of them go: of the others, the same ones are kept apart.
    for name in COLORS:
        for i in range(15):
            (folder / name / f"{i:02}.jpg").unlink()
    kept = {image.tobytes() for image in apart.images}
    train_on, still = read_photographs(folder)
    assert {image.tobytes() for image in still.images} <= kept
    assert not {image.tobytes() for image in train_on.images} & kept


def test_the_pictures_of_a_batch_are_mixed_with_their_categories(folder: Path) -> None:
    trainer = PhotoTrainer(read_photographs(folder)[0], PHOTO, 0, 1_000, torch.device("cpu"))
    pixels, truth = trainer._next(16)
    assert pixels.shape == (16, 3, 128, 128)
    assert torch.allclose(truth.sum(dim=1), torch.ones(16))
    # Redder than blue by as much as the share of embers says, within the noise of the colours.
    redness = (pixels[:, 0] - pixels[:, 2]).mean(dim=(1, 2))
    assert float(torch.corrcoef(torch.stack([redness, truth[:, 0]]))[0, 1]) > 0.8


def test_the_kept_weights_are_a_mean_that_follows_the_trained_ones(folder: Path) -> None:
    trainer = PhotoTrainer(read_photographs(folder)[0], PHOTO, 0, 1_000, torch.device("cpu"))
    name = "visual.conv1.weight"
    trainer.step(4)  # the rate rises from zero
    first = trainer.mean[name].clone()
    trainer.step(4)
    now = trainer.model.state_dict()[name]
    assert not torch.equal(now, first)
    assert torch.allclose(trainer.mean[name], torch.lerp(first, now, 0.1))


def test_a_training_goes_on_where_it_was_left(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [str(folder), "--work-dir", str(tmp_path / "run"), "--batch", "4", "--report-every", "1"]
    train(parsed([*words, "--images", "8"]))
    seen = torch.load(tmp_path / "run" / "state.pt", weights_only=True)["seen"]
    assert seen >= 8
    capsys.readouterr()
    train(parsed([*words, "--images", str(seen + 4)]))
    report = capsys.readouterr().out
    steps = [1, 1 + PUSHES]  # without and with pushed copies
    assert any(f'"images": {seen + 4 * times},' in report for times in steps)
    assert '"images": 4,' not in report


@pytest.fixture
def sorter(resnet: CLIP, monkeypatch: pytest.MonkeyPatch) -> CLIP:
    """A CLIP that sees only whether a picture is red or blue, and knows the two categories by it."""
    ember = clip.tokenize(["a photo of an ember"])[0]

    def encode_text(tokens: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.tensor([1.0, 0.0] if torch.equal(t, ember) else [0.0, 1.0]) for t in tokens])

    def encode_image(pixels: torch.Tensor) -> torch.Tensor:
        return pixels[:, [0, 2]].mean(dim=(2, 3))

    monkeypatch.setattr(resnet, "encode_text", encode_text)
    monkeypatch.setattr(resnet, "encode_image", encode_image)
    return resnet


def test_a_photograph_is_named_if_its_own_category_is_nearest(sorter: CLIP, folder: Path) -> None:
    every = read_photographs(folder)[0]
    assert named_share(sorter, every) == 1
    labels = every.labels.copy()
    labels[:10] = 1 - labels[:10]
    wrong = Photographs(every.images, labels, every.categories)
    assert named_share(sorter, wrong) == pytest.approx(1 - 10 / len(labels))


def test_the_command_says_how_many_photographs_are_named_under_each_noise(
    sorter: CLIP, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(evaluate, "load_model", lambda name: sorter)
    monkeypatch.setattr("sys.argv", ["evaluate", "--model", "photo.pt", "--photographs", str(folder)])
    evaluate.main()
    lines = capsys.readouterr().out.splitlines()
    count = len(read_photographs(folder)[1].images)
    assert lines[0] == f"| noise (sigma) | named, of {count} in 2 categories |"
    assert lines[2:] == ["| none | 100.0 % |", "| 0.25 | 100.0 % |", "| 0.40 | 100.0 % |"]
