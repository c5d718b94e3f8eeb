"""A trained ResNet's features as a lesson for a transformer's patches.

A small transformer learns outlines from labels slowly; a convolutional network's features, place by place, teach it
faster (Li et al. 2022, "Locality Guidance for Improving Vision Transformers on Tiny Datasets", arXiv:2207.10026).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from clip.model import CLIP, VisionTransformer
from torch import Tensor, nn

from clipdesk.inspector import LayerInspector
from clipdesk.render.capture import LayerCapture
from clipdesk.render.transforms import normalized

WEIGHT = 3.0
TEACHING = "visual.layer3"
"""The teacher's stage whose grid is that of the student's patches: one place for each 16 x 16 pixels."""
LEARNING = 3
"""The student's block whose patches are to hold what the teacher's places do; the blocks behind it make use of it."""


class Guidance:
    """Compares the student's patches with the teacher's features after each of the student's forward passes.

    Args:
        teacher: A CLIP with a ResNet of the student's input size; used as it is.
        student: A CLIP with a transformer of patches of 16 px. A hook stays on it for the whole training.
    """

    def __init__(self, teacher: CLIP, student: CLIP) -> None:
        tower = student.visual
        if not isinstance(tower, VisionTransformer):
            raise TypeError("only a transformer is guided")
        inspector = LayerInspector(teacher)
        children = [node.info for node in inspector.tree.walk() if node.info.name.startswith(f"{TEACHING}.")]
        self._info = [info for info in children if info.kind == "Bottleneck"][-1]
        self._capture = LayerCapture(teacher, [self._info])
        self.mapping = nn.Linear(tower.get_parameter("class_embedding").shape[0], self._info.units)
        self._seen: list[Tensor] = []
        tower.get_submodule(f"transformer.resblocks.{LEARNING}").register_forward_hook(self._note)

    def _note(self, _module: nn.Module, _inputs: object, tokens: Tensor) -> None:
        self._seen.append(tokens[1:].transpose(0, 1))

    def loss(self, pixels: Tensor) -> Tensor:
        """Mean squared distance to the teacher's features of clean pictures, standardised in each place.

        Args:
            pixels: The pictures that the student has just seen, without their noise, (n, 3, side, side) in [0, 1].
        """
        with torch.no_grad():
            wanted = self._capture.run(normalized(pixels))[self._info.name]
            wanted = F.layer_norm(wanted, wanted.shape[-1:])
        found = self.mapping(torch.cat(self._seen).float())
        self._seen.clear()
        return WEIGHT * F.mse_loss(found, wanted)
