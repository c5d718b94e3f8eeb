"""OpenModel: a network with the identity of its weights; and ModelPool, which opens models and keeps them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from clipdesk.errors import Cancelled, UsageError
from clipdesk.given import checked
from clipdesk.models.catalogue import EMBEDDED
from clipdesk.models.checkpoints import joined_sha256
from clipdesk.models.latents_names import LatentsName, parse_latents
from clipdesk.models.loading import fetch_model, read_model, resolve_device
from clipdesk.models.names import (
    Checkpoint,
    HubModel,
    ModelName,
    PlainName,
    WithLatents,
    check_name,
    find_name,
    plain_name,
    short_name,
    with_latents,
    with_other_activation,
)
from clipdesk.models.transfer import Transfer
from clipdesk.network.file_states import FileState, state_of, states_of
from clipdesk.network.inspector import LayerInspector, input_side, tower_of
from clipdesk.network.latents.algebra import Latents
from clipdesk.network.latents.fitting import Pairing
from clipdesk.network.latents.opening import files_of, read_latents
from clipdesk.network.latents.pairing import paired, with_pairings
from clipdesk.network.latents.places import place_of
from clipdesk.network.normalization import Normalization, normalization_of
from clipdesk.network.placing import activation_of, bytes_of, on_device
from clipdesk.paths import cache_folder

POOL_BYTES = 6 * 2**30
"""Memory that the networks of a pool may take: a ViT-L/14 in float32 takes 1.7 GB."""
_WAIT_SECONDS = 0.1


class OtherWeightsError(UsageError):
    """The file of a model holds other weights than a job or a recipe was made with."""

    def __init__(self, name: ModelName, wanted: str, found: str) -> None:
        super().__init__(
            f"{short_name(name)} is another file now than the one this was made with: the SHA-256 of its weights is "
            f"{found[:8]}…, not {wanted[:8]}…. Put the old file back; or to use the new weights, ask again with "
            f"--model {name}"
        )


@dataclass(frozen=True, eq=False)
class OpenModel:
    """A network that is ready to be rendered on, and what is known of its weights.

    Attributes:
        name: What it was asked for by; None for a network that a caller gave.
        network: The CLIP, in float32 and evaluation mode, on `device`.
        inspector: Its tree of layers.
        sha256: SHA-256 of the bytes that its weights were read from; None for a network that a caller gave.
        device: Where it is.
        normalization: What it wants done to a picture's channels.
        activation: The rectifier of its vision tower, such as ``QuickGELU``; empty where it has none that is known.
        side: Side of the pictures that it takes, in pixels.
        nbytes: Memory that its weights take.
        reason: Why it has this activation, which its weights do not say; empty where nobody had to decide it.
        notes: What was taken off its weights, left out of them or taken for granted, a clause each.
        latents: Sparse autoencoders whose latents are layers of it, with what they read; `sha256` is then over their
            checksums, too.
        plain: Its `sha256` without them; None where it has none. What is known of the plain model is true of this one.
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

    @classmethod
    def of(
        cls,
        network: nn.Module,
        device: str | torch.device | None = None,
        *,
        name: ModelName | None = None,
        sha256: str | None = None,
        reason: str = "",
        notes: tuple[str, ...] = (),
    ) -> OpenModel:
        """A network that is open already; it is left as it was.

        Args:
            network: A CLIP.
            device: Where it is to be; by default where it is. On another device, or in another number format than
                float32, a copy is made, once.
            name: What it was asked for by.
            sha256: Checksum of the file that its weights were read from.
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
        )

    def on(self, device: str | torch.device) -> OpenModel:
        """The same model on a device: itself if it is there, else a copy.

        Raises:
            ClipDeskError: the device is not there.
        """
        network = on_device(self.network, resolve_device(device))
        if network is self.network:
            return self
        made = OpenModel.of(network, name=self.name, sha256=self.sha256)
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
        return replace(
            self,
            name=self.name and (with_latents(self.name, [str(said)]) if said else self.name),
            inspector=with_pairings(self.inspector, [pairing]),
            sha256=self.sha256 and joined_sha256([self.sha256, latents.sha256]),
            nbytes=self.nbytes + latents.nbytes,
            latents=(*self.latents, pairing),
            plain=self.plain or self.sha256,
        )

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


class _Key(NamedTuple):
    """What decides whether a network that is open can be used again."""

    name: ModelName
    device: str
    state: tuple[FileState, ...]


class _How(NamedTuple):
    """How a model is opened; see `ModelPool.open`."""

    trust_archive: bool
    progress: Callable[[Transfer], object]
    stage: Callable[[str], object]
    cancelled: Callable[[], bool]


class ModelPool:
    """Opens models and keeps the networks that were used last, for as long as a file stays as it was.

    Any number of threads may use one pool; a model that several of them ask for at once is opened once.

    Args:
        most_bytes: Memory that the networks may take; the one that was asked for last stays, however large.
    """

    def __init__(self, most_bytes: int = POOL_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._opening: dict[tuple[ModelName, str], threading.Lock] = {}
        self._kept: OrderedDict[_Key, OpenModel] = OrderedDict()

    def open(
        self,
        name: ModelName,
        device: str | torch.device | None = None,
        *,
        weights: str | None = None,
        trust_archive: bool = False,
        progress: Callable[[Transfer], object] = lambda _: None,
        stage: Callable[[str], object] = lambda _: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> OpenModel:
        """A model, ready to be rendered on.

        Args:
            name: The model.
            device: Where to put it; None or ``auto`` for a GPU if there is one.
            weights: SHA-256 that its weights must have; None for any. A network with these weights that is still open
                is used, even if its file has changed meanwhile.
            trust_archive: As for `load_model`.
            progress: Told how far the download is, if there is one.
            stage: Told what is done now, in words.
            cancelled: Asked between two stages and during the download; True ends it.

        Raises:
            OtherWeightsError: the file holds other weights than those that are wanted.
            UsageError, UntrustedArchive, ClipDeskError, Cancelled: as `load_model`.
        """
        place = resolve_device(device)
        kept = self.kept(name, place, weights=weights) if weights else None
        if kept is not None:
            return kept
        check_name(name)
        how = _How(trust_archive, progress, stage, cancelled)
        found = self._latents(name, place, how) if isinstance(name, WithLatents) else self._plain(name, place, how)
        if weights is not None and found.sha256 is not None and found.sha256 != weights:
            raise OtherWeightsError(name, weights, found.sha256)
        return found

    def _latents(self, name: WithLatents, place: torch.device, how: _How) -> OpenModel:
        base = self._plain(name.model, place, how)
        with self._alone(name, place, how.cancelled):
            places = [place_of(each, str(name.model), how.progress, how.cancelled) for each in name.latents]
            states = tuple(state for each in places for state in states_of(files_of(each)))
            key = _Key(name, str(place), (*state_of(fetch_model(name.model)), *states))
            found = self._find(key)
            if found is None:
                found = base
                for path, said in zip(places, name.latents, strict=True):
                    _check(how.cancelled)
                    how.stage(f"Reading {path.name}, and whether it fits …")
                    found = found.with_read(read_latents(path), said)
                self._keep(key, found)
        return found

    def _plain(self, name: PlainName, place: torch.device, how: _How) -> OpenModel:
        with self._alone(name, place, how.cancelled):
            how.stage(f"Opening {short_name(name)} …")
            path = fetch_model(name, progress=how.progress, cancelled=how.cancelled)
            key = _Key(name, str(place), state_of(path))
            found = self._find(key)
            if found is None:
                _check(how.cancelled)
                how.stage(f"Opening {short_name(name)} …")
                loaded = read_model(name, path, place, trust_archive=how.trust_archive)
                _check(how.cancelled)
                how.stage("Learning its layers …")
                found = OpenModel.of(
                    loaded.network,
                    place,
                    name=name,
                    sha256=loaded.sha256,
                    reason=loaded.activation,
                    notes=loaded.notes,
                )
                self._keep(key, found)
        return found

    def kept(
        self, name: ModelName, device: str | torch.device | None = None, *, weights: str | None = None
    ) -> OpenModel | None:
        """The network of a model that is open already, the one used last; None where there is none.

        Args:
            name: The model.
            device: Where it must be.
            weights: SHA-256 that its weights must have; None for any.
        """
        place = str(resolve_device(device))
        with self._lock:
            for key, model in reversed(self._kept.items()):
                if (key.name, key.device) == (name, place) and weights in (None, model.sha256):
                    self._kept.move_to_end(key)
                    return model
        return None

    def _find(self, key: _Key) -> OpenModel | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def _keep(self, key: _Key, model: OpenModel) -> None:
        with self._lock:
            self._kept[key] = model
            while len(self._kept) > 1 and sum(each.nbytes for each in self._kept.values()) > self._most_bytes:
                self._kept.popitem(last=False)

    @contextmanager
    def _alone(self, name: ModelName, place: torch.device, cancelled: Callable[[], bool]) -> Iterator[None]:
        """While it is entered, no other thread opens this model."""
        with self._lock:
            lock = self._opening.setdefault((name, str(place)), threading.Lock())
        while not lock.acquire(timeout=_WAIT_SECONDS):
            _check(cancelled)
        try:
            yield
        finally:
            lock.release()


@cache
def default_pool() -> ModelPool:
    """The pool of this process, which the window, the queue, the commands and the Python API share."""
    return ModelPool()


@checked
def open_model(
    name_or_path: str | Path = EMBEDDED,
    device: str | torch.device | None = None,
    *,
    trust_archive: bool = False,
    progress: Callable[[Transfer], object] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> OpenModel:
    """Open a model with the identity of its weights; the same model is not opened twice while its file stays as it is.

    The process keeps the models that were opened last, up to 6 GiB, and the window and the queue use the same ones. The
    networks are shared: do not change them. `load_model` returns a network of your own.

    Args:
        name_or_path: As for `load_model`.
        device: Where to put it; None or ``auto`` for a GPU if there is one.
        trust_archive: As for `load_model`.
        progress: Told how far the download is, if there is one.
        cancelled: Asked between two stages and during the download; True ends it.

    Raises:
        UsageError, UntrustedArchive, ClipDeskError, Cancelled: as `load_model`.
    """
    return default_pool().open(
        find_name(name_or_path), device, trust_archive=trust_archive, progress=progress, cancelled=cancelled
    )


def _check(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled
