"""Sets of drawn scenes: pictures, factors and captions. A kind, a seed and a size identify a set."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clipdesk.scenes.captions import NO_WORD, Caption, describe
from clipdesk.scenes.compositions import WORDS, Composition, draw_composition, sample_composition, sample_name
from clipdesk.scenes.scenes import SIZE, sample_scene

CAPTIONS_PER_SCENE = 4
CONTEXT = 24
"""Captions are cut to this many tokens in training; the longest has 20."""

_CHUNK = 1_000
_PICTURES, _REST = "pictures.u8", "rest.json"


@dataclass(frozen=True)
class Scenes:
    """Drawn scenes.

    Attributes:
        images: uint8, (count, 128, 128, 3); may be memory-mapped.
        things: As in `Composition.things`, int64, (count, 3, 4).
        words: Index of the written word in `WORDS`, -1 for none, int64, (count,).
        captions: `CAPTIONS_PER_SCENE` captions for each scene.
    """

    images: NDArray[np.uint8]
    things: NDArray[np.int64]
    words: NDArray[np.int64]
    captions: list[list[Caption]]

    @property
    def factors(self) -> NDArray[np.int64]:
        """Factors of the first object: shape, colour, texture, background, (count, 4)."""
        return self.things[:, 0]


class Kind(Enum):
    """The contents of a set: single objects of training pairs or of held-out pairs, compositions, or lone names."""

    SEEN = 0
    HELD_OUT = 1
    COMPOSED = 2
    NAMES = 3


def _draw_chunk(seed: int, chunk: int, kind: Kind, count: int) -> Scenes:
    rng = np.random.default_rng([seed, chunk, kind.value])
    images = np.empty((count, SIZE, SIZE, 3), dtype=np.uint8)
    things = np.empty((count, 3, 4), dtype=np.int64)
    words = np.full(count, NO_WORD, dtype=np.int64)
    captions: list[list[Caption]] = []
    for i in range(count):
        if kind in (Kind.COMPOSED, Kind.NAMES):
            shown = sample_composition(rng) if kind is Kind.COMPOSED else sample_name(rng)
        else:
            scene = sample_scene(rng, held_out=kind is Kind.HELD_OUT)
            shown = Composition((scene,), scene.background)
        images[i], things[i] = draw_composition(shown, rng), shown.things
        if shown.word:
            words[i] = WORDS.index(shown.word)
        captions.append([describe(shown, rng) for _ in range(CAPTIONS_PER_SCENE)])
    return Scenes(images, things, words, captions)


def draw_scenes(
    count: int, seed: int, kind: Kind, *, cache: Path | None = None, processes: int | None = None
) -> Scenes:
    """Draw `count` scenes.

    Args:
        count: Number of scenes.
        seed: Seed of the set; it gives the same scenes for any number of processes.
        kind: Contents of the scenes.
        cache: Folder that keeps the set, so that a large one need not fit in memory. A set that is in it is not drawn
            again.
        processes: Worker processes; by default one per core, and none for small sets.

    Raises:
        OSError: the set cannot be kept.
    """
    folder = None if cache is None else kept_in(cache, count, seed, kind)
    if folder is not None and (kept := _kept(folder, count)) is not None:
        return kept
    sizes = [min(_CHUNK, count - start) for start in range(0, count, _CHUNK)]
    arguments = ([seed] * len(sizes), range(len(sizes)), [kind] * len(sizes), sizes)
    if len(sizes) == 1 or processes == 1:
        return _drawn(map(_draw_chunk, *arguments), count, folder)
    # spawn, because forking a process with threads of torch or Qt can hang.
    with ProcessPoolExecutor(processes or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return _drawn(pool.map(_draw_chunk, *arguments), count, folder)


def kept_in(cache: Path, count: int, seed: int, kind: Kind) -> Path:
    """The folder in which `draw_scenes` keeps a set; it is there once the set has been drawn."""
    return cache / f"{kind.name.lower()}-{seed}-{count}"


def _drawn(chunks: Iterable[Scenes], count: int, folder: Path | None) -> Scenes:
    if folder is None:
        images = np.empty((count, SIZE, SIZE, 3), np.uint8)
        return replace(_gathered(chunks, count, images.__setitem__), images=images)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        with (partial / _PICTURES).open("wb") as file:
            # Not a memory map: where the disk is full, writing to one ends the process.
            drawn = _gathered(chunks, count, lambda _, images: file.write(images.data))
        rest = {"things": drawn.things.tolist(), "words": drawn.words.tolist(), "captions": drawn.captions}
        (partial / _REST).write_text(json.dumps(rest, default=vars), "utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            # Another process may have been faster.
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    kept = _kept(folder, count)
    if kept is None:
        raise OSError(errno.EIO, "what was drawn is not there")
    return kept


def _gathered(chunks: Iterable[Scenes], count: int, keep: Callable[[slice, NDArray[np.uint8]], object]) -> Scenes:
    """Everything about the scenes of chunks but the pictures, which are kept elsewhere."""
    things = np.empty((count, 3, 4), dtype=np.int64)
    words = np.empty(count, dtype=np.int64)
    captions: list[list[Caption]] = []
    for chunk in chunks:
        place = slice(len(captions), len(captions) + len(chunk.images))
        keep(place, chunk.images)
        things[place], words[place] = chunk.things, chunk.words
        captions += chunk.captions
    return Scenes(np.empty((0, SIZE, SIZE, 3), np.uint8), things, words, captions)


def _kept(folder: Path, count: int) -> Scenes | None:
    """The scenes that a folder holds; None if it does not hold all of them."""
    try:
        rest = json.loads((folder / _REST).read_text("utf-8"))
        captions = [
            [
                Caption(caption["text"], (tuple(caption["specs"][0]), tuple(caption["specs"][1])), caption["word"])
                for caption in scene
            ]
            for scene in rest["captions"]
        ]
        images = np.memmap(folder / _PICTURES, np.uint8, "r", shape=(count, SIZE, SIZE, 3))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Scenes(images, np.array(rest["things"]), np.array(rest["words"]), captions)
