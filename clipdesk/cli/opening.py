"""Models are opened here, with a bar for their download. Takes torch along."""

from __future__ import annotations

from clipdesk.cli.bars import DownloadBar
from clipdesk.cli.output import say
from clipdesk.models.names import ModelName
from clipdesk.network.opened import OpenModel
from clipdesk.network.pool import default_pool


def open_with_bar(name: ModelName, device: str, *, weights: str | None = None) -> OpenModel:
    """Open a model, and show the progress of its download if there is one.

    Args:
        name: The model.
        device: Where to put it.
        weights: SHA-256 that its weights must have; None for any.

    Raises:
        UsageError, UntrustedArchive, ClipDeskError: as `ModelPool.open`.
    """
    with DownloadBar() as download:
        return default_pool().open(name, device, weights=weights, progress=download)


def say_remarks(opened: OpenModel) -> None:
    """Say on stderr how a checkpoint was read."""
    for remark in opened.remarks:
        say(remark, err=True)
