"""Guidance of a transformer's patches by the features of a trained ResNet.

A small transformer learns outlines from labels slowly; a convolutional network's features, position by position, teach
it faster (Li et al. 2022, "Locality Guidance for Improving Vision Transformers on Tiny Datasets", arXiv:2207.10026).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from clip.model import CLIP, VisionTransformer
from torch import Tensor, nn

from clipdesk.network.capture import LayerCapture
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.layers import LayerInfo
from clipdesk.network.normalization import normalized

WEIGHT = 3.0
LESSONS = {"visual.layer3": 3, "visual.layer4": 4}
"""The block of the student whose patches learn the features of each stage of the teacher.

The third stage has one position per 16 x 16 pixels, like a transformer with such patches. The last stage has one
position per four of these; there outlines and letters come together.
"""


class Guidance:
    """Compares the student's patches with the teacher's features after each of the student's forward passes.

    Args:
        teacher: A CLIP with a ResNet of the student's input size; it does not change.
        student: A CLIP with a transformer of patches of 16 px. Hooks stay on it for the whole training.
    """

    def __init__(self, teacher: CLIP, student: CLIP) -> None:
        tower = student.visual
        if not isinstance(tower, VisionTransformer):
            raise TypeError("only a transformer can be guided")
        nodes = list(LayerInspector(teacher).tree.walk())
        self._stages: list[LayerInfo] = []
        self._seen: dict[str, list[Tensor]] = {}
        self.mappings = nn.ModuleList()
        width = tower.get_parameter("class_embedding").shape[0]
        for stage, block in LESSONS.items():
            inside = [node.info for node in nodes if node.info.name.startswith(f"{stage}.")]
            last = [info for info in inside if info.kind == "Bottleneck"][-1]
            self._stages.append(last)
            self.mappings.append(nn.Linear(width, last.units))
            seen = self._seen[last.name] = []
            tower.get_submodule(f"transformer.resblocks.{block}").register_forward_hook(
                lambda _module, _inputs, tokens, seen=seen: seen.append(tokens[1:].transpose(0, 1))
            )
        self._capture = LayerCapture(teacher, self._stages)
        self._taught: tuple[Tensor, dict[str, Tensor]] | None = None

    def loss(self, pixels: Tensor) -> Tensor:
        """Mean squared distance to the teacher's features of clean pictures, standardised at each position.

        Args:
            pixels: The pictures that the student has just seen, without their noise, (n, 3, side, side) in [0, 1].
        """
        # Pushed copies of a batch have the same clean pictures.
        if self._taught is None or self._taught[0] is not pixels:
            with torch.no_grad():
                self._taught = pixels, self._capture.run(normalized(pixels))
        taught = self._taught[1]
        loss = torch.zeros((), device=pixels.device)
        for stage, mapping in zip(self._stages, self.mappings, strict=True):
            wanted = F.layer_norm(taught[stage.name], taught[stage.name].shape[-1:])
            found = _on_grid(torch.cat(self._seen[stage.name]).float(), wanted.shape[1])
            self._seen[stage.name].clear()
            loss = loss + WEIGHT * F.mse_loss(mapping(found), wanted)
        return loss


def _on_grid(patches: Tensor, positions: int) -> Tensor:
    """Means of square groups of patches, (n, patches, width) to (n, positions, width)."""
    side, wanted = math.isqrt(patches.shape[1]), math.isqrt(positions)
    planes = patches.transpose(1, 2).reshape(len(patches), -1, side, side)
    return F.avg_pool2d(planes, side // wanted).flatten(2).transpose(1, 2)
