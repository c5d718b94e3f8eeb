"""Latents: the one form that sparse autoencoders of all files are brought into when they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

from clipdesk.network.latents.activations import Activation, Entries, parts_of
from clipdesk.network.sparse import Sparse

_TINY = 1e-5
"""What Prisma and SAELens add to a standard deviation before they divide by it."""
_FEW = 1 / 32
"""Up to this share of the latents, those that are not zero are decoded one by one."""
_AT_ONCE = 2**24
"""So many pre-activations are held at once, where latents are entries."""


class Tokens(str, Enum):
    """The tokens of a layer that a sparse autoencoder was trained on."""

    ALL = "all"
    PATCHES = "patches"
    CLASS = "class"


class Norm(str, Enum):
    """What is done to each token's activations before the encoder, and undone after the decoder.

    ``center`` takes their mean off; ``layer_norm`` also divides by their unbiased standard deviation; ``rescale``
    brings their L2 norm to the root of their number. Constants that are the same for all tokens are inside the weights.
    """

    NONE = "none"
    CENTER = "center"
    LAYER_NORM = "layer_norm"
    RESCALE = "rescale"


class Memory:
    """Memory that is used again and again: the system takes as long to give new one as a product to fill it."""

    def __init__(self) -> None:
        self._flat = torch.empty(0)

    def of(self, rows: int, columns: int, like: Tensor) -> Tensor:
        """Memory for (rows, columns) of another tensor's kind; what was in it is lost."""
        if self._flat.numel() < rows * columns or self._flat.device != like.device or self._flat.dtype != like.dtype:
            self._flat = torch.empty(rows * columns, dtype=like.dtype, device=like.device)
        return self._flat[: rows * columns].view(rows, columns)


class Normed(NamedTuple):
    """Activations as the encoder takes them, and what brings them back: ``values * scale + mean``."""

    values: Tensor
    mean: Tensor | float
    scale: Tensor | float


@dataclass(frozen=True, eq=False)
class Latents:
    """A sparse autoencoder: ``f = activation(norm(x) @ encoder + bias)``, ``x' = undone(f @ decoder + decoder_bias)``.

    A decoder bias that a file wants subtracted from the activations is inside `bias`.

    Attributes:
        encoder: (width of the layer, latents).
        bias: (latents,).
        decoder: (latents, width of the layer).
        decoder_bias: (width of the layer,).
        activation: From pre-activations to latents.
        norm: What is done to a token's activations before and after.
        layer: The layer that it reads, as its file says: a dotted name of ClipDesk's, or another library's name of it;
            empty where the file does not say.
        tokens: The tokens that it was trained on; None where the file does not say.
        model: The model that it was trained on, in the file's words; empty where it does not say.
        form: The form of its file, such as ``SAELens``.
        name: What people are shown: the name of its file or folder.
        sha256: Checksum of its file; empty for one that was made in this process. Who changes one of a file empties it.
        unsure: Whether the file leaves open if the decoder bias is subtracted first.
        subtracted: Whether it is subtracted: that much of it is inside `bias`.
    """

    encoder: Tensor = field(repr=False)
    bias: Tensor = field(repr=False)
    decoder: Tensor = field(repr=False)
    decoder_bias: Tensor = field(repr=False)
    activation: Activation
    norm: Norm = Norm.NONE
    layer: str = ""
    tokens: Tokens | None = None
    model: str = ""
    form: str = ""
    name: str = ""
    sha256: str = ""
    unsure: bool = False
    subtracted: bool = False

    def __post_init__(self) -> None:
        width, count = self.encoder.shape
        wanted = {"bias": (count,), "decoder": (count, width), "decoder_bias": (width,)}
        for name, shape in wanted.items():
            found = tuple(getattr(self, name).shape)
            if found != shape:
                raise ValueError(f"{name} has the shape {found} instead of {shape}")

    @property
    def width(self) -> int:
        """How many units the layer has that it reads."""
        return self.encoder.shape[0]

    @property
    def count(self) -> int:
        """How many latents it has."""
        return self.encoder.shape[1]

    @property
    def nbytes(self) -> int:
        """Memory that its weights take."""
        weights = (self.encoder, self.bias, self.decoder, self.decoder_bias)
        return sum(each.numel() * each.element_size() for each in weights)

    def known(self) -> Latents:
        """The same with a checksum: its file's, else one over all that decides what it reads and makes of it."""
        if self.sha256:
            return self
        digest = hashlib.sha256()
        weights = (self.encoder, self.bias, self.decoder, self.decoder_bias)
        read = (self.norm.value, self.layer, self.tokens and self.tokens.value, self.unsure, self.subtracted)
        for each in (read, *parts_of(self.activation), *weights):
            if isinstance(each, Tensor):
                digest.update(f"{tuple(each.shape)}".encode())
                digest.update(each.detach().float().cpu().contiguous().numpy().tobytes())
            else:
                digest.update(f"{each!r}\n".encode())
        return replace(self, sha256=digest.hexdigest())

    def normed(self, values: Tensor) -> Normed:
        """Activations as the encoder takes them.

        Args:
            values: (..., width of the layer).
        """
        if self.norm is Norm.NONE:
            return Normed(values, 0.0, 1.0)
        if self.norm is Norm.RESCALE:
            scale = values.norm(dim=-1, keepdim=True) / self.width**0.5
            return Normed(values / scale, 0.0, scale)
        mean = values.mean(dim=-1, keepdim=True)
        if self.norm is Norm.CENTER:
            return Normed(values - mean, mean, 1.0)
        deviation = values.std(dim=-1, keepdim=True)
        return Normed((values - mean) / (deviation + _TINY), mean, deviation)

    def only(self, units: Sequence[int]) -> Latents:
        """Some of the latents, in this order, for their pre-activations: top-k would be among these alone."""
        numbers = torch.tensor(units, device=self.encoder.device)
        return replace(self, encoder=self.encoder[:, numbers], bias=self.bias[numbers], decoder=self.decoder[numbers])

    def pre(self, values: Tensor) -> Tensor:
        """The pre-activations, (..., latents), before ReLU, top-k or threshold.

        Args:
            values: The layer's activations, (..., width of the layer).
        """
        normed = self.normed(values.to(self.encoder.dtype)).values
        # One product with the bias in it: for ten thousands of latents, another pass over them takes as long again.
        found = torch.addmm(self.bias, normed.reshape(-1, self.width), self.encoder)
        return found.view(*values.shape[:-1], self.count)

    def turning(self, values: Tensor) -> Tensor:
        """The pre-activations, (pictures, positions, latents), with a gradient that turns activations towards a latent.

        A pre-activation also grows where the activations are far from the decoder bias, whatever they point to. The
        gradient here is that of the pre-activation over this distance, times the mean distance in the picture: a step
        along it makes the latent a larger share of what is there. The values are those of `pre`.

        Args:
            values: The layer's activations, (pictures, positions, width of the layer).
        """
        pre = self.pre(values)
        behind = self.normed(values.to(self.encoder.dtype)).values - self.decoder_bias
        distance = torch.linalg.vector_norm(behind, dim=-1, keepdim=True).clamp_min(_TINY)
        share = pre / distance
        found: Tensor = pre.detach() + distance.detach().mean(dim=1, keepdim=True) * (share - share.detach())
        return found

    def sparse(self, values: Tensor, entries: Callable[[Tensor], Entries] | None = None) -> Sparse:
        """The latents of a layer's activations, (pictures, positions, width of the layer), as entries, by token.

        Args:
            values: The activations.
            entries: What finds the entries of a part of the tokens; by default `entries` without memory of its own.
        """
        rows = self.normed(values.to(self.encoder.dtype)).values.reshape(-1, self.width)
        find = entries or partial(self.entries, memory=Memory())
        parts, first = list[Entries](), 0
        for part in torch.split(rows, max(1, _AT_ONCE // self.count)):
            places, found = find(part)
            parts.append(Entries(places + first * self.count, found))
            first += len(part)
        places, found = (torch.cat(each) for each in zip(*parts, strict=True))
        return Sparse((*values.shape[:2], self.count), places, found)

    def entries(self, rows: Tensor, memory: Memory) -> Entries:
        """The latents that may differ from zero.

        Args:
            rows: Activations as the encoder takes them, (tokens, width of the layer).
            memory: For the pre-activations.
        """
        pre = memory.of(len(rows), self.count, rows)
        return self.activation.entries(torch.addmm(self.bias, rows, self.encoder, out=pre))

    def encode(self, values: Tensor) -> Tensor:
        """The latents, (..., latents), of a layer's activations, (..., width of the layer)."""
        return self.activation(self.pre(values))

    def written(self, values: Tensor) -> Tensor:
        """How far activations go along what each latent writes, (..., latents), in the unit that the encoder takes.

        It is counted from the decoder bias, which is all that is written where no latent is active.

        Args:
            values: The layer's activations, (..., width of the layer).
        """
        normed = self.normed(values.to(self.decoder.dtype)).values
        directions = torch.nn.functional.normalize(self.decoder, dim=-1)
        return (normed - self.decoder_bias) @ directions.T

    def decode(self, latents: Tensor, like: Tensor | None = None) -> Tensor:
        """The layer's activations, (..., width of the layer), as some latents say them.

        Args:
            latents: (..., latents).
            like: The activations that the latents are of, whose norm is put back. Without them the result is normed.
        """
        rebuilt = latents @ self.decoder + self.decoder_bias
        return rebuilt if like is None else self._undone(rebuilt, like)

    def rebuilt_from(self, entries: Sparse, like: Tensor) -> Tensor:
        """As `decode`, of latents as `sparse` gives them: in the time that the few take that are not zero.

        Args:
            entries: The latents.
            like: The activations that they are of, (pictures, positions, width of the layer).
        """
        pictures, positions, count = entries.shape
        if len(entries.values) > _FEW * pictures * positions * count:
            return self.decode(entries.dense(), like)
        token, latent = entries.places // count, entries.places % count
        counts = torch.bincount(token, minlength=pictures * positions)
        sums = torch.nn.functional.embedding_bag(
            latent, self.decoder, counts.cumsum(0) - counts, mode="sum", per_sample_weights=entries.values
        )
        return self._undone(sums.view(pictures, positions, self.width) + self.decoder_bias, like)

    def _undone(self, rebuilt: Tensor, like: Tensor) -> Tensor:
        """Activations with the norm of others put back."""
        _, mean, scale = self.normed(like.to(rebuilt.dtype))
        return rebuilt * scale + mean

    def rebuilt(self, values: Tensor) -> Tensor:
        """The layer's activations, encoded and decoded again."""
        return self.decode(self.encode(values), like=values)

    def to(self, device: torch.device | str) -> Latents:
        """The same on a device: itself if it is there."""
        place = torch.device(device)
        if self.encoder.device == place:
            return self
        return replace(
            self,
            encoder=self.encoder.to(place),
            bias=self.bias.to(place),
            decoder=self.decoder.to(place),
            decoder_bias=self.decoder_bias.to(place),
            activation=self.activation.to(place),
        )

    def subtracting(self, subtracted: bool = True) -> Latents:
        """The same with the decoder bias subtracted from the activations first, or not."""
        if subtracted is self.subtracted:
            return self
        change = self.decoder_bias @ self.encoder
        return replace(self, bias=self.bias - change if subtracted else self.bias + change, subtracted=subtracted)
