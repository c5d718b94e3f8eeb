"""OpenModel: a network with the identity of its weights, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn

from clipdesk.models.checkpoints import identity_of, joined_sha256
from clipdesk.models.latents_names import LatentsName, parse_latents
from clipdesk.models.loading import resolve_device
from clipdesk.models.names import (
    Checkpoint,
    HubModel,
    ModelName,
    plain_name,
    short_name,
    with_latents,
    with_other_activation,
)
from clipdesk.network.inspector import LayerInspector, input_side, tower_of
from clipdesk.network.latents.algebra import Latents
from clipdesk.network.latents.fitting import Pairing
from clipdesk.network.latents.opening import read_latents
from clipdesk.network.latents.pairing import paired, unusual_of, with_pairings
from clipdesk.network.latents.places import place_of
from clipdesk.network.normalization import Normalization, normalization_of
from clipdesk.network.placing import activation_of, bytes_of, on_device
from clipdesk.paths import cache_folder


@dataclass(frozen=True, eq=False)
class OpenModel:
    """A network that is ready to be rendered on, and what is known of its weights.

    Attributes:
        name: What it was asked for by; None for a network that a caller gave.
        network: The CLIP, in float32 and evaluation mode, on `device`.
        inspector: Its tree of layers.
        sha256: Its identity: SHA-256 of the bytes that its weights were read from; where activation, weights or heads
            were asked for that differ from what the file says, over these, too. None for a network that a caller gave.
        device: Where it is.
        normalization: What it wants done to a picture's channels.
        activation: The rectifier of its vision tower, such as ``QuickGELU``; empty where it has none that is known.
        side: Side of the pictures that it takes, in pixels.
        nbytes: Memory that its weights take.
        reason: Why it has this activation, which its weights do not say; empty where nobody had to decide it.
        notes: What was taken off its weights, left out of them or taken for granted, a clause each.
        latents: Sparse autoencoders whose latents are layers of it, with what they read; `sha256` is then over their
            checksums, too, and over what was said of them otherwise than their files do.
        plain: Its `sha256` without them; None where it has none. What is known of the plain model is true of this one.
        file_sha256: Checksum of the bytes alone, of which `sha256` is where nothing unusual was asked for.
    """

    name: ModelName | None
    network: nn.Module
    inspector: LayerInspector
    sha256: str | None
    device: torch.device
    normalization: Normalization
    activation: str
    side: int
    nbytes: int
    reason: str = ""
    notes: tuple[str, ...] = ()
    latents: tuple[Pairing, ...] = ()
    plain: str | None = None
    file_sha256: str | None = None

    @classmethod
    def of(
        cls,
        network: nn.Module,
        device: str | torch.device | None = None,
        *,
        name: ModelName | None = None,
        sha256: str | None = None,
        file_sha256: str | None = None,
        reason: str = "",
        notes: tuple[str, ...] = (),
    ) -> OpenModel:
        """A network that is open already; it is left as it was.

        Args:
            network: A CLIP.
            device: Where it is to be; by default where it is. On another device, or in another number format than
                float32, a copy is made, once.
            name: What it was asked for by.
            sha256: Its identity; see the attribute.
            file_sha256: Checksum of the file that its weights were read from; by default `sha256`.
            reason: Why it has its activation.
            notes: What was taken off its weights, left out of them or taken for granted.

        Raises:
            ClipDeskError: the device is not there.
            UsageError: it is not a CLIP, or takes pictures that are not square.
        """
        tower_of(network)
        place = next(network.parameters()).device if device is None else resolve_device(device)
        network = on_device(network, place)
        return cls(
            name=name,
            network=network,
            inspector=LayerInspector(network),
            sha256=sha256,
            device=next(network.parameters()).device,
            normalization=normalization_of(network),
            activation=activation_of(network),
            side=input_side(network),
            nbytes=bytes_of(network),
            reason=reason,
            notes=notes,
            file_sha256=file_sha256 or sha256,
        )

    def on(self, device: str | torch.device) -> OpenModel:
        """The same model on a device: itself if it is there, else a copy.

        Raises:
            ClipDeskError: the device is not there.
        """
        network = on_device(self.network, resolve_device(device))
        if network is self.network:
            return self
        made = OpenModel.of(network, name=self.name, sha256=self.sha256, file_sha256=self.file_sha256)
        moved = tuple(each.to(made.device) for each in self.latents)
        return replace(made, inspector=with_pairings(made.inspector, moved), latents=moved, plain=self.plain)

    def with_latents(self, *latents: Latents | str | Path) -> OpenModel:
        """The same model, whose layers are also the latents of sparse autoencoders; the network is shared.

        Args:
            latents: Open ones; or files, folders and repositories, and what is to be said of them, as for `--sae`. One
                that the model has by the same words is passed over.

        Raises:
            UsageError: there is no such file, or it fits no layer of the model.
            ClipDeskError: it cannot be read, or is not a sparse autoencoder.
        """
        opened = self
        model = "" if self.name is None else str(plain_name(self.name))
        for each in latents:
            if isinstance(each, Latents):
                opened = opened.with_read(each)
                continue
            said = parse_latents(str(each))
            if str(said) not in [pairing.said for pairing in opened.latents]:
                opened = opened.with_read(read_latents(place_of(said, model)), said)
        return opened

    def with_read(self, latents: Latents, said: LatentsName | None = None) -> OpenModel:
        """As `with_latents`, of one that was read, with what the user says of it."""
        latents = latents.known().to(self.device)
        kept = cache_folder() / "latents"
        found = paired(self.network, self.inspector, latents, said=said, weights=self.sha256, kept=kept)
        pairing = replace(found, said=str(said or ""))
        identity = identity_of(latents.sha256, unusual_of(self.inspector, latents, found, said))
        return replace(
            self,
            name=self.name and (with_latents(self.name, [str(said)]) if said else self.name),
            inspector=with_pairings(self.inspector, [pairing]),
            sha256=self.sha256 and joined_sha256([self.sha256, identity]),
            nbytes=self.nbytes + latents.nbytes,
            latents=(*self.latents, pairing),
            plain=self.plain or self.sha256,
            file_sha256=self.file_sha256 and joined_sha256([self.file_sha256, latents.sha256]),
        )

    def has_weights(self, weights: str | None) -> bool:
        """Whether something was made with this model's weights, where its name is the same.

        Args:
            weights: The identity that was noted; or the checksum of the files, as versions that knew no more have noted
                it. None for any.
        """
        return weights is None or weights in (self.sha256, self.file_sha256)

    @property
    def remarks(self) -> tuple[str, ...]:
        """How a checkpoint was read, for the user, a sentence each; empty for a model that has a name.

        Of sparse autoencoders: what they read, and how well they fit.
        """
        of_latents = tuple(f"{each.remark}." for each in self.latents)
        name = None if self.name is None else plain_name(self.name)
        if not isinstance(name, Checkpoint | HubModel):
            return of_latents
        return (*of_latents, *self._activation_remark(), *(f"{note[:1].upper()}{note[1:]}." for note in self.notes))

    def _activation_remark(self) -> tuple[str, ...]:
        if not self.reason or self.activation not in ("QuickGELU", "GELU"):
            return ()
        other = None if self.name is None else with_other_activation(self.name, self.activation)
        how = "" if other is None else f" For the other one, open {short_name(other)}."
        return (f"Activation {self.activation}: {self.reason}.{how}",)
