"""Do latents tell categories of photographs apart? ``python -m benchmarks.photographs.latents FOLDER`` prints it.

The tables of a card about the sparse autoencoder of a CLIP that saw photographs, by default that of `photo`:

fit        R², latents active at a token, and the share that is never active, on photographs that were kept apart.
selective  How many latents tell one category from the rest, beside the channels of the layer that they read: units
           whose mean over all positions has an AUC of at least 0.95, each for its best category, on the photographs
           that the model was trained on; and how many of these reach it on those that were kept apart, too.
rendered   With ``--render N``: pictures of the N most selective latents and of as many channels, whatever their
           category; the share in which each judge names it. With ``--best-of M``, of M seeds, and of the pictures
           that the check scores highest, as ``clipdesk render --best-of M`` keeps them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.latents import AUC, Areas, fit_on, latent_means, print_row, seed_by_seed, shipped, token_rows
from benchmarks.photographs.judges import MAKES, load_judge, named
from benchmarks.photographs.questions import at_size, shown_categories
from benchmarks.quality.methods import Preset
from clipdesk.demo.photographs import Photographs, read_photographs
from clipdesk.demo.selectivity import areas_under_curves, unit_activations
from clipdesk.models.loading import load_model
from clipdesk.network.inspector import input_side
from clipdesk.network.latents.algebra import Latents
from clipdesk.network.latents.opening import read_latents
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import open_model
from clipdesk.render.targets import Unit


@dataclass(frozen=True)
class Telling:
    """How well some units tell one category from the rest.

    Attributes:
        name: What they are called.
        areas: AUC on the photographs that the model was trained on, (categories, units).
        apart: The same on those that were kept apart.
    """

    name: str
    areas: Areas
    apart: Areas

    @property
    def best(self) -> NDArray[np.int64]:
        """The category that each unit tells best, (units,)."""
        return np.asarray(self.areas.argmax(axis=0), dtype=np.int64)

    @property
    def tells(self) -> NDArray[np.bool_]:
        """Whether each unit tells its category from the rest, (units,)."""
        return np.asarray(self.areas.max(axis=0) >= AUC)

    @property
    def tells_apart(self) -> NDArray[np.bool_]:
        """Whether it does on photographs that were kept apart, too, (units,)."""
        return self.tells & (self.apart[self.best, np.arange(len(self.best))] >= AUC)

    def row(self) -> list[str]:
        """A row of the table."""
        categories = f"{(self.areas.max(axis=1) >= AUC).sum()} of {len(self.areas)}"
        return [f"{len(self.best):,} {self.name}", str(self.tells.sum()), categories, str(self.tells_apart.sum())]

    def first(self, count: int) -> list[int]:
        """The most selective units, best first."""
        return [int(unit) for unit in np.argsort(-self.areas.max(axis=0), kind="stable")[:count]]


def telling(opened: OpenModel, latents: Latents, both: Sequence[Photographs]) -> list[Telling]:
    """Latents, and the channels of the layer that they read.

    Args:
        opened: The model.
        latents: Its latents.
        both: The photographs that it was trained on, and those that were kept apart, which show each category.
    """
    network, of_latents, of_channels = opened.network, [], []
    for photographs in both:
        images, shown = at_size(photographs, input_side(network)), shown_categories(photographs)
        means = latent_means(latents, token_rows(network, latents, images))
        of_latents.append(areas_under_curves(means, shown))
        of_channels.append(areas_under_curves(unit_activations(network, [latents.layer], images)[latents.layer], shown))
    return [Telling("latents", *of_latents), Telling("channels of the layer", *of_channels)]


def print_pictures(opened: OpenModel, latents: Latents, found: Sequence[Telling], asked: argparse.Namespace) -> None:
    """Print in how many pictures of latents and of channels each judge names the category that they tell best."""
    print_row("pictures that show the category", "pictures", *MAKES, "lowest", head=True)
    of_latents, of_channels = found
    units, seeds = of_latents.first(asked.render), range(asked.seed, asked.seed + asked.best_of)
    made = seed_by_seed(opened, latents, units, asked.preset, seeds, str(asked.folder))
    for count, (images, kept) in enumerate(made, 1):
        _print_shares(f"latents, seed {seeds[count - 1]}", images, of_latents.best[units])
        if count > 1:
            _print_shares(f"latents, best of {count}", kept, of_latents.best[units])
        if asked.pictures:
            asked.pictures.mkdir(parents=True, exist_ok=True)
            np.savez(asked.pictures / f"best-of-{count}.npz", units=units, images=kept)
    channels = of_channels.first(asked.render)
    targets = [Unit(layer=latents.layer, index=channel) for channel in channels]
    images = Preset(asked.preset).render(load_model(asked.model).float(), targets, asked.seed)
    _print_shares("channels of the layer", images, of_channels.best[channels])


def _print_shares(name: str, images: NDArray[np.uint8], categories: NDArray[np.int64]) -> None:
    shares = [float((named(load_judge(judge), images) == categories).mean()) for judge in MAKES]
    print_row(name, str(len(images)), *(f"{100 * share:.0f} %" for share in (*shares, min(shares))))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.photographs.latents", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("folder", type=Path, help="a folder of photographs for each category")
    parser.add_argument("--model", default="photo", help="name of an embedded model")
    parser.add_argument("--sae", type=Path, help="a sparse autoencoder [the shipped one]")
    parser.add_argument("--render", type=int, default=0, metavar="N", help="pictures of latents, and of channels")
    parser.add_argument("--best-of", type=int, default=1, metavar="M", help="seeds of which the best picture is kept")
    parser.add_argument("--preset", default="standard")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="threads of torch; default: all")
    parser.add_argument("--pictures", type=Path, help="a folder that keeps the pictures")
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    sae = asked.sae or shipped(asked.model)
    opened, latents = open_model(asked.model, "cpu").with_latents(sae), read_latents(sae)
    both = read_photographs(asked.folder)
    fit = fit_on(load_model(asked.model).float(), latents, at_size(both[1], input_side(opened.network)))
    print_row("layer", "latents", "R²", "active at a token", "never active", "tokens", head=True)
    numbers = f"{fit.r2:.3f}", f"{fit.l0:.1f}", f"{100 * fit.dead:.1f} %", f"{fit.tokens:,}"
    print_row(latents.layer, f"{latents.count:,}", *numbers)
    print()
    found = telling(opened, latents, both)
    print_row("units", f"tell a category, AUC >= {AUC}", "categories", "and of photographs kept apart", head=True)
    for each in found:
        print_row(*each.row())
    if asked.render:
        print()
        print_pictures(opened, latents, found, asked)


if __name__ == "__main__":
    main()
