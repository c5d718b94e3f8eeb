"""Open models, always in float32 and ready for rendering."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch

from clipdesk.checksums import file_sha256
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.models.catalogue import CATALOGUE, EMBEDDED, SHOWPIECES, check_name, checkpoint_of, file_of
from clipdesk.models.checkpoints import read_checkpoint
from clipdesk.models.downloads import download
from clipdesk.models.open_clip_names import has_open_clip, open_clip_name
from clipdesk.models.package import CLIP
from clipdesk.models.transfer import Transfer


def load_model(
    name_or_path: str | Path = EMBEDDED,
    device: str | torch.device | None = None,
    *,
    trust_archive: bool = False,
    progress: Callable[[Transfer], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> CLIP:
    """Open a CLIP by name or from a checkpoint.

    Args:
        name_or_path: ``demo``, ``demo-rn``, one of OpenAI's nine names, or a file: a state dict in OpenAI's format
            (.pt or .safetensors), or OpenAI's TorchScript archive. With the extra ``clipdesk[open-clip]`` also one of
            open_clip's models, ``open_clip:ARCHITECTURE/TAG``, or a checkpoint, ``open_clip:ARCHITECTURE/[FILE]``.
        device: Where to put it; None or ``auto`` for a GPU if there is one.
        trust_archive: Open a TorchScript archive of somebody else's, too, and let the code in it run; in this process
            it is opened from then on.
        progress: Told how far the download is, if there is one.
        cancelled: Asked during the download; True ends it.

    Returns:
        The model in evaluation mode, with float32 weights on every device (`clip.load` leaves float16 on GPUs), and no
        gradients for its weights. One of open_clip's is of that package's own class.

    Raises:
        UsageError: there is no such model or file.
        UntrustedArchive: the file is a TorchScript archive, none of OpenAI's, and not trusted.
        ClipDeskError: the file is no CLIP checkpoint, the download failed, or the device is not there.
        Cancelled: `cancelled` said so; the next call goes on from what has arrived.
    """
    name = str(name_or_path)
    check_name(name)
    target = resolve_device(device)
    path = fetch_model(name, progress=progress, cancelled=cancelled)
    of_open_clip = open_clip_name(name)
    if of_open_clip is None:
        model = read_checkpoint(path, trust_archive=trust_archive)
    else:
        # Here and below: its package may be missing, and takes long to load.
        from clipdesk.models.open_clips import read_open_clip

        # None of OpenAI's class, but with the methods of it that are used here: there is no common one to name.
        model = cast(CLIP, read_open_clip(of_open_clip, path, trust_archive=trust_archive))
    return model.float().eval().requires_grad_(False).to(target)


def fetch_model(
    name: str,
    *,
    progress: Callable[[Transfer], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """The file of a model, downloaded if it is not on this disk.

    Args:
        name: Name or file of a model that `check_name` has passed.
        progress: Told how far the download is, if there is one.
        cancelled: Asked during the download; True ends it.

    Raises:
        UsageError: open_clip has no such model.
        ClipDeskError: the download failed.
        Cancelled: `cancelled` said so.
    """
    of_open_clip = open_clip_name(name)
    if of_open_clip is not None:
        from clipdesk.models.open_clips import check_pair, hub_file

        check_pair(of_open_clip)
        return of_open_clip.file or hub_file(of_open_clip).fetch(progress, cancelled)
    if name in CATALOGUE and name not in SHOWPIECES:
        return download(name, progress=progress, cancelled=cancelled)
    return file_of(name) if name in SHOWPIECES else Path(name)


def weights_sha256(name_or_path: str) -> str | None:
    """SHA-256 of a model's file in hexadecimal digits; None where there is no file of that name.

    Takes about a second for each GB, once for each state of the file.
    """
    try:
        path = _file_on_disk(name_or_path)
        return file_sha256(path) if path is not None and path.is_file() else None
    except (OSError, UsageError):
        return None


def _file_on_disk(name_or_path: str) -> Path | None:
    if name_or_path in CATALOGUE:
        return file_of(name_or_path)
    file, of_open_clip = checkpoint_of(name_or_path), open_clip_name(name_or_path)
    if file is not None or of_open_clip is None or not has_open_clip():
        return file
    from clipdesk.models.open_clips import check_pair, hub_file

    check_pair(of_open_clip)
    return hub_file(of_open_clip).on_disk


def resolve_device(device: str | torch.device | None) -> torch.device:
    """The device meant by a name; ``auto`` and None mean a GPU if there is one.

    Raises:
        ClipDeskError: it is not there, or torch knows no such device.
    """
    if device is None or str(device) == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        found = torch.device(device)
    except RuntimeError:
        raise UsageError(f"There is no device '{device}'. Use one of: {', '.join(available_devices())}") from None
    present = available_devices()
    name = "cuda:0" if str(found) == "cuda" else str(found)
    if name not in present:
        raise ClipDeskError(f"Device '{device}' is not there. Use one of: {', '.join(present)}")
    return found


def available_devices() -> list[str]:
    """Names of this machine's devices, fastest first."""
    gpus = [f"cuda:{i}" for i in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    return [*gpus, *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]
