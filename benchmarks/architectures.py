"""Open each of open_clip's architectures as a plain file, without its name: ``python -m benchmarks.architectures``.

A file of weights does not say which network they are of. Each architecture that can be built offline must either open
as the very network, or be refused with its name. Prints one line for each and the share that is right; anything but
100 % ends with exit code 1.

Weights are random. All are looked at by their names and shapes, which take no memory; those that open and have at most
`--millions` of weights are saved, opened as a file, and compared by their embeddings, with the activation that the
architecture has: no file says that, so ClipDesk says which it takes, and it can be asked for.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import NamedTuple, cast

import open_clip
import torch
from torch import Tensor, nn

from clipdesk.models.architectures import own_log, shapes_of
from clipdesk.models.checks import NotAState
from clipdesk.models.loading import load_model
from clipdesk.models.package import CLIP
from clipdesk.models.states import Content, network_of
from clipdesk.network.inspector import input_side

_HUGE = 2**60


class Outcome(NamedTuple):
    """What became of an architecture's weights.

    Attributes:
        right: Whether it is what it should be; None where the architecture cannot be built here.
        words: What happened.
    """

    right: bool | None
    words: str


def main() -> None:
    """Go through the architectures, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.architectures", description="Plain files of open_clip.")
    parser.add_argument("names", nargs="*", help="architectures; by default all")
    parser.add_argument("--millions", type=float, default=200, help="largest network that is built with weights")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable()
    found: Counter[bool | None] = Counter()
    for name in arguments.names or open_clip.list_models():
        outcome = outcome_of(name, arguments.millions)
        found[outcome.right] += 1
        mark = {True: "right", False: "WRONG", None: "-"}[outcome.right]
        print(f"{mark:5}  {name:36}  {outcome.words}", flush=True)
    count = found[True] + found[False]
    share = 100 * found[True] / max(1, count)
    print(f"{found[True]} of {count} architectures right: {share:.1f} %; {found[None]} cannot be built here")
    sys.exit(1 if found[False] else 0)


def outcome_of(name: str, most_millions: float = 200) -> Outcome:
    """What becomes of an architecture's weights in a plain file.

    Args:
        name: open_clip's name of it.
        most_millions: Millions of weights that it may have to be compared by its embeddings, too.
    """
    shapes = shapes_of(name)
    if shapes is None:
        return Outcome(None, "needs a package that is not installed")
    try:
        taken = network_of(Content(_of_no_memory(shapes), _HUGE))
    except NotAState as error:
        named = f"open_clip's {name}." in str(error) or f" {name}," in str(error) or f" {name}." in str(error)
        return Outcome(named, f"refused: {str(error)[:110]}")
    heads, true = _heads(taken.network), _heads(_outline(name))
    if heads != true:
        return Outcome(False, f"opened with heads {heads}, and has {true}")
    if not taken.activation:
        return Outcome(False, "opened, and its activation was not said")
    millions = sum(value.numel() for value in shapes.values()) / 1e6
    if millions > most_millions:
        return Outcome(True, f"opened, by its shapes and {true} heads ({millions:,.0f} million weights)")
    cosine = _cosine(name)
    return Outcome(cosine > 0.9999, f"opened, cosine with the true network {cosine:.4f}")


def _of_no_memory(shapes: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: torch.zeros((), dtype=value.dtype).expand(value.shape) for name, value in shapes.items()}


def _outline(name: str) -> nn.Module:
    with own_log(), torch.device("meta"):
        return open_clip.create_model(name, load_weights=False, pretrained_text=False, device="meta")


def _heads(model: nn.Module) -> list[int]:
    """Numbers of attention heads in its vision tower, each once."""
    return sorted(
        {
            int(cast("int", part.num_heads))
            for part in model.get_submodule("visual").modules()
            if hasattr(part, "num_heads")
        }
    )


def _cosine(name: str) -> float:
    """Least cosine between the embeddings of the true network and of what its file opens as."""
    torch.manual_seed(0)
    with own_log():
        true = open_clip.create_model(name, load_weights=False, pretrained_text=False).eval()
    with torch.no_grad():
        for weight, value in true.named_parameters():
            # As in trained networks, where attention is uneven and hidden activations are large.
            if weight.endswith(("in_proj_weight", "c_fc.weight")):
                value.mul_(3)
    activation = "quickgelu" if (open_clip.get_model_config(name) or {}).get("quick_gelu") else "gelu"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plain.pt"
        torch.save(true.state_dict(), file)
        model = load_model(f"{file}?{activation}", "cpu")
    side = input_side(true)
    pixels = torch.randn(2, 3, side, side)
    with torch.no_grad():
        ours, theirs = model.encode_image(pixels), cast("CLIP", true).encode_image(pixels)
    return float(torch.cosine_similarity(ours, theirs).min())


if __name__ == "__main__":
    main()
