"""Open models, always in float32 and ready for rendering."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import cast
from weakref import WeakKeyDictionary

import torch
from torch import nn

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.given import checked
from clipdesk.models.catalogue import EMBEDDED, SHOWPIECES, file_of
from clipdesk.models.checkpoints import Loaded, read_checkpoint
from clipdesk.models.downloads import download
from clipdesk.models.evidence import NOTHING_ASKED, Asked
from clipdesk.models.listing import on_the_hub
from clipdesk.models.names import Checkpoint, HubModel, Named, PlainName, WithLatents, find_name
from clipdesk.models.package import CLIP
from clipdesk.models.transfer import Transfer

_names: WeakKeyDictionary[nn.Module, PlainName] = WeakKeyDictionary()


@checked
def load_model(
    name_or_path: str | Path = EMBEDDED,
    device: str | torch.device | None = None,
    *,
    trust_archive: bool = False,
    progress: Callable[[Transfer], object] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> CLIP:
    """Open a CLIP by name or from a checkpoint.

    Args:
        name_or_path: ``demo``, ``demo-rn``, one of OpenAI's nine names, or the weights of a CLIP: a file
            (.pt, .bin or .safetensors), its folder, or OpenAI's TorchScript archive. With the extra
            ``clipdesk[open-clip]`` also one of open_clip's models, ``open_clip:ARCHITECTURE/TAG``, a checkpoint,
            ``open_clip:ARCHITECTURE/[FILE]``, or a repository of the Hugging Face Hub, ``hf:OWNER/NAME``.
            See `parse_name` for what may follow a file's name.
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
        UntrustedArchive: the file is a TorchScript archive that is neither one of OpenAI's nor trusted.
        ClipDeskError: the file is not a CLIP checkpoint, the download failed, or the device is not there.
        Cancelled: `cancelled` said so; the next call goes on from what has arrived.
    """
    name, target = find_name(name_or_path), resolve_device(device)
    if isinstance(name, WithLatents):
        raise UsageError("A network alone has no latents. Open it with clipdesk.open_model")
    path = fetch_model(name, progress=progress, cancelled=cancelled)
    return read_model(name, path, target, trust_archive=trust_archive).network


def read_model(name: PlainName, path: Path, device: torch.device, *, trust_archive: bool = False) -> Loaded[CLIP]:
    """Open the file of a model, and take the checksum of what was read.

    Args:
        name: The model.
        path: Its file, as `fetch_model` returns it.
        device: Where to put it.
        trust_archive: As for `load_model`.

    Raises:
        UsageError, UntrustedArchive, ClipDeskError: as `load_model`.
    """
    asked = Asked(name.activation, name.state, name.heads) if isinstance(name, Checkpoint) else NOTHING_ASKED
    if isinstance(name, Named | HubModel) or not name.architecture:
        loaded = read_checkpoint(path, trust_archive=trust_archive, asked=asked)
    else:
        # Its package may be missing, and takes long to load.
        from clipdesk.models.open_clips import read_open_clip

        # Its class is not OpenAI's, but has the methods that are used here; the two have no common base class.
        loaded = cast("Loaded[CLIP]", read_open_clip(name, path, trust_archive=trust_archive, asked=asked))
    network = loaded.network.float().eval().requires_grad_(False).to(device)
    _names[network] = name
    return Loaded(network, loaded.sha256, loaded.notes, loaded.activation, loaded.unusual)


def name_of(network: nn.Module) -> PlainName | None:
    """What a network was opened by in this process; None for one that was made or opened elsewhere."""
    return _names.get(network)


def fetch_model(
    name: PlainName,
    *,
    progress: Callable[[Transfer], object] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """The file of a model, downloaded if it is not on this disk.

    Args:
        name: A model that `check_name` has passed.
        progress: Told how far the download is, if there is one.
        cancelled: Asked during the download; True ends it.

    Raises:
        UsageError: open_clip has no such model.
        ClipDeskError: the download failed.
        Cancelled: `cancelled` said so.
    """
    if isinstance(name, Checkpoint):
        return name.path
    if isinstance(name, Named):
        if name.name in SHOWPIECES:
            return file_of(name.name)
        return download(name.name, progress=progress, cancelled=cancelled)
    return on_the_hub(name).fetch(progress, cancelled)


@checked
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
