import torch

from clipdesk.demo import losses
from clipdesk.scenes.captions import FACTORS
from clipdesk.scenes.scenes import COLOR_NAMES, SHAPE_NAMES


def test_a_caption_matches_every_picture_for_which_it_is_true() -> None:
    logits = torch.tensor([[9.0, 9.0], [-9.0, -9.0]])
    unseen = torch.zeros(2, 2, dtype=torch.bool)
    both = torch.tensor([[True, True], [False, False]])
    one = torch.tensor([[True, False], [False, True]])
    assert losses.contrastive_loss(logits[:1], both[:1], unseen[:1]) < losses.contrastive_loss(logits, one, unseen)


def test_held_out_pairs_are_not_wrong_answers() -> None:
    logits = torch.tensor([[1.0, 50.0], [0.0, 1.0]])
    match = torch.eye(2, dtype=torch.bool)
    unseen = torch.tensor([[False, True], [False, False]])
    assert losses.contrastive_loss(logits, match, unseen) < 1
    assert losses.contrastive_loss(logits, match, torch.zeros_like(unseen)) > 10
    assert losses.held_out_pairs().shape == (len(SHAPE_NAMES), len(COLOR_NAMES))


def test_a_caption_is_kept_out_where_it_would_teach_that_a_held_out_pair_is_wrong() -> None:
    """A caption that mentions a shape is not a wrong answer for a thing in a colour that is held out for the shape."""
    shape, color = (int(i) for i in losses.held_out_pairs().nonzero()[0])
    other_shape = next(s for s in range(len(SHAPE_NAMES)) if not losses.held_out_pairs()[s, color])
    other_color = next(c for c in range(len(COLOR_NAMES)) if not losses.held_out_pairs()[shape, c])
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
    kept_out = losses.kept_out(pictures, captions, losses.held_out_pairs())
    assert kept_out.tolist() == [
        [True, False, True, False, False],
        [False, True, False, False, False],
        [True, False, True, False, False],
        [True, False, True, False, False],
        [False, False, False, False, False],
    ]


def test_a_factor_that_is_not_shown_adds_nothing_to_the_naming_loss() -> None:
    """With two objects either name is right; held-out pairs are not wrong answers; a word has no texture."""
    nothing = [-1, -1, -1, -1]
    things = torch.tensor([[[0, 0, 0, 0], [1, 1, 1, 0], nothing], [nothing, nothing, [2, 2, -1, 3]]])
    sure = torch.full((2, sum(map(len, FACTORS.values()))), -50.0)
    starts = [0, 16, 28, 32]
    for picture, values in ((0, [0, 0, 0, 0]), (0, [1, 1, 1, 0]), (1, [2, 2, 0, 3])):
        for start, value in zip(starts, values, strict=True):
            sure[picture, start + value] = 50.0
    none_held_out = torch.zeros(len(SHAPE_NAMES), len(COLOR_NAMES), dtype=torch.bool)
    right = losses.naming_loss(sure, things, none_held_out)
    # Two names of equal truth cost the entropy of a coin; where there is one, nothing.
    coin = torch.tensor(2.0).log()
    expected = (losses.WEIGHTS["shape"] + losses.WEIGHTS["color"]) * coin / 2 + losses.WEIGHTS["texture"] * coin
    assert torch.isclose(right, expected, atol=1e-4)
    wrong = sure.clone()
    wrong[1, 5] = 60.0
    assert losses.naming_loss(wrong, things, none_held_out) > right + 1
    held_out = none_held_out.clone()
    held_out[5, 2] = True  # shape 5 in the word's colour
    assert torch.isclose(losses.naming_loss(wrong, things, held_out), expected, atol=1e-4)
