import argparse
from pathlib import Path

import pytest
import torch

from clipdesk.demo import train
from clipdesk.demo.dataset import Kind, draw_scenes
from clipdesk.demo.export import export_state_dict, save_model, token_subset
from clipdesk.demo.scenes import COLOR_NAMES, SHAPE_NAMES
from clipdesk.models.loading import load_model, tokenize


def test_a_few_steps_lower_the_loss_and_the_file_opens_like_the_real_ones(tmp_path: Path) -> None:
    data, used = train.prepare(draw_scenes(16, 1, Kind.COMPOSED))
    trainer = train.Trainer(
        data, len(used), argparse.Namespace(seed=0, device="cpu", compile=False, rate=1.2e-3, start=None)
    )
    trainer.seen = 2_000  # past the first steps of the warm-up
    losses = [trainer.step(16, 100_000) for _ in range(6)]
    assert losses[-1] < losses[0]
    save_model(export_state_dict(trainer.state(), used, 0), tmp_path / "m.pt")
    model = load_model(tmp_path / "m.pt", "cpu")
    tokens = tokenize(["a red star"])
    trained = trainer.model.eval().encode_text(torch.searchsorted(used, tokens[:, :20].long()))
    assert torch.allclose(model.encode_text(tokens), trained, atol=0.02)


def test_words_that_training_never_used_are_random_but_repeatable() -> None:
    state = {"token_embedding.weight": torch.ones(2, 4), "positional_embedding": torch.ones(3, 4)}
    used = token_subset(torch.tensor([[7, 7], [49_407, 7]]))
    first, again = (export_state_dict(state, used, 5)["token_embedding.weight"] for _ in range(2))
    assert torch.equal(first, again)
    assert first.shape == (49_408, 4)
    assert torch.equal(first[[7, 49_407]], torch.ones(2, 4).half())
    assert first[8].std() > 0


def test_every_picture_a_caption_is_true_of_is_its_match() -> None:
    logits = torch.tensor([[9.0, 9.0], [-9.0, -9.0]])
    unseen = torch.zeros(2, 2, dtype=torch.bool)
    both = torch.tensor([[True, True], [False, False]])
    one = torch.tensor([[True, False], [False, True]])
    assert train.contrastive_loss(logits[:1], both[:1], unseen[:1]) < train.contrastive_loss(logits, one, unseen)


def test_pairs_that_are_held_out_are_no_wrong_answers() -> None:
    logits = torch.tensor([[1.0, 50.0], [0.0, 1.0]])
    match = torch.eye(2, dtype=torch.bool)
    unseen = torch.tensor([[False, True], [False, False]])
    assert train.contrastive_loss(logits, match, unseen) < 1
    assert train.contrastive_loss(logits, match, torch.zeros_like(unseen)) > 10
    assert train.held_out_pairs().shape == (len(SHAPE_NAMES), len(COLOR_NAMES))


@pytest.mark.parametrize("max_noise", [0.0, 0.5])
def test_noise_is_drawn_for_each_picture(max_noise: float) -> None:
    torch.manual_seed(0)
    pixels = train.augment(torch.full((64, 3, 32, 32), 0.5), max_noise)
    deviations = pixels.flatten(2).std(dim=2).mean(dim=1)
    assert deviations.max() <= max_noise * 1.1 + 1e-6
    assert float(deviations.std()) > (0.05 if max_noise else -1)


def test_a_caption_is_kept_out_where_it_would_teach_that_a_held_out_pair_is_wrong() -> None:
    """A caption that mentions a shape is no wrong answer for a thing of a colour that the shape is held out in."""
    shape, color = (int(i) for i in train.held_out_pairs().nonzero()[0])
    other_shape = next(s for s in range(len(SHAPE_NAMES)) if not train.held_out_pairs()[s, color])
    other_color = next(c for c in range(len(COLOR_NAMES)) if not train.held_out_pairs()[shape, c])
    nothing = [-1, -1, -1, -1]
    pictures = torch.tensor(
        [
            [[other_shape, color, 0, 0], nothing, nothing],
            [[shape, other_color, 0, 0], nothing, nothing],
            [[other_shape, other_color, 0, 0], [other_shape, color, 0, 0], nothing],
            [nothing, nothing, [-1, color, -1, 0]],
            [nothing, nothing, nothing],
        ]
    )
    captions = torch.tensor(
        [
            [[shape, -1, -1, -1], nothing],
            [[-1, color, -1, -1], nothing],
            [[-1, -1, 1, -1], [shape, -1, -1, -1]],
            [[-1, -1, 1, color], nothing],
            [nothing, nothing],
        ]
    )
    kept_out = train.kept_out(pictures, captions, train.held_out_pairs())
    assert kept_out.tolist() == [
        [True, False, True, False, False],
        [False, True, False, False, False],
        [True, False, True, False, False],
        [True, False, True, False, False],
        [False, False, False, False, False],
    ]


def test_training_can_begin_with_a_model_file() -> None:
    data, used = train.prepare(draw_scenes(16, 1, Kind.COMPOSED))
    options = {"device": "cpu", "compile": False, "rate": 1.2e-3}
    first = train.Trainer(data, len(used), argparse.Namespace(seed=0, start=None, **options))
    exported = export_state_dict(first.state(), used, 0)
    second = train.Trainer(data, len(used), argparse.Namespace(seed=1, start=Path("m.pt"), **options))
    assert not torch.allclose(second.projection, first.projection, atol=1e-3)
    second.begin_with(exported, used)
    begun = second.state()
    assert begun.keys() == first.state().keys()
    for name, value in first.state().items():
        assert torch.allclose(begun[name].float(), value.float(), atol=1e-3, rtol=1e-3), name
    # Strong noise from the first step on: these weights know it already.
    assert first.quiet_start
    assert not second.quiet_start
