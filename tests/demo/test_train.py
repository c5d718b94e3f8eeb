from dataclasses import replace
from pathlib import Path

import pytest
import torch

from clipdesk.demo import train
from clipdesk.demo.export import export_state_dict, save_model, token_subset
from clipdesk.demo.pictures import PUSHES
from clipdesk.demo.recipes import RECIPES
from clipdesk.models.loading import load_model
from clipdesk.models.texts import tokenize
from clipdesk.scenes.dataset import Kind, Scenes, draw_scenes

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def drawn() -> tuple[Scenes, Scenes]:
    return draw_scenes(16, 1, Kind.COMPOSED), draw_scenes(8, 1, Kind.NAMES)


@pytest.mark.parametrize("name", list(RECIPES))
def test_a_few_steps_lower_the_loss_and_the_file_opens_like_openais(
    name: str, drawn: tuple[Scenes, Scenes], tmp_path: Path
) -> None:
    data, used = train.prepare(*drawn)
    trainer = train.Trainer(data, len(used), RECIPES[name], 0, CPU)
    trainer.seen = 5_000  # past the first steps of the warm-up
    losses = [trainer.step(16, 100_000) for _ in range(6)]
    assert losses[-1] < losses[0]
    save_model(export_state_dict(trainer.model.state_dict(), used, 0), tmp_path / "m.pt")
    assert (tmp_path / "m.pt").stat().st_size <= 25e6
    model = load_model(tmp_path / "m.pt", "cpu")
    trained, tokens = trainer.model.eval(), tokenize(["a red star"])
    texts = trained.encode_text(torch.searchsorted(used, tokens[:, :24].long()))
    assert torch.allclose(model.encode_text(tokens), texts, atol=0.02)
    pixels = torch.rand(2, 3, 128, 128)
    assert torch.allclose(model.encode_image(pixels), trained.encode_image(pixels), atol=0.05)


def test_pushed_pictures_are_shown_when_the_recipe_says_so(drawn: tuple[Scenes, Scenes]) -> None:
    data, used = train.prepare(*drawn)
    for name, times in (("demo-rn", 1 + PUSHES), ("plain", 1)):
        trainer = train.Trainer(data, len(used), RECIPES[name], 0, CPU)
        trainer.step(16, 100)
        assert trainer.seen == 16, "not at first"
        trainer.seen = 80
        trainer.step(16, 100)
        assert trainer.seen == 80 + times * 16


def test_the_recipe_sets_the_share_of_lone_names(drawn: tuple[Scenes, Scenes]) -> None:
    data, used = train.prepare(*drawn)
    for share in (0.25, 0.5):
        trainer = train.Trainer(data, len(used), replace(RECIPES["demo"], reading=share), 0, CPU)
        assert trainer.chances.sum() == pytest.approx(1.0)
        assert trainer.chances[16:].sum() == pytest.approx(share)


@pytest.mark.parametrize("name", ["demo", "demo-rn"])
def test_training_can_begin_with_a_model_file_and_go_on_after_a_break(name: str, drawn: tuple[Scenes, Scenes]) -> None:
    data, used = train.prepare(*drawn)
    first = train.Trainer(data, len(used), RECIPES[name], 0, CPU)
    first.seen = 30_000
    first.step(16, 100_000)
    begun = train.Trainer(data, len(used), RECIPES[name], 1, CPU, begun=True)
    begun.begin_with(export_state_dict(first.model.state_dict(), used, 0), used)
    resumed = train.Trainer(data, len(used), RECIPES[name], 1, CPU)
    resumed.resume(first.state())
    assert resumed.seen == first.seen
    for other, tolerance in ((begun, 1e-3), (resumed, 0.0)):
        state = other.model.state_dict()
        for key, value in first.model.state_dict().items():
            assert torch.allclose(state[key].float(), value.float(), atol=tolerance, rtol=tolerance), key
    assert first.step(16, 100_000) > 0
    assert resumed.step(16, 100_000) > 0


def test_words_that_training_never_used_are_random_but_repeatable() -> None:
    state = {"token_embedding.weight": torch.ones(2, 4), "positional_embedding": torch.ones(3, 4)}
    used = token_subset(torch.tensor([[7, 7], [49_407, 7]]))
    first, again = (export_state_dict(state, used, 5)["token_embedding.weight"] for _ in range(2))
    assert torch.equal(first, again)
    assert first.shape == (49_408, 4)
    assert torch.equal(first[[7, 49_407]], torch.ones(2, 4).half())
    assert first[8].std() > 0
