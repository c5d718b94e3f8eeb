"""The training of ``photo``."""

from pathlib import Path

import clip
import pytest
import torch
from clip.model import CLIP

from clipdesk.demo import evaluate
from clipdesk.demo.export import export_state_dict
from clipdesk.demo.photographs import Photographs, read_photographs
from clipdesk.demo.photos import PhotoTrainer, named_share, parsed, train
from clipdesk.demo.pictures import PUSHES
from clipdesk.demo.recipes import PHOTOS
from tests.demo.folders import colored_photographs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photographs of two categories, which differ in colour."""
    return colored_photographs(tmp_path)


def test_the_kept_weights_are_a_mean_that_follows_the_trained_ones(folder: Path) -> None:
    trainer = PhotoTrainer(read_photographs(folder)[0], PHOTOS["photo"], 0, 1_000, torch.device("cpu"))
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


def test_a_new_text_tower_tells_captions_apart_by_more_than_they_share(folder: Path) -> None:
    trainer = PhotoTrainer(read_photographs(folder)[0], PHOTOS["photo-small"], 0, 1_000, torch.device("cpu"))
    with torch.no_grad():
        ember, sky = (trainer.model.encode_text(prompts) for prompts in trainer.prompts.transpose(0, 1))
    assert torch.cat([ember, sky]).mean(dim=0).abs().max() < 1e-4 * ember.norm(dim=1).min()


def test_a_smaller_network_begins_with_the_vision_of_a_larger_one(folder: Path) -> None:
    photographs = read_photographs(folder)[0]
    large, small = (
        PhotoTrainer(photographs, PHOTOS[name], seed, 1_000, torch.device("cpu"))
        for seed, name in enumerate(("photo", "photo-small"))
    )
    before = {name: value.clone() for name, value in small.model.state_dict().items()}
    small.begin_with(export_state_dict(large.model.state_dict(), large.used, 0))
    now, old = small.model.state_dict(), large.model.state_dict()
    assert torch.allclose(now["visual.layer4.0.conv1.weight"], old["visual.layer4.0.conv1.weight"], atol=1e-3)
    assert torch.equal(now["token_embedding.weight"], before["token_embedding.weight"])
    # Of a map of 4 x 4 places one of 3 x 3: the corners stay.
    places = "visual.attnpool.positional_embedding"
    assert torch.allclose(now[places][[0, 1, 3, 9]], old[places][[0, 1, 4, 16]], atol=1e-3)
    assert torch.equal(small.mean[places], now[places])
    assert torch.isfinite(small.model.encode_image(torch.zeros(1, 3, 96, 96))).all()


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
