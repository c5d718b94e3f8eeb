"""Open models, always in float32 and ready for rendering."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import torch

from clipdesk.models.lazily import read_when_used

# clip uses torchvision's transforms only; its models and operators take torch's compiler along, some three seconds.
with (
    read_when_used("torchvision", "datasets", "io", "models", "ops"),
    warnings.catch_warnings(),
):
    # clip-anytorch imports pkg_resources, which warns of its own end.
    warnings.simplefilter("ignore")
    import clip
    from clip.model import CLIP

from clipdesk.checksums import file_sha256
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.models.catalogue import CATALOGUE, EMBEDDED, SHOWPIECES, check_name, file_of
from clipdesk.models.downloads import download
from clipdesk.models.transfer import Transfer

log = logging.getLogger(__name__)


def load_model(
    name_or_path: str | Path = EMBEDDED,
    device: str | torch.device | None = None,
    *,
    progress: Callable[[Transfer], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> CLIP:
    """Open a CLIP by name or from a checkpoint.

    Args:
        name_or_path: ``demo``, ``demo-rn``, one of OpenAI's nine names, or a file: a state dict in OpenAI's format, or
            OpenAI's TorchScript archive.
        device: Where to put it; None or ``auto`` for a GPU if there is one.
        progress: Told how far the download is, if there is one.
        cancelled: Asked during the download; True ends it.

    Returns:
        The model in evaluation mode, with float32 weights on every device (`clip.load` leaves float16 on GPUs), and no
        gradients for its weights.

    Raises:
        UsageError: there is no such model or file.
        ClipDeskError: the file is no CLIP checkpoint, the download failed, or the device is not there.
        Cancelled: `cancelled` said so; the next call goes on from what has arrived.
    """
    name = str(name_or_path)
    check_name(name)
    target = resolve_device(device)
    if name in CATALOGUE and name not in SHOWPIECES:
        model = _load_official(name, progress, cancelled)
    else:
        model = _load_file(file_of(name) if name in SHOWPIECES else Path(name))
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


def tokenize(texts: list[str]) -> torch.Tensor:
    """Token numbers of texts as CLIP's text tower wants them, (texts, 77).

    Raises:
        UsageError: a text is too long.
    """
    try:
        return clip.tokenize(texts)
    except RuntimeError as error:
        raise UsageError("The text is too long: CLIP reads at most 75 tokens (about 50 words)") from error


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


def _load_official(name: str, progress: Callable[[Transfer], None], cancelled: Callable[[], bool]) -> CLIP:
    path = download(name, progress=progress, cancelled=cancelled)
    try:
        return _quietly_load(str(path))
    except (OSError, RuntimeError) as error:
        log.exception("loading %s", name)
        raise ClipDeskError(f"The file of {name} cannot be read ({error}). Delete {path} and try again") from error


def _load_file(path: Path) -> CLIP:
    try:
        return _quietly_load(str(path))
    except OSError as error:
        raise ClipDeskError(f"Could not read {path}: {error.strerror or error}") from error
    except Exception as error:
        # A file that is no checkpoint fails in as many ways as there are files.
        log.exception("loading %s", path)
        raise ClipDeskError(
            f"{path} is not a CLIP checkpoint. "
            "It must be a state dict in OpenAI's format, or OpenAI's TorchScript archive"
        ) from error


def _quietly_load(name: str) -> CLIP:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model: CLIP = clip.load(name, device="cpu")[0]
    return model
