"""Open models, always in float32 and ready for rendering."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from clipdesk.checksums import file_sha256
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.models.catalogue import CATALOGUE, EMBEDDED, SHOWPIECES, check_name, file_of
from clipdesk.models.checkpoints import read_checkpoint
from clipdesk.models.downloads import download
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
            (.pt or .safetensors), or OpenAI's TorchScript archive.
        device: Where to put it; None or ``auto`` for a GPU if there is one.
        trust_archive: Open a TorchScript archive of somebody else's, too, and let the code in it run; in this process
            it is opened from then on.
        progress: Told how far the download is, if there is one.
        cancelled: Asked during the download; True ends it.

    Returns:
        The model in evaluation mode, with float32 weights on every device (`clip.load` leaves float16 on GPUs), and no
        gradients for its weights.

    Raises:
        UsageError: there is no such model or file.
        UntrustedArchive: the file is a TorchScript archive, none of OpenAI's, and not trusted.
        ClipDeskError: the file is no CLIP checkpoint, the download failed, or the device is not there.
        Cancelled: `cancelled` said so; the next call goes on from what has arrived.
    """
    name = str(name_or_path)
    check_name(name)
    target = resolve_device(device)
    if name in CATALOGUE and name not in SHOWPIECES:
        path = download(name, progress=progress, cancelled=cancelled)
    else:
        path = file_of(name) if name in SHOWPIECES else Path(name)
    model = read_checkpoint(path, trust_archive=trust_archive)
    return model.float().eval().requires_grad_(False).to(target)


def weights_sha256(name_or_path: str) -> str | None:
    """SHA-256 of a model's file in hexadecimal digits; None where there is no file of that name.

    Takes about a second for each GB, once for each state of the file.
    """
    path = file_of(name_or_path) if name_or_path in CATALOGUE else Path(name_or_path)
    try:
        return file_sha256(path) if path.is_file() else None
    except OSError:
        return None


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
