"""Sparse autoencoders are trained here, with their progress on the terminal. Takes torch along."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import click

from clipdesk.activations.autoencoders.settings import TrainingSettings, check_library
from clipdesk.activations.autoencoders.training import TrainingProgress, fit_values, train_autoencoder
from clipdesk.cli.bars import TrainingBar
from clipdesk.cli.opening import open_with_bar, say_remarks
from clipdesk.cli.output import say, say_json, say_path
from clipdesk.cli.queue import opened_store
from clipdesk.cli.surveying import look_at
from clipdesk.cli.terminal import interruptible
from clipdesk.imagesets.sets import ImageSet
from clipdesk.jobs.autoencoder_work import AutoencoderWork
from clipdesk.models.names import ModelName
from clipdesk.network.opened import OpenModel
from clipdesk.paths import autoencoders_folder


def train(
    name: ModelName,
    images: str,
    settings: TrainingSettings,
    device: str | None,
    output: Path | None,
    *,
    later: bool,
    as_json: bool,
) -> None:
    """Train a sparse autoencoder, print its folder, and say how well it fits; or put that into the queue.

    Raises:
        ClipDeskError: as `open_image_set`, `ModelPool.open` and `train_autoencoder`.
        click.Abort: it was interrupted; what it has learnt is kept.
    """
    check_library()
    opened_set = look_at(images)
    output = None if output is None else Path(os.path.abspath(output))
    if later:
        _put_into_queue(name, opened_set, settings, device, output)
        return
    opened = open_with_bar(name, device or "auto")
    say_remarks(opened)
    end = _with_bars(opened, opened_set, settings, output)
    if as_json:
        say_json({"folder": str(end.folder), "fit": None if end.fit is None else fit_values(end.fit)})
    elif end.folder is not None:
        say_path(end.folder)
    if end.fit is not None:
        fit = end.fit
        say(
            f"R² {fit.r2:.3f} with {fit.l0:.1f} latents active at a token; {100 * fit.dead:.1f} % of the latents "
            f"were never active, on {fit.tokens:,} tokens that were kept apart",
            err=True,
        )


def _with_bars(
    opened: OpenModel, images: ImageSet, settings: TrainingSettings, output: Path | None
) -> TrainingProgress:
    """Train with a bar for each stage; the last progress, which names the folder."""
    with interruptible() as interrupted, closing(train_autoencoder(opened, images, settings, output)) as run:
        progress = next(run)
        while progress.folder is None:
            stage = progress.stage
            with TrainingBar(progress) as bar:
                while progress.folder is None and progress.stage == stage:
                    bar.update(progress)
                    if interrupted():
                        break
                    progress = next(run)
                else:
                    continue
            say("The same command goes on from there.", err=True)
            raise click.Abort
    return progress


def _put_into_queue(
    name: ModelName, images: ImageSet, settings: TrainingSettings, device: str | None, output: Path | None
) -> None:
    job = AutoencoderWork(
        model=name,
        images=images.source,
        settings=settings,
        output=None if output is None else str(output),
        device=device or "auto",
    )
    with opened_store() as store:
        number = store.add(job.known(), autoencoders_folder())
    say(f"Job {number} waits. 'clipdesk queue run' works through the queue")
