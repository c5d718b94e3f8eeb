"""Models are opened here, with a bar for their download. Takes torch along."""

from __future__ import annotations

from clipdesk.cli.bars import DownloadBar
from clipdesk.cli.output import say
from clipdesk.models.names import ModelName
from clipdesk.network.opened import OpenModel, default_pool


def open_with_bar(name: ModelName, device: str, *, weights: str | None = None) -> OpenModel:
    """Open a model, show the progress of its download if there is one, and say on stderr how a checkpoint was read.

    Args:
        name: The model.
        device: Where to put it.
        weights: SHA-256 that its weights must have; None for any.

    Raises:
        UsageError, UntrustedArchive, ClipDeskError: as `ModelPool.open`.
    """
    with DownloadBar() as download:
        opened = default_pool().open(name, device, weights=weights, progress=download)
    for remark in opened.remarks:
        say(remark, err=True)
    return opened
