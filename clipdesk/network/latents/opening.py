"""Find the files of a sparse autoencoder, tell their form, and read them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from clipdesk.checksums import file_sha256
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.models.checkpoints import WeightsFile, content_of, joined_sha256, reading
from clipdesk.models.checks import NotAState
from clipdesk.models.latents_names import USUAL
from clipdesk.models.pickles import Inert
from clipdesk.network.latents.algebra import Latents
from clipdesk.network.latents.clip_scope import read_clip_scope
from clipdesk.network.latents.contents import Content, Values, checked_weights, explained, read_config
from clipdesk.network.latents.dictionary_learning import read_dictionary
from clipdesk.network.latents.msae import read_msae, weights_in
from clipdesk.network.latents.overcomplete import read_overcomplete
from clipdesk.network.latents.prisma import read_patch_sae, read_prisma
from clipdesk.network.latents.sae_lens import CONFIG, read_sae_lens
from clipdesk.network.latents.saev import read_saev

_FORMATS = "weights of Prisma, saev, SAELens, CLIP-Scope, dictionary_learning, PatchSAE, overcomplete or MSAE"
CONFIGS = (CONFIG, "config.json")
"""Names of configurations beside weights."""
_LONGEST_HEADER = 1_000_000


def read_latents(path: Path) -> Latents:
    """The sparse autoencoder in a file or a folder, on the CPU, in the one algebra.

    Args:
        path: The file of its weights, the configuration beside it, or the folder of both.

    Raises:
        UsageError: there is no such file, or the folder holds none or several.
        ClipDeskError: it cannot be read, or is not a sparse autoencoder; the message is one line.
    """
    weights = _weights_at(path)
    config = next((each for name in CONFIGS if (each := weights.parent / name).is_file()), None)
    beside = read_config(config) if config is not None else {}
    digests = [_sha256(config)] if config is not None else []
    with reading(weights, _FORMATS, "a sparse autoencoder") as file, explained():
        header, body = _split(file)
        found, inside = _unwrapped(content_of(body))
        checked = checked_weights(found, file.size)
        values = Values({**inside, **beside})
        content = Content(file.path, checked, values, joined_sha256([file.sha256, *digests]), Values(header or {}))
        latents = _read(content, said=header is not None, lens=config is not None and config.name == CONFIG)
        # The weights of a latent lie together, as `Screen` wants them, so that it needs no copy of its own.
        encoder = latents.encoder.T.contiguous().T
        return replace(latents, encoder=encoder, name=_name(weights), sha256=content.sha256)


def _read(content: Content, *, said: bool, lens: bool) -> Latents:
    """Latents of the form that the names of weights and values tell."""
    config = content.config
    if said:
        return read_saev(content)
    if content.has("pre_b", "enc", "dec"):
        return read_clip_scope(content)
    if content.has("dictionary._weights"):
        return read_overcomplete(content)
    if content.has("pre_bias", "encoder", "latent_bias"):
        return read_msae(content)
    of_trainer = "trainer" in config or content.has("k") or (content.has("threshold") and "architecture" not in config)
    if content.has("encoder.weight") or (of_trainer and not lens):
        return read_dictionary(content)
    if not content.has("W_enc", "W_dec"):
        raise NotAState("its weights are not named as any of them names its own")
    if lens or ("architecture" in config and "hook_point_layer" not in config):
        return read_sae_lens(content)
    return read_patch_sae(content) if "block_layer" in config else read_prisma(content)


def _split(file: WeightsFile) -> tuple[dict[str, object] | None, WeightsFile]:
    """The header of a file of saev's and what follows it; None and the file itself for all other files."""
    file.handle.seek(0)
    line = file.handle.readline(_LONGEST_HEADER)
    if not line.startswith(b"{") or not line.endswith(b"\n"):
        file.handle.seek(0)
        return None, file
    try:
        header = json.loads(line)
    except (ValueError, RecursionError):
        raise NotAState("its first line is not JSON") from None
    rest = file.handle.read()
    if not rest:
        raise NotAState("no weights follow its first line")
    return header, WeightsFile(file.path, io.BytesIO(rest), len(rest), file.sha256)


def _unwrapped(held: object) -> tuple[object, Mapping[str, object]]:
    """The weights in what a file holds, and what it says of them."""
    if not isinstance(held, Mapping):
        return held, {}
    inner = held.get("autoencoder")
    if isinstance(inner, Mapping) and "state_dict" in inner:
        return inner["state_dict"], _fields(held.get("config"))
    if (named := weights_in(held)) is not None:
        return named, held
    if isinstance(held.get("model_state_dict"), Mapping):
        return held["model_state_dict"], held
    if isinstance(held.get("state_dict"), Mapping):
        return held["state_dict"], {**_fields(held.get("config")), **_fields(held.get("cfg"))}
    return held, {}


def _fields(config: object) -> Mapping[str, object]:
    if isinstance(config, Inert):
        return config.fields
    return config if isinstance(config, Mapping) else {}


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that `read_latents` reads: weights, and the configuration beside them.

    Raises:
        UsageError: as `read_latents`.
    """
    weights = _weights_at(path)
    return (weights, *(each for name in CONFIGS if (each := weights.parent / name).is_file()))


def _sha256(path: Path) -> str:
    try:
        return file_sha256(path)
    except OSError as error:
        raise ClipDeskError(f"Could not read {path}: {error.strerror or error}") from error


def _name(weights: Path) -> str:
    """The folder's name for a file whose own is the same everywhere."""
    return weights.parent.name if weights.name in USUAL and weights.parent.name else weights.stem


def _weights_at(path: Path) -> Path:
    if path.is_dir():
        return _weights_in(path)
    if path.name in CONFIGS:
        return _weights_in(path.parent)
    return path


def _weights_in(folder: Path) -> Path:
    found = next((folder / name for name in USUAL if (folder / name).is_file()), None)
    if found is not None:
        return found
    others = sorted(each for kind in ("*.safetensors", "*.pt", "*.pth", "*.bin") for each in folder.glob(kind))
    if len(others) == 1:
        return others[0]
    if not others:
        raise UsageError(f"{folder} holds no weights of a sparse autoencoder, a .safetensors or .pt file")
    raise UsageError(f"{folder} holds several files of weights, such as {others[0].name}. Name one of them")
