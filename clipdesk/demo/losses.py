"""The losses of the embedded models: match pictures with all captions that are true of them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from clipdesk.scenes.captions import FACTORS, NO_WORD, UNSAID
from clipdesk.scenes.scenes import COLOR_NAMES, SHAPE_NAMES, is_held_out

WEIGHTS = {"shape": 2.5, "color": 0.5, "texture": 1.0, "background": 0.15}
"""Weight of each factor's prompts and head; shapes are the hardest to learn."""
_RULED_OUT = -1e4
"""A logit with a probability of zero that is finite in float32."""


def contrastive_loss(logits: Tensor, match: Tensor, unseen: Tensor) -> Tensor:
    """Cross-entropy in both directions, with each row's probability spread evenly over its matches.

    Args:
        logits: Similarity of every picture with every caption, (pictures, captions).
        match: True if the caption is true of the picture, (pictures, captions).
        unseen: Pairs to leave out; see `held_out_pairs`.
    """
    target = match.float()
    logits = logits.masked_fill(unseen & ~match, _RULED_OUT)
    to_text = F.cross_entropy(logits, target / target.sum(1, keepdim=True))
    to_image = F.cross_entropy(logits.T, target.T / target.T.sum(1, keepdim=True))
    return (to_text + to_image) / 2


def held_out_pairs() -> Tensor:
    """The held-out shape x colour pairs, (shapes, colours), bool.

    Such a pair must not count as a wrong answer in training either. If red hearts are held out, "a heart" would be
    wrong for every picture of a red thing, and the model would learn that red things are never hearts.
    """
    return torch.tensor([[is_held_out(shape, color) for color in COLOR_NAMES] for shape in SHAPE_NAMES])


def true_captions(things: Tensor, words: Tensor, specs: Tensor, says: Tensor) -> Tensor:
    """The captions that are true of each picture, (pictures, captions), bool.

    A caption is true if the picture has, for each thing in the caption, a thing with all the factors that the caption
    mentions, and if the word that the caption says is written, if any, is written in the picture.

    Args:
        things: Factors of the pictures' things, -1 for none, (pictures, things, 4).
        words: The written word, (pictures,).
        specs: Factors that the captions mention, -1 for none, (captions, specs, 4).
        says: The word that the captions say is written, -1 for none, (captions,).
    """
    fits = (things[:, None, None] == specs[None, :, :, None]) | (specs[None, :, :, None] == UNSAID)
    described = fits.all(dim=-1).any(dim=-1).all(dim=-1)
    return described & ((words[:, None] == says[None]) | (says[None] == NO_WORD))


def kept_out(things: Tensor, specs: Tensor, held_out: Tensor) -> Tensor:
    """The captions that must not count as wrong for a picture, (pictures, captions); see `held_out_pairs`.

    Args:
        things: See `true_captions`.
        specs: See `true_captions`.
        held_out: The result of `held_out_pairs`.
    """
    # An index of -1 takes the last row, which is False for all pairs.
    table = F.pad(held_out, (0, 1, 0, 1))
    shapes, colors = things[:, None, :, None, 0], things[:, None, :, None, 1]
    said_shapes, said_colors = specs[None, :, None, :, 0], specs[None, :, None, :, 1]
    return (table[shapes, said_colors] | table[said_shapes, colors]).any(dim=-1).any(dim=-1)


def naming_loss(guesses: Tensor, things: Tensor, held_out: Tensor) -> Tensor:
    """Cross-entropy of the names of each factor; with two objects, either name is right.

    Args:
        guesses: One logit per value of each factor, in the order of `FACTORS`, (pictures, 44).
        things: See `true_captions`.
        held_out: The result of `held_out_pairs`.
    """
    table = F.pad(held_out, (0, 1, 0, 1))
    ruled_out = {
        "shape": table.T[things[..., 1]].any(dim=1)[:, :-1],
        "color": table[things[..., 0]].any(dim=1)[:, :-1],
    }
    loss = torch.zeros((), device=guesses.device)
    parts = torch.split(guesses, [len(values) for values in FACTORS.values()], dim=1)
    for column, (guess, (factor, values)) in enumerate(zip(parts, FACTORS.items(), strict=True)):
        truth = F.one_hot(things[..., column] + 1, len(values) + 1)[..., 1:].amax(dim=1).float()
        if factor in ruled_out:
            guess = guess.masked_fill(ruled_out[factor] & (truth == 0), _RULED_OUT)
        rows = truth.sum(dim=1) > 0
        truth = truth[rows] / truth[rows].sum(dim=1, keepdim=True)
        loss = loss + WEIGHTS[factor] * F.cross_entropy(guess[rows], truth)
    return loss
