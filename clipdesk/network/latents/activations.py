"""What a sparse autoencoder does to its pre-activations: ReLU, top-k, a threshold, a gate."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import ClassVar, NamedTuple, Protocol

import torch
from torch import Tensor

_GROUP = 64
"""Of so many latents the largest is found first."""
_GROUPS = 4
"""So many times `k` groups at least, or the way around is none."""


class Entries(NamedTuple):
    """Latents that may differ from zero.

    Attributes:
        places: Where each is among all tokens' latents, flattened, int64, (entries,).
        values: (entries,).
    """

    places: Tensor
    values: Tensor


class Activation(Protocol):
    """A function from pre-activations to latents, (..., latents) each."""

    def __call__(self, pre: Tensor) -> Tensor:
        """The latents for some pre-activations."""

    def entries(self, pre: Tensor) -> Entries:
        """The latents that may differ from zero, for pre-activations, (tokens, latents)."""

    def among(self, pre: Tensor, tokens: Tensor, places: Tensor, count: int) -> Entries:
        """The latents that may differ from zero, where those that are left out are zero.

        Args:
            pre: Pre-activations of some latents, token by token, (candidates,).
            tokens: The token of each, ascending.
            places: The number of each among the latents.
            count: How many latents there are.
        """

    def to(self, device: torch.device) -> Activation:
        """The same on a device."""

    @property
    def floor(self) -> Tensor | float | None:
        """Each latent is zero where its pre-activation is not above this; None where it depends on the others."""

    @property
    def at_most(self) -> int | None:
        """How many latents of a token differ from zero at most; None where there is no such number."""

    @property
    def name(self) -> str:
        """What people are shown, such as ``top-k (k = 32)``."""


class _Each:
    """An activation of each latent for itself."""

    at_most: ClassVar[None] = None

    def __call__(self, pre: Tensor) -> Tensor:
        """As `Activation`."""
        raise NotImplementedError

    def only(self, latents: Tensor) -> _Each:
        """That of some of the latents, in this order."""
        return self

    def among(self, pre: Tensor, tokens: Tensor, places: Tensor, count: int) -> Entries:
        """As `Activation`."""
        values = self.only(places)(pre)
        active = values != 0
        return Entries((tokens * count + places)[active], values[active])

    def entries(self, pre: Tensor) -> Entries:
        """As `Activation`."""
        latents = self(pre).flatten()
        places = latents.nonzero()[:, 0]
        return Entries(places, latents[places])


@dataclass(frozen=True)
class Relu(_Each):
    """max(0, pre)."""

    floor: ClassVar[float] = 0.0

    def __call__(self, pre: Tensor) -> Tensor:
        """As `Activation`."""
        return torch.relu(pre)

    def to(self, device: torch.device) -> Relu:
        """As `Activation`."""
        return self

    @property
    def name(self) -> str:
        """As `Activation`."""
        return "ReLU"


@dataclass(frozen=True)
class TopK:
    """The largest `k` pre-activations of each token, the others zero.

    Attributes:
        k: How many.
        rectified: Whether those of them that are below zero become zero as well.
    """

    k: int
    rectified: bool = True
    floor: ClassVar[None] = None

    @property
    def at_most(self) -> int:
        """As `Activation`."""
        return self.k

    def __call__(self, pre: Tensor) -> Tensor:
        """As `Activation`."""
        values, places = self._largest(pre)
        return torch.zeros_like(pre).scatter_(-1, places, values)

    def entries(self, pre: Tensor) -> Entries:
        """As `Activation`."""
        values, places = self._largest(pre)
        rows = torch.arange(len(pre), device=pre.device)[:, None] * pre.shape[1]
        return Entries((rows + places).flatten(), values.flatten())

    def among(self, pre: Tensor, tokens: Tensor, places: Tensor, count: int) -> Entries:
        """As `Activation`."""
        sizes = torch.bincount(tokens).tolist()
        starts = itertools.accumulate(sizes, initial=0)
        parts = [self._largest(part) for part in torch.split(pre, sizes)]
        kept = torch.cat([start + own for start, (_, own) in zip(starts, parts, strict=False)])
        return Entries(tokens[kept] * count + places[kept], torch.cat([values for values, _ in parts]))

    def _largest(self, pre: Tensor) -> tuple[Tensor, Tensor]:
        values, places = largest(pre, min(self.k, pre.shape[-1]))
        return torch.relu(values) if self.rectified else values, places

    def to(self, device: torch.device) -> TopK:
        """As `Activation`."""
        return self

    @property
    def name(self) -> str:
        """As `Activation`."""
        return f"top-k (k = {self.k}{'' if self.rectified else ', without ReLU'})"


@dataclass(frozen=True, eq=False)
class Threshold(_Each):
    """Pre-activations above a threshold and above zero as they are, the others zero: JumpReLU, and trained batch top-k.

    Attributes:
        threshold: (latents,) for JumpReLU; (1,) where all latents have the same, as after batch top-k.
    """

    threshold: Tensor

    @property
    def floor(self) -> Tensor:
        """As `Activation`."""
        return self.threshold.clamp_min(0)

    def only(self, latents: Tensor) -> Threshold:
        """As `_Each`."""
        return self if len(self.threshold) == 1 else replace(self, threshold=self.threshold[latents])

    def __call__(self, pre: Tensor) -> Tensor:
        """As `Activation`."""
        return torch.relu(pre) * (pre > self.threshold)

    def to(self, device: torch.device) -> Threshold:
        """As `Activation`."""
        return replace(self, threshold=self.threshold.to(device))

    @property
    def name(self) -> str:
        """As `Activation`."""
        return "JumpReLU" if len(self.threshold) > 1 else f"threshold {float(self.threshold):.3g}"


@dataclass(frozen=True, eq=False)
class Gated(_Each):
    """A latent is ReLU(scale · pre + shift) where its pre-activation, that of the gate, is above zero.

    Attributes:
        scale: (latents,), above zero.
        shift: (latents,).
    """

    scale: Tensor
    shift: Tensor
    floor: ClassVar[float] = 0.0

    def only(self, latents: Tensor) -> Gated:
        """As `_Each`."""
        return replace(self, scale=self.scale[latents], shift=self.shift[latents])

    def __call__(self, pre: Tensor) -> Tensor:
        """As `Activation`."""
        return torch.relu(pre * self.scale + self.shift) * (pre > 0)

    def to(self, device: torch.device) -> Gated:
        """As `Activation`."""
        return replace(self, scale=self.scale.to(device), shift=self.shift.to(device))

    @property
    def name(self) -> str:
        """As `Activation`."""
        return "gated"


@dataclass(frozen=True, eq=False)
class Capped:
    """Another activation's latents, which approach a cap and never pass it: cap · tanh(latent / cap).

    Attributes:
        inner: The other activation.
        cap: Above zero.
    """

    inner: Activation
    cap: float

    def __call__(self, pre: Tensor) -> Tensor:
        """As `Activation`."""
        return self._capped(self.inner(pre))

    def entries(self, pre: Tensor) -> Entries:
        """As `Activation`."""
        places, values = self.inner.entries(pre)
        return Entries(places, self._capped(values))

    def among(self, pre: Tensor, tokens: Tensor, places: Tensor, count: int) -> Entries:
        """As `Activation`."""
        kept, values = self.inner.among(pre, tokens, places, count)
        return Entries(kept, self._capped(values))

    def _capped(self, latents: Tensor) -> Tensor:
        return self.cap * torch.tanh(latents / self.cap)

    def to(self, device: torch.device) -> Capped:
        """As `Activation`."""
        return replace(self, inner=self.inner.to(device))

    @property
    def floor(self) -> Tensor | float | None:
        """As `Activation`."""
        return self.inner.floor

    @property
    def at_most(self) -> int | None:
        """As `Activation`."""
        return self.inner.at_most

    @property
    def name(self) -> str:
        """As `Activation`."""
        return f"{self.inner.name}, capped at {self.cap:g}"


def parts_of(activation: object) -> Iterator[object]:
    """All that makes an activation what it is: the names of its class and its attributes, and their values."""
    yield type(activation).__name__
    if not is_dataclass(activation):
        # Another one of it has other numbers, for all that is known.
        yield repr(activation)
        return
    for field in fields(activation):
        yield field.name
        value = getattr(activation, field.name)
        if is_dataclass(value):
            yield from parts_of(value)
        else:
            yield value


def largest(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The `k` largest values along the last axis and their places, in any order, (..., k) each.

    Of ten thousands of values, `torch.topk` takes longer: here the `k` groups with the largest members are found first,
    and all of the `k` largest are in them.
    """
    groups = values.shape[-1] // _GROUP
    if groups < _GROUPS * k:
        return values.topk(k, dim=-1, sorted=False)
    grouped = values[..., : groups * _GROUP].reshape(*values.shape[:-1], _GROUP, groups)
    members = grouped.amax(dim=-2).topk(k, dim=-1, sorted=False).indices
    # Member i of group j is value i * groups + j.
    places = torch.arange(0, groups * _GROUP, groups, device=values.device)[:, None] + members[..., None, :]
    places = places.flatten(-2)
    rest = torch.arange(groups * _GROUP, values.shape[-1], device=values.device)
    places = torch.cat([places, rest.expand(*places.shape[:-1], -1)], dim=-1)
    found, own = values.gather(-1, places).topk(k, dim=-1, sorted=False)
    return found, places.gather(-1, own)
