"""OpenModel: a network with the identity of its weights; and ModelPool, which opens models and keeps them."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch
from torch import nn

from clipdesk.errors import Cancelled, UsageError
from clipdesk.models.catalogue import EMBEDDED
from clipdesk.models.loading import fetch_model, read_model, resolve_device
from clipdesk.models.names import (
    Checkpoint,
    HubModel,
    ModelName,
    check_name,
    find_name,
    short_name,
    with_other_activation,
)
from clipdesk.models.places import find_place
from clipdesk.models.transfer import Transfer
from clipdesk.network.frozen import alone_with
from clipdesk.network.inspector import ROOT, LayerInspector, input_side, tower_of
from clipdesk.network.normalization import Normalization, normalization_of

POOL_BYTES = 6 * 2**30
"""Memory that the networks of a pool may take: a ViT-L/14 in float32 takes 1.7 GB."""
_WAIT_SECONDS = 0.1
_RECTIFIERS = ("QuickGELU", "GELU", "ReLU", "SiLU")


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
            nbytes=_bytes_of(network),
            reason=reason,
            notes=notes,
        )

    def on(self, device: str | torch.device) -> OpenModel:
        """The same model on a device: itself if it is there, else a copy.

        Raises:
            ClipDeskError: the device is not there.
        """
        network = on_device(self.network, resolve_device(device))
        return self if network is self.network else OpenModel.of(network, name=self.name, sha256=self.sha256)

    @property
    def remarks(self) -> tuple[str, ...]:
        """How a checkpoint was read, for the user, a sentence each; empty for a model that has a name."""
        if not isinstance(self.name, Checkpoint | HubModel):
            return ()
        return (*self._activation_remark(), *(f"{note[:1].upper()}{note[1:]}." for note in self.notes))

    def _activation_remark(self) -> tuple[str, ...]:
        if not self.reason or self.activation not in ("QuickGELU", "GELU"):
            return ()
        other = None if self.name is None else with_other_activation(self.name, self.activation)
        how = "" if other is None else f" For the other one, open {short_name(other)}."
        return (f"Activation {self.activation}: {self.reason}.{how}",)


def on_device(network: nn.Module, device: torch.device) -> nn.Module:
    """The network itself if it is in float32 on the device, else a copy that is."""
    first = next(network.parameters())
    same_place = first.device.type == device.type and device.index in (None, first.device.index)
    with alone_with(network):
        if same_place and all(p.dtype == torch.float32 for p in network.parameters()):
            return network
        return copy.deepcopy(network).float().to(device)


def _bytes_of(network: nn.Module) -> int:
    with alone_with(network):
        return sum(each.numel() * each.element_size() for each in (*network.parameters(), *network.buffers()))


def activation_of(network: nn.Module) -> str:
    """Class of the first rectifier in a vision tower; empty where there is none that is known."""
    kinds = (type(module).__name__ for module in network.get_submodule(ROOT).modules())
    return next((kind for kind in kinds if kind in _RECTIFIERS), "")


class _FileState(NamedTuple):
    """By what a file is known to be unchanged without reading it."""

    size: int
    modified: int
    changed: int
    number: int


class _Key(NamedTuple):
    """What decides whether a network that is open can be used again."""

    name: ModelName
    device: str
    state: tuple[_FileState, ...]


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
        with self._alone(name, place, cancelled):
            stage(f"Opening {short_name(name)} …")
            path = fetch_model(name, progress=progress, cancelled=cancelled)
            key = _Key(name, str(place), _state_of(path))
            found = self._find(key)
            if found is None:
                _check(cancelled)
                stage(f"Opening {short_name(name)} …")
                loaded = read_model(name, path, place, trust_archive=trust_archive)
                _check(cancelled)
                stage("Learning its layers …")
                found = OpenModel.of(
                    loaded.network,
                    place,
                    name=name,
                    sha256=loaded.sha256,
                    reason=loaded.activation,
                    notes=loaded.notes,
                )
                self._keep(key, found)
        if weights is not None and found.sha256 is not None and found.sha256 != weights:
            raise OtherWeightsError(name, weights, found.sha256)
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


def _state_of(path: Path) -> tuple[_FileState, ...]:
    """The states of the files of a model: its weights, and what stands beside them and says its form."""
    try:
        found = [file.stat() for file in find_place(path).files]
    except OSError as error:
        raise UsageError(f"Could not read {path}: {error.strerror or error}") from error
    return tuple(_FileState(each.st_size, each.st_mtime_ns, each.st_ctime_ns, each.st_ino) for each in found)


def _check(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled
