"""Draw the judges' scenes, train them, measure them."""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.judges.corruption import corrupted
from benchmarks.judges.networks import SIDE, Judge
from clipdesk.network.precision import fast_in_bfloat16
from clipdesk.scenes.captions import FACTORS
from clipdesk.scenes.scenes import SIZE, as_picture, draw_backdrop, object_painter, sample_scene

SCENES_SEED = 101
BATCH = 64
PEAK_RATE, WEIGHT_DECAY = 3e-3, 0.02
REPEATED_SHARE = 0.3
"""Share of the scenes that repeat their object, as rendered pictures often do."""
CLEAN_SHARE = 0.25
"""Share of the training pictures that are not corrupted."""
QUIET_SHARE = 0.3
"""Share of the training over which the corruption grows to its full strength."""

_CHUNK = 2_000


@dataclass(frozen=True)
class Lessons:
    """Scenes for the judges.

    Attributes:
        images: uint8, (count, 3, 64, 64).
        factors: As in `Scene.factors`, (count, 4).
    """

    images: NDArray[np.uint8]
    factors: NDArray[np.int64]


def draw_lessons(count: int, *, cache: Path | None = None, seed: int = SCENES_SEED) -> Lessons:
    """Draw scenes that differ from the CLIPs': all shape x colour pairs, with wider ranges of sizes and places.

    Some scenes repeat their object two or three times, each turned differently.

    Args:
        count: Number of scenes.
        cache: File that keeps the scenes; if it exists, they are read from it.
        seed: Seed of the set.
    """
    if cache is not None and cache.exists():
        with np.load(cache) as kept:
            return Lessons(kept["images"], kept["factors"])
    sizes = [min(_CHUNK, count - start) for start in range(0, count, _CHUNK)]
    arguments = ([seed] * len(sizes), range(len(sizes)), sizes)
    if len(sizes) == 1:
        chunks = list(map(_draw_chunk, *arguments))
    else:
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
            chunks = list(pool.map(_draw_chunk, *arguments))
    lessons = Lessons(np.concatenate([c.images for c in chunks]), np.concatenate([c.factors for c in chunks]))
    if cache is not None:
        cache.parent.mkdir(parents=True, exist_ok=True)
        partial = cache.with_suffix(".partial.npz")
        np.savez(partial, images=lessons.images, factors=lessons.factors)
        partial.replace(cache)
    return lessons


def _draw_chunk(seed: int, chunk: int, count: int) -> Lessons:
    rng = np.random.default_rng([seed, chunk])
    images = np.empty((count, 3, SIDE, SIDE), dtype=np.uint8)
    factors = np.empty((count, 4), dtype=np.int64)
    for i in range(count):
        # One pair in eight is held out from the CLIPs' training; a judge has to know it as well as the others.
        scene = sample_scene(rng, held_out=rng.random() < 1 / 8)
        picture = draw_backdrop(scene.background, rng)
        for center, radius in _places(rng):
            picture = object_painter(scene, rng, center, radius)(picture)
        images[i] = reduced(as_picture(picture)[None])[0]
        factors[i] = scene.factors
    return Lessons(images, factors)


def _places(rng: np.random.Generator) -> list[tuple[NDArray[np.float64], float]]:
    """Centres and radius of the object: one copy, or two or three around the middle."""
    if rng.random() >= REPEATED_SHARE:
        radius = rng.uniform(22, 52)
        margin = min(radius * 0.75, SIZE / 2)
        return [(rng.uniform(margin, SIZE - margin, size=2), radius)]
    count = rng.integers(2, 4)
    angles = rng.uniform(0, 2 * np.pi) + np.arange(count) * 2 * np.pi / count
    places = SIZE / 2 + rng.uniform(28, 42) * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return [(place + rng.uniform(-6, 6, size=2), rng.uniform(18, 30)) for place in places]


def reduced(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale scenes, uint8 (n, 128, 128, 3), to the judges' input size, (n, 3, 64, 64)."""
    step = SIZE // SIDE
    squares = images.reshape(len(images), SIDE, step, SIDE, step, 3)
    means = (squares.mean(axis=(2, 4), dtype=np.float32) + 0.5).astype(np.uint8)
    return np.asarray(means.transpose(0, 3, 1, 2), dtype=np.uint8)


def train_judge(judge: Judge, lessons: Lessons, images: int, *, seed: int, report_every: int = 200) -> list[float]:
    """Train a judge in place; prints the loss as it goes.

    Args:
        judge: An untrained judge.
        lessons: The scenes.
        images: Total number of training pictures; a repeated scene may be mirrored, and is corrupted differently.
        seed: Seed of the order and of the corruption.
        report_every: Steps between reports.

    Returns:
        The mean loss of each report.
    """
    generator, rng = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    steps, half = images // BATCH, fast_in_bfloat16(torch.device("cpu"))
    judge.train().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=PEAK_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.15)
    losses: list[float] = []
    reports: list[float] = []
    for step in range(1, steps + 1):
        rows = rng.integers(len(lessons.images), size=BATCH)
        pixels = _lesson(lessons.images[rows], generator, strength=min(1.0, step / steps / QUIET_SHARE))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
            loss = _loss(judge(pixels), torch.from_numpy(lessons.factors[rows]))
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % report_every == 0 or step == steps:
            reports.append(float(np.mean(losses[-report_every:])))
            print(f"{step * BATCH} images, loss {reports[-1]:.3f}", flush=True)
    judge.eval()
    return reports


def _lesson(images: NDArray[np.uint8], generator: torch.Generator, *, strength: float) -> Tensor:
    pixels = torch.from_numpy(images).float() / 255
    mirrored = torch.rand(len(pixels), generator=generator) < 0.5
    pixels = torch.where(mirrored[:, None, None, None], pixels.flip(-1), pixels)
    left = torch.rand(len(pixels), generator=generator) < CLEAN_SHARE
    pixels = torch.where(left[:, None, None, None], pixels, corrupted(pixels, generator, strength))
    return pixels.contiguous(memory_format=torch.channels_last)


def _loss(guesses: list[Tensor], factors: Tensor) -> Tensor:
    """Sum of the losses of all heads; shapes count double."""
    loss = torch.zeros(())
    for column, (factor, guess) in enumerate(zip(FACTORS, guesses, strict=True)):
        loss = loss + (2.0 if factor == "shape" else 1.0) * F.cross_entropy(guess, factors[:, column])
    return loss


@torch.no_grad()
def accuracy(judge: Judge, lessons: Lessons, *, corrupt: bool, seed: int = 0) -> dict[str, float]:
    """Share of scenes that a judge names correctly, by factor, clean or corrupted as in training."""
    generator = torch.Generator().manual_seed(seed)
    right = torch.zeros(len(FACTORS))
    for start in range(0, len(lessons.images), 250):
        pixels = torch.from_numpy(lessons.images[start : start + 250]).float() / 255
        guesses = judge(corrupted(pixels, generator) if corrupt else pixels)
        factors = torch.from_numpy(lessons.factors[start : start + 250])
        right += torch.tensor([(g.argmax(dim=1) == f).sum() for g, f in zip(guesses, factors.T, strict=True)])
    return dict(zip(FACTORS, (right / len(lessons.images)).tolist(), strict=True))
