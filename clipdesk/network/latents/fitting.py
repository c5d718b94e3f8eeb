"""How well a sparse autoencoder fits a layer: measured on drawn scenes, since configurations are wrong in places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

import torch
from PIL import Image
from torch import Tensor, nn

from clipdesk.network.capture import LayerCapture
from clipdesk.network.inspector import input_side
from clipdesk.network.latents.activations import Entries
from clipdesk.network.latents.algebra import Latents, Norm, Tokens
from clipdesk.network.latents.screening import finding
from clipdesk.network.latents.source import chosen
from clipdesk.network.layers import LayerInfo
from clipdesk.network.normalization import normalization_of, normalized
from clipdesk.scenes.dataset import Kind, draw_scenes

SCENES = 64
"""So many scenes are looked at. Their contents do not matter; that a wrong layer or norm fails does."""
_BATCH = 16
_SEED = 0
_AT_ONCE = 2**25
"""So many latents are held at once."""
_WEAK = 0.5
_NEARLY = 0.05
"""Latents that fit the tokens of their file, or else all, nearly as well as others are taken to be of those."""


@dataclass(frozen=True)
class Fit:
    """How well latents rebuild a layer's activations.

    Attributes:
        r2: 1 - (sum of squared differences) / (sum of squared distances from the mean), over all tokens.
        l0: Latents that are not zero, in the mean over the tokens.
        dead: Share of the latents that are zero at all tokens.
        tokens: How many tokens were looked at.
    """

    r2: float
    l0: float
    dead: float
    tokens: int

    def __str__(self) -> str:
        return f"R² {self.r2:.3f}, L0 {self.l0:.1f}, {self.dead:.0%} dead"


@dataclass(frozen=True, eq=False)
class Pairing:
    """Latents with the layer and the tokens that they are read at, and how well they fit there.

    Attributes:
        latents: The latents, with the norm and the bias of this pairing.
        base: The layer.
        tokens: The tokens.
        fit: How well it fits.
        said: What it was asked for by, as people write it; empty for one that was made in this process.
    """

    latents: Latents
    base: LayerInfo
    tokens: Tokens
    fit: Fit
    said: str = ""

    @property
    def name(self) -> str:
        """What it was asked for by, else its own name."""
        return self.said or self.latents.name or "latents"

    def to(self, device: torch.device) -> Pairing:
        """The same with the latents on a device."""
        return replace(self, latents=self.latents.to(device))

    @property
    def remark(self) -> str:
        """What it is and how well it fits, for people: a sentence without its full stop."""
        latents = self.latents
        what = f"{latents.name or 'Latents'} ({latents.form}, {latents.activation.name})".replace(" (, ", " (")
        weak = "; that is little, so look at its latents with care" if self.fit.r2 < _WEAK else ""
        return f"{what}: {latents.count:,} latents of {self.text}: {self.fit} on drawn scenes{weak}"

    @property
    def text(self) -> str:
        """Where and how, for people."""
        norm = "" if self.latents.norm is Norm.NONE else f", {self.latents.norm.value}"
        read = {Tokens.ALL: "all tokens", Tokens.PATCHES: "its patches", Tokens.CLASS: "its class token"}[self.tokens]
        return f"{self.base.name} ({read}{norm})" if self.base.class_token else f"{self.base.name}{norm}"


def activations_at(network: nn.Module, layers: Iterable[LayerInfo], count: int = SCENES) -> dict[str, Tensor]:
    """What layers have at all positions for drawn scenes, by name: float32, (scenes, positions, units) each."""
    wanted = list(layers)
    device = next(network.parameters()).device
    found: dict[str, list[Tensor]] = {info.name: [] for info in wanted}
    capture = LayerCapture(network, wanted)
    for pixels in torch.split(_scenes(input_side(network), count), _BATCH):
        with torch.no_grad():
            inputs = normalized(pixels.to(device).float() / 255, normalization_of(network))
            for name, values in capture.run(inputs).items():
                found[name].append(values.float())
    return {name: torch.cat(parts) for name, parts in found.items()}


@torch.no_grad()
def fit_of(latents: Latents, values: Tensor, find: Callable[[Tensor], Entries] | None = None) -> Fit:
    """How well latents rebuild some activations.

    Args:
        latents: The latents.
        values: The activations, (..., width of the layer).
        find: What `finding` gave for these latents, where that is there.
    """
    rows = values.reshape(-1, latents.width)
    alive = torch.zeros(latents.count, dtype=torch.bool, device=rows.device)
    missed = active = 0.0
    find = find or finding(latents)
    for part in torch.split(rows, max(1, _AT_ONCE // latents.count)):
        found = latents.sparse(part[None], find)
        missed += float((part - latents.rebuilt_from(found, like=part[None])[0]).double().square().sum())
        there = found.values != 0
        active += float(there.sum())
        alive[found.places[there] % latents.count] = True
    spread = float((rows - rows.mean(dim=0)).double().square().sum())
    dead = 1 - float(alive.float().mean())
    return Fit(1 - missed / max(spread, 1e-12), active / len(rows), dead, len(rows))


def best_pairing(
    latents: Latents, values: Mapping[str, Tensor], bases: Iterable[LayerInfo], *, any_norm: bool = False
) -> Pairing | None:
    """The best of the pairings that a file leaves open; None where no layer has the width.

    Args:
        latents: The latents, on the device of the values.
        values: What the layers have, as `activations_at` gives it.
        bases: The layers.
        any_norm: Whether norms and tokens are tried that the file does not say.
    """
    wide = [base for base in bases if base.units == latents.width]
    found = [
        Pairing(each, base, tokens, fit_of(each, chosen(values[base.name], base, tokens), find))
        for each, find in ((each, finding(each)) for each in _readings(latents, any_norm))
        for base in wide
        for tokens in _tokens(latents, base, any_norm)
    ]
    if not found:
        return None
    best = max(found, key=lambda each: each.fit.r2)
    usual = latents.tokens or Tokens.ALL
    alike = [each for each in found if each.base is best.base and each.tokens is usual]
    own = max(alike, key=lambda each: each.fit.r2, default=best)
    return own if own.fit.r2 > best.fit.r2 - _NEARLY else best


def _readings(latents: Latents, any_norm: bool) -> Iterator[Latents]:
    norms = [latents.norm, *(norm for norm in Norm if any_norm and norm is not latents.norm)]
    for norm in norms:
        yield replace(latents, norm=norm)
        if latents.unsure or any_norm:
            # Whichever its form does, the other one.
            yield replace(latents, norm=norm).subtracting(not latents.subtracted)


def _tokens(latents: Latents, base: LayerInfo, any_tokens: bool) -> list[Tokens]:
    if not base.class_token:
        return [latents.tokens or Tokens.ALL]
    return list(Tokens) if latents.tokens is None or any_tokens else [latents.tokens]


@cache
def _drawn(count: int) -> Tensor:
    images = draw_scenes(count, _SEED, Kind.COMPOSED, processes=1).images
    return torch.from_numpy(images)


def _scenes(side: int, count: int) -> Tensor:
    """Drawn scenes, uint8, (scenes, 3, side, side)."""
    drawn = _drawn(count)
    if drawn.shape[1] != side:
        resized = [Image.fromarray(each.numpy()).resize((side, side), Image.Resampling.BICUBIC) for each in drawn]
        drawn = torch.stack([torch.frombuffer(bytearray(each.tobytes()), dtype=torch.uint8) for each in resized])
        drawn = drawn.view(count, side, side, 3)
    return drawn.permute(0, 3, 1, 2)
