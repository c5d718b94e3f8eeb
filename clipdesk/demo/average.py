"""Average trained models' weights: ``python -m clipdesk.demo.average ONE.pt OTHER.pt --output BOTH.pt``.

Models that were fine-tuned from the same weights lie in one valley of the loss, and their mean is often better than
each of them (Wortsman et al. 2022, "Model soups", arXiv:2203.05482).
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from clipdesk.demo.export import save_model


def averaged(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of state dicts with the same names, shapes and types; integers are taken from the first.

    Raises:
        ValueError: the names or shapes differ.
    """
    first = states[0]
    shapes = [{name: value.shape for name, value in state.items()} for state in states]
    if any(other != shapes[0] for other in shapes):
        raise ValueError("only models of one architecture can be averaged")
    return {
        name: torch.stack([state[name].float() for state in states]).mean(dim=0).to(value.dtype)
        if value.is_floating_point()
        else value
        for name, value in first.items()
    }


@torch.no_grad()
def follow(mean: dict[str, Tensor], state: Mapping[str, Tensor], weight: float) -> None:
    """Move a running mean of weights towards the newest ones, in place; counters are copied.

    Args:
        mean: The mean of each tensor of a state dict.
        state: The newest tensors.
        weight: Share of the newest ones in the new mean, in [0, 1].
    """
    for name, value in state.items():
        if value.is_floating_point():
            mean[name].lerp_(value, weight)
        else:
            mean[name].copy_(value)


def main() -> None:
    """Parse the command line and average."""
    parser = argparse.ArgumentParser(prog="python -m clipdesk.demo.average", description="Average models' weights.")
    parser.add_argument("models", type=Path, nargs="+", help="model files of one architecture")
    parser.add_argument("--output", type=Path, required=True, help="model file to write")
    arguments = parser.parse_args()
    states = [torch.load(model, weights_only=True) for model in arguments.models]
    save_model(averaged(states), arguments.output)


if __name__ == "__main__":
    main()
