"""Measurements of pictures."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import torch
from clip.model import CLIP
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from torch.nn.functional import normalize

from benchmarks.judges.networks import MAKES, load_judge, named
from benchmarks.quality.questions import Question
from clipdesk.demo.evaluate import embed_images, nearest_values
from clipdesk.demo.selectivity import unit_activations
from clipdesk.models.texts import tokenize
from clipdesk.network.capture import LayerCapture
from clipdesk.network.inspector import LayerInspector, input_side
from clipdesk.network.normalization import normalized
from clipdesk.render.objectives import Objective
from clipdesk.render.targets import Target, Text, Unit
from clipdesk.render.transforms import resized
from clipdesk.scenes.captions import FACTORS

Images = NDArray[np.uint8]

MILD_SHIFT, MILD_BLUR, MILD_QUALITY = 3, 0.7, 75
"""The mild perturbation: shift in pixels, sigma of a blur in pixels, quality of a JPEG."""


def recovered(questions: Sequence[Question], images: Images) -> dict[str, NDArray[np.bool_]]:
    """By judge, True for each picture in which it names what was asked for, (questions,)."""
    return {judge: _right(questions, named(load_judge(judge), images)) for judge in MAKES}


def transferred(questions: Sequence[Question], images: Images, other: CLIP) -> NDArray[np.bool_]:
    """True where another CLIP finds the correct prompt of each factor nearest to the picture, (questions,)."""
    embeddings = embed_images(other, fitted(images, input_side(other)))
    return _right(questions, np.stack([nearest_values(other, embeddings, factor) for factor in FACTORS], axis=1))


def _right(questions: Sequence[Question], seen: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.array([question.shown(row) for question, row in zip(questions, seen, strict=True)])


def activations(model: CLIP, targets: Sequence[Target], images: Images) -> NDArray[np.float32]:
    """Activation of each target for its own picture, without noise or transforms, (targets,)."""
    inspector, side = LayerInspector(model), input_side(model)
    parts = []
    for start in range(0, len(targets), 32):
        group = targets[start : start + 32]
        objective = Objective.of(group, model, inspector)
        pixels = torch.from_numpy(np.array(images[start : start + 32])).permute(0, 3, 1, 2).float() / 255
        with torch.no_grad():
            outputs = LayerCapture(model, objective.layers).run(normalized(resized(pixels, side)))
            parts.append(objective(outputs).numpy())
    return np.concatenate(parts)


def scene_activations(model: CLIP, targets: Sequence[Target], scenes: Images) -> NDArray[np.float32]:
    """Activation of each target, a unit or a text, for every scene or photograph, (scenes, targets)."""
    units = [target for target in targets if isinstance(target, Unit)]
    of_units = unit_activations(model, sorted({unit.layer for unit in units}), scenes) if units else {}
    texts = [target.text for target in targets if isinstance(target, Text)]
    columns: dict[Target, NDArray[np.float32]] = {unit: of_units[unit.layer][:, unit.index] for unit in units}
    if texts:
        with torch.no_grad():
            wanted = normalize(model.encode_text(tokenize(texts)), dim=-1)
        cosines = (embed_images(model, scenes) @ wanted.T).numpy()
        columns |= {Text(text=text): cosines[:, i] for i, text in enumerate(texts)}
    return np.stack([columns[target] for target in targets], axis=1)


def perturbed(images: Images) -> Images:
    """Apply the mild shift, blur and JPEG to pictures."""
    parts = []
    for image in images:
        moved = Image.fromarray(np.roll(image, (MILD_SHIFT, MILD_SHIFT), axis=(0, 1)))
        file = io.BytesIO()
        moved.filter(ImageFilter.GaussianBlur(MILD_BLUR)).save(file, "JPEG", quality=MILD_QUALITY)
        parts.append(np.asarray(Image.open(file).convert("RGB")))
    return np.stack(parts)


def radial_spectrum(images: Images, bins: int = 32) -> NDArray[np.float64]:
    """Mean power of the grey pictures at each frequency up to half a cycle per pixel, in decibels, (bins,)."""
    grey = images.astype(np.float64).mean(axis=3) / 255
    power = np.abs(np.fft.fft2(grey - grey.mean(axis=(1, 2), keepdims=True))) ** 2
    frequencies = np.hypot(np.fft.fftfreq(grey.shape[1])[:, None], np.fft.fftfreq(grey.shape[2])[None, :])
    place = np.minimum((frequencies * 2 * bins).astype(int), bins)
    mean = power.mean(axis=0) / grey[0].size
    return np.array([10 * np.log10(mean[place == i].mean() + 1e-12) for i in range(bins)])


def fitted(images: Images, side: int, resampling: Image.Resampling = Image.Resampling.BOX) -> Images:
    """Scale pictures to another size."""
    if images.shape[1] == side:
        return images
    return np.stack([np.asarray(Image.fromarray(np.array(image)).resize((side, side), resampling)) for image in images])
