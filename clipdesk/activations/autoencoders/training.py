"""Train a sparse autoencoder: read the activations, learn from them, measure the fit, and write a folder."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from clipdesk.activations.autoencoders.rows import Batches, gather, remove_rows, rows_in, tokens_of
from clipdesk.activations.autoencoders.settings import EXPANSION, TrainingSettings, check_library
from clipdesk.activations.autoencoders.trainer import MakeTrainer, Trainer, Weights
from clipdesk.activations.storing import alone
from clipdesk.errors import ClipDeskError, UsageError, first_line
from clipdesk.filenames import safe_words
from clipdesk.imagesets.sets import ImageSet
from clipdesk.models.names import short_name
from clipdesk.network.latents.activations import Threshold, TopK
from clipdesk.network.latents.algebra import Latents, Tokens
from clipdesk.network.latents.fitting import Fit, fit_of
from clipdesk.network.latents.sae_lens import CONFIG, write_sae_lens
from clipdesk.network.opened import OpenModel
from clipdesk.paths import autoencoders_folder
from clipdesk.version import __version__

CHECKPOINT_SECONDS = 30.0
_VERSION = 1
"""To be raised when the same settings would train something else."""
_PARTIAL, _STATE, _NEW = ".partial", "state", ".new"
_SAMPLE = 65_536
"""Rows whose mean and size stand for all, and on which the fit is measured."""


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is.

    Attributes:
        stage: What is done now: ``reading`` counts pictures, ``training`` steps.
        done: How many of them are done.
        total: How many there are.
        left_out: Pictures that could not be read, so far.
        rate: Pictures or steps a second in this process; 0 before the first.
        folder: Where the autoencoder is, once it is finished.
        fit: How well it fits pictures that it has not learnt from, once it is finished.
    """

    stage: Literal["reading", "training"]
    done: int
    total: int
    left_out: int = 0
    rate: float = 0.0
    folder: Path | None = None
    fit: Fit | None = None

    @property
    def seconds_left(self) -> float | None:
        """Seconds until this stage is over; None where that is not known yet."""
        return (self.total - self.done) / self.rate if self.rate else None


@dataclass
class _Clock:
    """How many of something a second, since it was made."""

    begun: int
    started: float = field(default_factory=time.monotonic)

    def rate(self, done: int) -> float:
        return (done - self.begun) / max(time.monotonic() - self.started, 1e-6)


def settled(opened: OpenModel, settings: TrainingSettings) -> TrainingSettings:
    """The settings with all that the model says: the layer's full name, its tokens, and the number of latents.

    Raises:
        UsageError: there is no such layer, it has no class token, or fewer latents are wanted than are to be active.
    """
    info = opened.inspector.visualizable(settings.layer)
    latents = settings.latents or EXPANSION * info.units
    if settings.active >= latents:
        raise UsageError(f"Of {latents:,} latents {settings.active:,} are to be active: name more with --latents")
    changes = {"layer": info.name, "tokens": tokens_of(info, settings.tokens), "latents": latents}
    return settings.model_copy(update=changes)


def autoencoder_folder(opened: OpenModel, images: ImageSet, settings: TrainingSettings) -> Path:
    """Where a training's result is kept unless another folder is named: its name says weights, set and settings."""
    wanted = settled(opened, settings)
    known = [opened.sha256, images.source, images.fingerprint, wanted.model_dump(), _VERSION]
    digest = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:16]
    model = "model" if opened.name is None else short_name(opened.name)
    return autoencoders_folder() / f"{safe_words(model)}-{safe_words(wanted.layer)}-{digest}"


def train_autoencoder(
    opened: OpenModel,
    images: ImageSet,
    settings: TrainingSettings,
    folder: Path | None = None,
    *,
    make: MakeTrainer | None = None,
) -> Generator[TrainingProgress, None, None]:
    """Train a sparse autoencoder, from where an interrupted training of the same was; at once where it is there.

    To pause, stop pulling; to stop, close the generator: the next one goes on from there.

    Args:
        opened: The model.
        images: The pictures to learn from. Every tenth is kept apart, to measure the fit.
        settings: What to train with.
        folder: Where to put it; by default `autoencoder_folder`.
        make: What learns; by default SAELens.

    Yields:
        How far it is; the last one names the folder and the fit.

    Raises:
        UsageError: there is no such layer or class token; there are too few pictures; the folder is taken.
        ClipDeskError: SAELens is not installed; another process is at it; there is too little room on the disk.
    """
    make = make or _sae_lens()
    wanted = settled(opened, settings)
    own = autoencoder_folder(opened, images, wanted)
    place = own if folder is None else folder
    if _is_there(own) and place == own:
        yield TrainingProgress("training", wanted.steps, wanted.steps, folder=own)
        return
    if place.exists() and (not place.is_dir() or any(place.iterdir())):
        raise UsageError(f"{place} is there already. Name a new folder with --output, or delete it")
    partial = own.with_name(f"{own.name}{_PARTIAL}")
    with alone(own, "trains this autoencoder"), _disk_errors(partial):
        partial.mkdir(parents=True, exist_ok=True)
        left_out = yield from _read(opened, images, wanted, partial)
        width = opened.inspector.visualizable(wanted.layer).units
        trainer = yield from _trained(opened, wanted, rows_in(partial, "training", width), partial, make)
        latents = _latents(opened, wanted, trainer.weights())
        fit = fit_of(latents, torch.from_numpy(_some(rows_in(partial, "held_out", width))))
        _write(latents, place, _notes(opened, images, wanted, fit))
        remove_rows(partial)
        shutil.rmtree(partial, ignore_errors=True)
    yield TrainingProgress("training", wanted.steps, wanted.steps, left_out, folder=place, fit=fit)


def _read(
    opened: OpenModel, images: ImageSet, settings: TrainingSettings, partial: Path
) -> Generator[TrainingProgress, None, int]:
    """Read the activations; how many pictures were left out."""
    info, total = opened.inspector.visualizable(settings.layer), len(images.pictures)
    needed = 4 * info.units * total * min(settings.positions, 1 if settings.tokens == "class" else info.positions)
    free = shutil.disk_usage(partial).free
    if needed > free:
        raise ClipDeskError(
            f"The activations of {total:,} pictures need {needed / 1e6:,.0f} MB on the disk of {partial}, and "
            f"{free / 1e6:,.0f} MB are free. Name fewer images, or a smaller --positions"
        )
    clock: _Clock | None = None
    for gathered in gather(opened, images, settings, partial):
        clock = clock or _Clock(gathered.done)
        yield TrainingProgress("reading", gathered.done, total, gathered.left_out, clock.rate(gathered.done))
    if gathered.training < settings.batch or not gathered.held_out:
        raise UsageError(
            f"{gathered.training:,} tokens are too few to learn from in steps of {settings.batch:,}: name more images, "
            "or a smaller --batch"
        )
    return gathered.left_out


def _trained(
    opened: OpenModel, settings: TrainingSettings, rows: NDArray[np.float32], partial: Path, make: MakeTrainer
) -> Generator[TrainingProgress, None, Trainer]:
    """Learn from the rows, with a checkpoint now and then, and one when it is closed."""
    sample = torch.from_numpy(_some(rows)).to(opened.device)
    trainer = _going_on(lambda: make(settings, sample, settings.latents or 0, opened.device), partial)
    batches = Batches(rows, settings.batch, settings.seed)
    clock, kept = _Clock(trainer.step), time.monotonic()
    try:
        while trainer.step < settings.steps:
            trainer.advance(batches.at(trainer.step).to(opened.device))
            yield TrainingProgress("training", trainer.step, settings.steps, rate=clock.rate(trainer.step))
            if time.monotonic() - kept > CHECKPOINT_SECONDS:
                _keep(trainer, partial)
                kept = time.monotonic()
    except GeneratorExit:
        _keep(trainer, partial)
        raise
    return trainer


def _going_on(make: Callable[[], Trainer], partial: Path) -> Trainer:
    """A trainer that goes on from the last checkpoint that can be read, or begins."""
    # The new one is whole where the last one is gone.
    for folder in (partial / _STATE, partial / f"{_STATE}{_NEW}"):
        if folder.is_dir():
            trainer = make()
            with suppress(OSError, RuntimeError, KeyError, ValueError, TypeError, SafetensorError):
                trainer.read(folder)
                return trainer
    return make()


def _keep(trainer: Trainer, partial: Path) -> None:
    """Write a checkpoint, in place of the last one only when it is whole."""
    fresh, last = partial / f"{_STATE}{_NEW}", partial / _STATE
    shutil.rmtree(fresh, ignore_errors=True)
    trainer.write(fresh)
    shutil.rmtree(last, ignore_errors=True)
    fresh.replace(last)


def _some(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rows from all over, at most `_SAMPLE`."""
    return np.array(rows[:: max(1, -(-len(rows) // _SAMPLE))])


def _latents(opened: OpenModel, settings: TrainingSettings, weights: Weights) -> Latents:
    threshold = weights.threshold
    return Latents(
        weights.encoder,
        weights.bias,
        weights.decoder,
        weights.decoder_bias,
        TopK(settings.active) if threshold is None else Threshold(torch.tensor([threshold])),
        layer=settings.layer,
        tokens=Tokens(settings.tokens or "all"),
        model=str(opened.name or ""),
    )


def fit_values(fit: Fit) -> dict[str, float]:
    """A fit as plain values, rounded to what they are worth."""
    return {name: round(value, 4) for name, value in asdict(fit).items()}


def _notes(opened: OpenModel, images: ImageSet, settings: TrainingSettings, fit: Fit) -> dict[str, object]:
    """What the configuration says of how it was made."""
    return {
        "weights_sha256": opened.sha256 or "",
        "images": images.source,
        "images_fingerprint": images.fingerprint,
        "training": settings.model_dump(),
        "fit": fit_values(fit),
        "clipdesk_version": __version__,
    }


def _write(latents: Latents, place: Path, notes: dict[str, object]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = place.with_name(f"{place.name}{_PARTIAL}-written")
    shutil.rmtree(fresh, ignore_errors=True)
    write_sae_lens(latents, fresh, notes)
    if place.is_dir():
        place.rmdir()
    fresh.replace(place)


def _sae_lens() -> MakeTrainer:
    check_library()
    # Not above: it may be missing, and takes seconds to load.
    from clipdesk.activations.autoencoders.saelens import SaeLensTrainer

    return SaeLensTrainer


def _is_there(folder: Path) -> bool:
    return (folder / CONFIG).is_file()


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or first_line(error)
        raise ClipDeskError(
            f"Cannot write to {folder}: {reason}. The same command goes on when that is mended"
        ) from error
