"""What attention heads write into the embeddings of pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from clipdesk.activations.attention import check_head, part_beside
from clipdesk.activations.heatmaps import read_layers
from clipdesk.activations.questions.heads import COUNT, SpanWord, text_span
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.storing import read_thumbnail
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from clipdesk.given import checked
from clipdesk.imagesets.reading import decode_image
from clipdesk.network.inspector import ROOT
from clipdesk.network.layer_sources import AttentionPart, Part
from clipdesk.network.layers import LayerInfo
from clipdesk.network.opened import OpenModel

_CLOSE = 1e-2
"""Relative difference up to which the class token, taken through the tower's end, is its embedding."""


class _End(NamedTuple):
    """The end of a tower: the last normalisation's numbers, and the projection, (width, embedding)."""

    weight: Tensor
    bias: Tensor
    eps: float
    projection: Tensor

    @classmethod
    def of(cls, tower: nn.Module) -> _End | None:
        """That of CLIP's own transformers; None for others."""
        norm, projection = getattr(tower, "ln_post", None), getattr(tower, "proj", None)
        if not isinstance(norm, nn.LayerNorm) or not isinstance(projection, Tensor):
            return None
        return cls(norm.weight.detach().float(), norm.bias.detach().float(), norm.eps, projection.detach().float())

    def of_part(self, part: Tensor, token: Tensor) -> Tensor:
        """What a part of a token becomes; the normalisation divides as it does for the whole token, (n, embedding)."""
        deviations = (token.var(dim=-1, unbiased=False, keepdim=True) + self.eps).sqrt()
        centred = (part - part.mean(dim=-1, keepdim=True)) / deviations
        return centred * self.weight @ self.projection

    def of_whole(self, token: Tensor) -> Tensor:
        """What a token becomes, (n, embedding)."""
        return self.of_part(token, token) + self.bias @ self.projection


@checked
def head_contributions(
    opened: OpenModel,
    layer: str,
    head: int,
    pictures: Sequence[Image.Image],
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> NDArray[np.float32]:
    """What a head adds to the embeddings of some pictures (Gandelsman et al. 2024).

    Its output at the class token goes through the output projection and the tower's end. The last normalisation is
    frozen: it divides by what it does for the whole token, so that the contributions of all parts add up.

    Args:
        opened: The model.
        layer: Name of a layer of heads.
        head: Index of the head.
        pictures: The pictures.
        progress: Told how many have been read, and of how many.

    Returns:
        (pictures, width), in the space of the embeddings before these get a length of 1.

    Raises:
        UsageError: there is no such head, or the tower does not end in a normalised and projected class token.
        RenderError: the device has too little memory.
    """
    info = check_head(opened, layer, head)
    channels = part_beside(opened, info, Part.HEAD_CHANNELS)
    end, last = _ends(opened)
    root = opened.inspector.get_layer_info(ROOT)
    block, attention = _block_of(opened, info)
    weight = attention.out_proj.weight.detach().float()
    side = weight.shape[1] // info.units
    own = slice(head * side, (head + 1) * side)
    found = [np.zeros((0, root.units), np.float32)]
    for outputs in read_layers(opened, [channels, last, root], pictures):
        token, embedding = outputs[last.name][:, 0].float(), outputs[root.name][:, 0].float()
        if (end.of_whole(token) - embedding).norm() > _CLOSE * embedding.norm():
            raise UsageError("This model does not read its embedding from the class token, which heads write to")
        written = outputs[channels.name][:, 0, own].float() @ weight[:, own].T
        # Some of open_clip's blocks scale what attention writes.
        scale = getattr(block, "ls_1", None)
        with torch.no_grad():
            written = written if scale is None else scale(written)
        found.append(end.of_part(written, token).cpu().numpy())
        progress(sum(map(len, found)), len(pictures))
    return np.concatenate(found)


def written_by(
    opened: OpenModel,
    folder: Path,
    survey: Survey,
    layer: str,
    head: int,
    vocabulary: Vocabulary,
    *,
    count: int = COUNT,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> tuple[tuple[SpanWord, ...], int]:
    """The concepts that span what a head writes, and the number of pictures that they rest on.

    Args:
        opened: The survey's model.
        folder: The survey's folder, with the thumbnails that the model reads.
        survey: The survey.
        layer: Name of a layer of heads.
        head: Index of the head.
        vocabulary: The concepts.
        count: Number of concepts, at most.
        progress: Told how many pictures have been read, and of how many.

    Raises:
        UsageError: as `head_contributions` and `sampled_pictures`.
    """
    pictures = sampled_pictures(survey, lambda place: read_thumbnail(folder, place), progress)
    written = head_contributions(opened, layer, head, pictures, progress)
    return text_span(written, vocabulary, count=count), len(pictures)


def sampled_pictures(
    survey: Survey,
    thumbnail: Callable[[str], bytes | None],
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> list[Image.Image]:
    """The sampled pictures of a survey, from its thumbnails.

    Args:
        survey: A survey.
        thumbnail: Gives the thumbnail of the picture at a place, as WebP; None where there is none.
        progress: Told how many have been read, and of how many.

    Raises:
        UsageError: there are not two thumbnails, or one is damaged.
    """
    found = []
    for done, index in enumerate(survey.sample.tolist(), 1):
        webp = thumbnail(survey.pictures[index].place)
        if webp is not None:
            found.append(decode_image(webp, "a thumbnail"))
        progress(done, len(survey.sample))
    if len(found) < 2:
        raise UsageError("The survey has no thumbnails for the model to read. Make it anew with: clipdesk survey")
    return found


def _ends(opened: OpenModel) -> tuple[_End, LayerInfo]:
    """The end of a model's tower, and its last block."""
    tower = opened.network.get_submodule(ROOT)
    end, blocks = _End.of(tower), getattr(getattr(tower, "transformer", None), "resblocks", None)
    if end is None or not isinstance(blocks, nn.Sequential | nn.ModuleList) or not len(blocks):
        raise UsageError("What heads write is known of CLIP's own transformers only, which end in ln_post and proj")
    return end, opened.inspector.visualizable(f"{ROOT}.transformer.resblocks.{len(blocks) - 1}")


def _block_of(opened: OpenModel, info: LayerInfo) -> tuple[Any, Any]:
    """The block and the attention that a layer of heads belongs to."""
    assert isinstance(info.source, AttentionPart)
    module = info.source.module
    attention: Any = opened.network.get_submodule(module)
    if not isinstance(attention, nn.MultiheadAttention):
        raise UsageError(f"The attention of layer '{info.name}' is not PyTorch's own, so what it writes is not known")
    return opened.network.get_submodule(module.rpartition(".")[0]), attention
