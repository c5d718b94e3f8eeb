"""Find the files of a sparse autoencoder, tell their form, and read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from clipdesk.checksums import file_sha256
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.models.checkpoints import content_of, joined_sha256, reading
from clipdesk.network.latents.algebra import Latents
from clipdesk.network.latents.contents import Content, Values, checked_weights, explained, read_config
from clipdesk.network.latents.sae_lens import CONFIG, WEIGHTS, read_sae_lens

_FORMATS = "weights of Prisma, saev, SAELens, CLIP-Scope, dictionary_learning or PatchSAE"
_CONFIGS = (CONFIG, "config.json")
_NAMES = (WEIGHTS, "weights.pt", "sae.pt", "ae.pt")
"""Names of weights in a folder, the first that is there."""


def read_latents(path: Path) -> Latents:
    """The sparse autoencoder in a file or a folder, on the CPU, in the one algebra.

    Args:
        path: The file of its weights, the configuration beside it, or the folder of both.

    Raises:
        UsageError: there is no such file, or the folder holds none or several.
        ClipDeskError: it cannot be read, or is not a sparse autoencoder; the message is one line.
    """
    weights = _weights_at(path)
    config = next((found for name in _CONFIGS if (found := weights.parent / name).is_file()), None)
    values = Values(read_config(config) if config is not None else {})
    with reading(weights, _FORMATS, "a sparse autoencoder") as file, explained():
        held = content_of(file)
        digests = [file.sha256, *([_sha256(config)] if config is not None else [])]
        content = Content(file.path, checked_weights(held, file.size), values, joined_sha256(digests))
        latents = read_sae_lens(content)
        return replace(latents, name=_name(weights), sha256=content.sha256)


def _sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise ClipDeskError(f"Could not read {path}: {error.strerror or error}") from error


def _name(weights: Path) -> str:
    """The folder's name for a file whose own is the same everywhere."""
    return weights.parent.name if weights.name in _NAMES and weights.parent.name else weights.stem


def _weights_at(path: Path) -> Path:
    if path.is_dir():
        return _weights_in(path)
    if path.name in _CONFIGS:
        return _weights_in(path.parent)
    return path


def _weights_in(folder: Path) -> Path:
    found = next((folder / name for name in _NAMES if (folder / name).is_file()), None)
    if found is not None:
        return found
    others = sorted(each for kind in ("*.safetensors", "*.pt", "*.pth", "*.bin") for each in folder.glob(kind))
    if len(others) == 1:
        return others[0]
    if not others:
        raise UsageError(f"{folder} holds no weights of a sparse autoencoder, a .safetensors or .pt file")
    raise UsageError(f"{folder} holds several files of weights, such as {others[0].name}. Name one of them")
