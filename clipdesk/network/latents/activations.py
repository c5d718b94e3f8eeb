"""What a sparse autoencoder does to its pre-activations: ReLU, top-k, a threshold, a gate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor


class Activation(Protocol):
    """A function from pre-activations to latents, (..., latents) each."""

    def __call__(self, pre: Tensor) -> Tensor:
        """The latents for some pre-activations."""

    def to(self, device: torch.device) -> Activation:
        """The same on a device."""

    @property
    def name(self) -> str:
        """What people are shown, such as ``top-k (k = 32)``."""


@dataclass(frozen=True)
class Relu:
    """max(0, pre); with `bounded`, its hyperbolic tangent."""

    bounded: bool = False

    def __call__(self, pre: Tensor) -> Tensor:
        """As `Activation`."""
        positive = torch.relu(pre)
        return torch.tanh(positive) if self.bounded else positive

    def to(self, device: torch.device) -> Relu:
        """As `Activation`."""
        return self

    @property
    def name(self) -> str:
        """As `Activation`."""
        return "tanh of ReLU" if self.bounded else "ReLU"


@dataclass(frozen=True)
class TopK:
    """The largest `k` pre-activations of each token, the others zero.

    Attributes:
        k: How many.
        rectified: Whether those of them that are below zero become zero as well.
    """

    k: int
    rectified: bool = True

    def __call__(self, pre: Tensor) -> Tensor:
        """As `Activation`."""
        values, places = pre.topk(min(self.k, pre.shape[-1]), dim=-1, sorted=False)
        return torch.zeros_like(pre).scatter_(-1, places, torch.relu(values) if self.rectified else values)

    def to(self, device: torch.device) -> TopK:
        """As `Activation`."""
        return self

    @property
    def name(self) -> str:
        """As `Activation`."""
        return f"top-k (k = {self.k}{'' if self.rectified else ', without ReLU'})"


@dataclass(frozen=True, eq=False)
class Threshold:
    """Pre-activations above a threshold and above zero as they are, the others zero: JumpReLU, and trained batch top-k.

    Attributes:
        threshold: (latents,) for JumpReLU; (1,) where all latents have the same, as after batch top-k.
    """

    threshold: Tensor

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
class Gated:
    """A latent is ReLU(scale · pre + shift) where its pre-activation, that of the gate, is above zero.

    Attributes:
        scale: (latents,), above zero.
        shift: (latents,).
    """

    scale: Tensor
    shift: Tensor

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
