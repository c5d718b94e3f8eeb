"""A cache of drawn scenes: pictures, factors and tokenised captions, named by its seed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clipdesk.demo.captions import Caption, caption
from clipdesk.demo.scenes import SIZE, draw_scene, sample_scene

CAPTIONS_PER_SCENE = 4
CONTEXT = 20
"""Captions are cut to this many tokens in training; the longest has 16."""

_CHUNK = 1_000


@dataclass(frozen=True)
class Scenes:
    """Drawn scenes.

    Attributes:
        images: uint8, (count, 128, 128, 3); may be memory-mapped.
        factors: int64, (count, 4): shape, colour, texture, background.
        captions: `CAPTIONS_PER_SCENE` captions for each scene.
    """

    images: NDArray[np.uint8]
    factors: NDArray[np.int64]
    captions: list[list[Caption]]


def _draw_chunk(seed: int, chunk: int, held_out: bool, count: int) -> Scenes:
    rng = np.random.default_rng([seed, chunk, held_out])
    images = np.empty((count, SIZE, SIZE, 3), dtype=np.uint8)
    factors = np.empty((count, 4), dtype=np.int64)
    captions: list[list[Caption]] = []
    for i in range(count):
        scene = sample_scene(rng, held_out=held_out)
        images[i] = draw_scene(scene, rng)
        factors[i] = scene.factors
        captions.append([caption(scene, rng) for _ in range(CAPTIONS_PER_SCENE)])
    return Scenes(images, factors, captions)


def draw_scenes(
    count: int, seed: int, *, held_out: bool, cache: Path | None = None, processes: int | None = None
) -> Scenes:
    """Draw `count` scenes.

    Args:
        count: How many scenes.
        seed: Names the set; the same seed gives the same scenes whatever the number of processes.
        held_out: Only the shape x colour pairs that training never shows, or only the others.
        cache: File to keep the pictures in, so that a large set need not fit in memory.
        processes: Worker processes; by default one for each core, none for small sets.
    """
    sizes = [min(_CHUNK, count - start) for start in range(0, count, _CHUNK)]
    arguments = ([seed] * len(sizes), range(len(sizes)), [held_out] * len(sizes), sizes)
    if len(sizes) == 1 or processes == 1:
        return _gathered(map(_draw_chunk, *arguments), count, cache)
    # spawn: forking a process that has started torch's or Qt's threads can hang.
    with ProcessPoolExecutor(processes or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return _gathered(pool.map(_draw_chunk, *arguments), count, cache)


def _gathered(chunks: Iterable[Scenes], count: int, cache: Path | None) -> Scenes:
    shape = (count, SIZE, SIZE, 3)
    images: NDArray[np.uint8]
    images = np.empty(shape, np.uint8) if cache is None else np.memmap(cache, np.uint8, "w+", shape=shape)
    factors = np.empty((count, 4), dtype=np.int64)
    captions: list[list[Caption]] = []
    for chunk in chunks:
        start = len(captions)
        images[start : start + len(chunk.images)] = chunk.images
        factors[start : start + len(chunk.images)] = chunk.factors
        captions += chunk.captions
    return Scenes(images, factors, captions)
