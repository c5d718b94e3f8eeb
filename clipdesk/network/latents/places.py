"""The files of a sparse autoencoder, from this disk or from the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from clipdesk.models.latents_names import USUAL, LatentsName, on_this_disk
from clipdesk.models.listing import hub_module
from clipdesk.models.names import has_open_clip, missing
from clipdesk.models.transfer import Transfer
from clipdesk.network.latents.opening import CONFIGS


def place_of(
    name: LatentsName,
    model: str,
    progress: Callable[[Transfer], object] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """Where a sparse autoencoder is on this disk; one of a repository is downloaded if it is not.

    Args:
        name: The sparse autoencoder.
        model: The name of the model that it is for.
        progress: Told how far the download is, if there is one.
        cancelled: Asked during the download; True ends it.

    Raises:
        UsageError: there is no such file, or the package is missing that downloads need.
        ClipDeskError: the download failed, or the repository has no such file.
        Cancelled: `cancelled` said so.
    """
    there = on_this_disk(name, model)
    if there is not None:
        return there
    if not has_open_clip():
        raise missing(name.place)
    repository, inside = name.repository or ("", "")
    found: Path = hub_module().fetch_beside(
        name.place, repository, inside, USUAL, CONFIGS, progress=progress, cancelled=cancelled
    )
    return found
