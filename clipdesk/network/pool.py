"""The open models of a process: each is opened once, and kept as long as its file stays as it was."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

import torch

from clipdesk.errors import Cancelled, UsageError
from clipdesk.given import checked
from clipdesk.models.catalogue import EMBEDDED
from clipdesk.models.checkpoints import identity_of
from clipdesk.models.loading import fetch_model, read_model, resolve_device
from clipdesk.models.names import (
    ModelName,
    PlainName,
    WithLatents,
    check_name,
    find_name,
    short_name,
)
from clipdesk.models.transfer import Transfer
from clipdesk.network.file_states import FileState, state_of, states_of
from clipdesk.network.latents.opening import files_of, read_latents
from clipdesk.network.latents.places import place_of
from clipdesk.network.opened import OpenModel

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
            weights: SHA-256 that its weights must have, as `OpenModel.has_weights`; None for any. A network with these
                weights that is still open is used, even if its file has changed meanwhile.
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
        if weights is not None and found.sha256 is not None and not found.has_weights(weights):
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
                    sha256=identity_of(loaded.sha256, loaded.unusual),
                    file_sha256=loaded.sha256,
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
                if (key.name, key.device) == (name, place) and model.has_weights(weights):
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
