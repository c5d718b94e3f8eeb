"""open_clip's models: which there are, their files, and how they are opened.

They come with the extra ``clipdesk[open-clip]``; this module is imported only where that is installed. It takes torch
along.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import open_clip
from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME, OPENAI_DATASET_MEAN, OPENAI_DATASET_STD
from open_clip.model import CLIP, CustomTextCLIP, resize_pos_embed, resize_text_pos_embed
from torch import Tensor, nn

from clipdesk.errors import ClipDeskError, UsageError, nearest
from clipdesk.models.architectures import Lengths, lengths_of, own_log, shapes_of, todays, vision_alone
from clipdesk.models.checkpoints import Loaded, read_contents
from clipdesk.models.checks import NotAState, check_finite, check_fit, check_tensors
from clipdesk.models.evidence import NOTHING_ASKED, QUICK_GELU, Asked, hinted_activation
from clipdesk.models.geometry import Unfilled, VisionTower
from clipdesk.models.hub import HubFile, by_library, offline
from clipdesk.models.names import Checkpoint, OpenClip
from clipdesk.models.repairs import repaired, without_others
from clipdesk.models.states import Content, state_asked
from clipdesk.models.wrappers import Found, find_clip

log = logging.getLogger(__name__)

_TOKENIZERS = ("tokenizer_config.json", "tokenizer.json", "config.json")
_TRANSFORMERS = "the package transformers, which is not installed. Get it: pip install transformers"


class Weights(NamedTuple):
    """Weights that open_clip knows.

    Attributes:
        repository: On the Hugging Face Hub.
        files: Names of their file there, best first.
        mean: What is taken off the three channels of a picture, whose values are 0 to 1.
        std: What they are divided by then.
        quick_gelu: Whether they were trained with OpenAI's approximation of GELU. With the other one a model still
            runs, and all its units are slightly wrong.
    """

    repository: str
    files: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    quick_gelu: bool


def known_names() -> list[OpenClip]:
    """Every architecture with every tag that open_clip lists, in its order."""
    return [OpenClip(architecture, tag) for architecture, tag in open_clip.list_pretrained()]


def input_size_of(architecture: str) -> int | None:
    """Side in pixels of the pictures that an architecture takes; None where open_clip does not say."""
    size = (open_clip.get_model_config(architecture) or {}).get("vision_cfg", {}).get("image_size")
    return size if isinstance(size, int) else None


def check_pair(name: OpenClip | Checkpoint) -> None:
    """Check that open_clip has an architecture, and weights of this tag for it.

    Raises:
        UsageError: it has not; offers the nearest.
    """
    if isinstance(name, OpenClip):
        known = list(map(str, known_names()))
        if str(name) not in known:
            raise UsageError(f"open_clip lists no model '{name}'. {nearest(str(name), known)}")
    elif name.architecture not in open_clip.list_models():
        near = nearest(name.architecture, open_clip.list_models())
        raise UsageError(f"open_clip has no architecture '{name.architecture}'. {near}")


def weights_of_tag(name: OpenClip) -> Weights:
    """What open_clip knows of the weights of a tag."""
    found = open_clip.get_pretrained_cfg(name.architecture, name.tag)
    owner, repository, file = str(found["hf_hub"]).split("/", 2)
    # As open_clip does: rather the same weights as safetensors, where somebody has put them there.
    files = (file.removesuffix(".bin") + ".safetensors", file) if file else (HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME)
    mean, std = tuple(found["mean"]), tuple(found["std"])
    return Weights(f"{owner}/{repository}", files, mean, std, bool(found.get("quick_gelu")))


def hub_file(name: OpenClip) -> HubFile:
    """The file of the weights of a tag."""
    weights = weights_of_tag(name)
    return HubFile(str(name), weights.repository, weights.files)


def read_open_clip(
    name: OpenClip | Checkpoint, path: Path, *, trust_archive: bool = False, asked: Asked = NOTHING_ASKED
) -> Loaded[nn.Module]:
    """Build one of open_clip's models with the weights of a file.

    As `open_clip.create_model` with a tag or a file. But nothing in the file is run, but for a TorchScript archive that
    is OpenAI's or allowed; weights that are missing or infinite are refused; and the activation is the one that the
    weights were trained with, where open_clip only warns.

    Args:
        name: The architecture and, if they have one, the weights' tag.
        path: Their file: .pt, .bin or .safetensors, maybe with names after ``module.``, as training scripts write it.
        trust_archive: Allow the TorchScript archive that the file is, for as long as this process runs.
        asked: What the user says of it.

    Raises:
        UsageError: open_clip has no such model.
        UntrustedArchive: it is an archive that nobody has allowed.
        ClipDeskError: it needs a package that is not installed, or the file does not fit; the message is one line.
    """
    check_pair(name)
    _check_text_tower(name)
    form = f"a state dict of open_clip's {name.architecture} (.pt or .safetensors)"
    with read_contents(path, form, trust_archive=trust_archive) as (content, sha256):
        found = find_clip(content.value, asked.state)
        check_tensors(found.state, content.size)
        state, notes = repaired(found.state)
        quick, why = _quick_gelu(name, content, found, asked)
        unusual = state_asked(content, found, asked)
        if quick is not _quick_gelu(name, content, found, NOTHING_ASKED)[0]:
            unusual = (*unusual, asked.activation)
        lengths = _lengths(name.architecture, state)
        model = _unfilled(name, quick, lengths)
        alone = vision_alone(state) and isinstance(model, CLIP | CustomTextCLIP)
        try:
            with own_log():
                state = todays(state, model)
                resize_pos_embed(state, model)
                resize_text_pos_embed(state, model)
        except (AssertionError, RuntimeError) as error:
            raise NotAState("its weights are those of another architecture") from error
        if alone:
            model = VisionTower(model.get_submodule("visual"))
            state = {part: value for part, value in state.items() if part.startswith("visual.")}
            notes.append("it is a vision tower alone, so texts cannot be rendered")
        state, left = without_others(state, model.state_dict())
        check_fit(state, model.state_dict())
        model.load_state_dict(state, assign=True)
        model = model.float().eval()
        check_finite(model.state_dict())
    # By it the tokenizer is found, also for a copy.
    vars(model)[_ARCHITECTURE] = name.architecture
    if lengths.side:
        notes.append(f"its positions are those of pictures of {lengths.side} px")
    if lengths.context:
        notes.append(f"its positions are those of texts of {lengths.context} tokens")
    notes = [*found.notes, *notes, *left]
    for note in (*notes, f"activation: {why}"):
        log.info("%s: %s", path.name, note)
    return Loaded(model, sha256, tuple(notes), why, unusual)


def _quick_gelu(name: OpenClip | Checkpoint, content: Content, found: Found, asked: Asked) -> tuple[bool, str]:
    """Whether the activation must be OpenAI's, and why."""
    named = bool((open_clip.get_model_config(name.architecture) or {}).get("quick_gelu"))
    if asked.activation:
        return asked.activation == QUICK_GELU, "as asked for"
    if isinstance(name, OpenClip):
        return _trained_with(name)[2] or named, "as the weights of this tag were trained"
    hint, why = hinted_activation(content.path, found.run, content.configs)
    if hint:
        return hint == QUICK_GELU, why
    return named, f"as the architecture's name {name.architecture} says"


def _lengths(architecture: str, state: dict[str, Tensor]) -> Lengths:
    """Side and length that the file's positions say, where they are not the architecture's."""
    shapes = shapes_of(architecture)
    if shapes is None:
        return Lengths(None, None)
    vision = (open_clip.get_model_config(architecture) or {}).get("vision_cfg", {})
    patch = state.get("visual.conv1.weight", state.get("visual.trunk.patch_embed.proj.weight"))
    square = isinstance(vision.get("image_size", 224), int)
    return lengths_of(state, shapes, patch.shape[-1] if patch is not None and patch.ndim == 4 and square else None)


_ARCHITECTURE = "open_clip_architecture"


def tokenizer_of(model: nn.Module) -> Callable[[list[str]], Tensor] | None:
    """What makes token numbers, (texts, length), for the text tower of a model that `read_open_clip` has built.

    Returns:
        None for another model.

    Raises:
        UsageError: it needs a package that is not installed.
        ClipDeskError: it could not be downloaded.
    """
    architecture = vars(model).get(_ARCHITECTURE)
    return None if architecture is None else _tokenizer(str(architecture), getattr(model, "context_length", None))


@cache
def _tokenizer(architecture: str, length: int | None) -> Callable[[list[str]], Tensor]:
    """An architecture's tokenizer, for texts of a length that a file's positions may say."""
    wanted = (open_clip.get_model_config(architecture) or {}).get("text_cfg", {}).get("hf_tokenizer_name")
    with own_log():
        if not wanted:
            return open_clip.get_tokenizer(architecture, context_length=length)
        if not _has_transformers():
            raise UsageError(f"Texts for {architecture} need {_TRANSFORMERS}. Units and pictures can do without")

        def read(here: bool) -> Callable[[list[str]], Tensor]:
            return open_clip.get_tokenizer(architecture, context_length=length, local_files_only=here)

        try:
            return by_library(f"the tokenizer of {architecture}", wanted, _TOKENIZERS, read)
        except ClipDeskError as error:
            raise ClipDeskError(f"{error}. Units and pictures can be rendered without it") from error


def _has_transformers() -> bool:
    return importlib.util.find_spec("transformers") is not None


def _check_text_tower(name: OpenClip | Checkpoint) -> None:
    """Check that a text tower of the package transformers can be built, and get what describes it."""
    tower = (open_clip.get_model_config(name.architecture) or {}).get("text_cfg", {}).get("hf_model_name")
    if tower is None:
        return
    if not _has_transformers():
        raise ClipDeskError(f"{name} has a text tower of {_TRANSFORMERS}")
    described: Callable[..., object] = importlib.import_module("transformers").AutoConfig.from_pretrained
    by_library(
        f"the form of the text tower of {name.architecture}",
        tower,
        ("config.json",),
        lambda here: described(tower, local_files_only=here),
    )


def _unfilled(name: OpenClip | Checkpoint, quick: bool, lengths: Lengths) -> nn.Module:
    """The architecture, with any weights, for pictures and texts of some lengths."""
    mean, std, _ = _trained_with(name)
    with own_log(), offline():
        try:
            with Unfilled():
                return open_clip.create_model(
                    name.architecture,
                    load_weights=False,
                    pretrained_text=False,
                    force_quick_gelu=quick,
                    force_image_size=lengths.side,
                    force_context_length=lengths.context,
                    force_preprocess_cfg={"mean": mean, "std": std},
                )
        except Exception as error:
            reason = " ".join(str(error).split())[:200]
            raise ClipDeskError(f"open_clip could not build {name.architecture}: {reason}") from error


def _trained_with(name: OpenClip | Checkpoint) -> tuple[tuple[float, ...], tuple[float, ...], bool]:
    """Mean and standard deviation of the pictures, and whether the activation must be OpenAI's.

    For a file they are what all weights that open_clip has for the architecture agree on; its name says the rest, such
    as ``ViT-B-32-quickgelu``.
    """
    if isinstance(name, OpenClip):
        weights = weights_of_tag(name)
        return weights.mean, weights.std, weights.quick_gelu
    tags = open_clip.list_pretrained_tags_by_model(name.architecture)
    known = {weights_of_tag(OpenClip(name.architecture, tag))[2:4] for tag in tags}
    mean, std = known.pop() if len(known) == 1 else (OPENAI_DATASET_MEAN, OPENAI_DATASET_STD)
    return mean, std, False
