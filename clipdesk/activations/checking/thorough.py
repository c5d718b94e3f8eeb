"""Checks that take as long as renders: other seeds, weights that have learnt nothing, and the written word."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from clipdesk.activations.checking.known import KnownTarget, known_target
from clipdesk.activations.checking.picture import outputs_of
from clipdesk.activations.checking.second import SecondReader
from clipdesk.activations.checking.usual import ALIKE, APART, SEEDS, WRITTEN
from clipdesk.activations.measuring import Picture
from clipdesk.activations.questions.ranking import Rank
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.statistics import Pooling
from clipdesk.activations.survey import Survey
from clipdesk.errors import ClipDeskError
from clipdesk.models.loading import resolve_device
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.opened import OpenModel
from clipdesk.network.randomizing import randomized
from clipdesk.render.loop import Frame, render
from clipdesk.render.settings import RenderSettings
from clipdesk.render.targets import Target

_MARGIN = 0.1
"""Of the picture of a word, on each side, as a share of its own."""
_LARGEST_FONT = 0.5


@dataclass(frozen=True)
class Thorough:
    """What renders and the written word say of a picture.

    Attributes:
        reader: The model that compares pictures.
        seeds: How many pictures with other seeds it was compared with.
        agreement: Mean cosine of all pairs of these and the picture, in the reader's whitened embedding.
        control: Mean cosine of the picture with others that were made alike on a network with shuffled weights; NaN
            where that cannot be rendered.
        word: The word that its target answers to; empty where none is known.
        written: Where the activation of a picture of that word, written, is among the survey's; None without a word.
    """

    reader: str
    seeds: int
    agreement: float
    control: float
    word: str
    written: Rank | None

    @property
    def against(self) -> tuple[str, ...]:
        """What speaks against the picture, in words; empty if nothing does."""
        return tuple(self._against())

    def _against(self) -> Iterator[str]:
        if self.agreement < ALIKE:
            yield f"{self.seeds} other seeds show something else, to {self.reader} (cosine {self.agreement:.2f})"
        if self.control > self.agreement - APART:
            yield f"shuffled weights give pictures that are as like it as other seeds' (cosine {self.control:.2f})"
        if self.written is not None and 100 * self.written.share >= WRITTEN:
            yield f'its target also answers to the written word "{self.word}", {self.written.in_words}'


def check_thoroughly(
    opened: OpenModel,
    survey: Survey,
    target: Target,
    picture: Picture,
    settings: RenderSettings,
    *,
    reader: SecondReader,
    vocabulary: Vocabulary | None = None,
    pooling: Pooling | None = None,
    seeds: int = SEEDS,
    progress: Callable[[int, int], object] = lambda done, count: None,
) -> Thorough:
    """Check a picture by rendering it anew; that takes about twice as many steps as the picture did, for each seed.

    Args:
        opened: The survey's model.
        survey: A survey.
        target: What the picture is to show.
        picture: The picture.
        settings: How it was rendered, with its seed.
        reader: The second model, which compares pictures.
        vocabulary: Concepts, read by the survey's model, of which one is written.
        pooling: As for `check_picture`.
        seeds: How many pictures are rendered on each network.
        progress: Told how many steps are done, and of how many; it may raise `Cancelled` to end the check.

    Raises:
        UsageError: as `check_picture` and `render`.
        RenderError: out of memory.
    """
    known = known_target(opened, survey, target, pooling=pooling, own_texts=settings.own_texts)
    settings = _of_this_machine(settings)
    others = [settings.seed + 1 + number for number in range(seeds)]
    steps = settings.iterations * (1 if opened.latents else 2)
    made = _rendered(opened, target, settings, others, lambda done: progress(done, steps))
    places = _unit(reader.place([picture, *made]))
    agreement = float(np.mean([places[one] @ places[two] for one, two in combinations(range(len(places)), 2)]))
    control = math.nan
    if not opened.latents:
        # Autoencoders were trained on what the weights gave before they were shuffled.
        network = randomized(opened.network, settings.seed)
        blank = replace(opened, network=network, inspector=LayerInspector(network), sha256=None)
        alike = _rendered(blank, target, settings, others, lambda done: progress(settings.iterations + done, steps))
        control = float((_unit(reader.place(alike)) @ places[0]).mean())
    word = _word(survey, known, vocabulary)
    return Thorough(reader.name, seeds, agreement, control, word, _written(opened, known, word) if word else None)


def written(word: str, side: int) -> Image.Image:
    """A word, black on white and as large as it fits, as a square of a side in pixels."""
    image = Image.new("RGB", (side, side), "white")
    draw, room = ImageDraw.Draw(image), side * (1 - 2 * _MARGIN)
    size = _LARGEST_FONT * side
    wide = draw.textlength(word, ImageFont.load_default(size))
    font = ImageFont.load_default(max(1.0, size * min(1.0, room / max(1.0, wide))))
    draw.text((side / 2, side / 2), word, fill="black", font=font, anchor="mm")
    return image


def _rendered(
    opened: OpenModel, target: Target, settings: RenderSettings, seeds: Sequence[int], told: Callable[[int], object]
) -> list[NDArray[np.uint8]]:
    last: deque[Frame] = deque(maxlen=1)
    frames = render(opened.network, [target] * len(seeds), settings, seeds=seeds, inspector=opened.inspector)
    # Whoever is told may give up, which must leave no hooks behind.
    with closing(frames):
        for frame in frames:
            told(frame.step)
            last.append(frame)
    return list(last.pop().images())


def _of_this_machine(settings: RenderSettings) -> RenderSettings:
    """The settings, with a device that is here: the picture may have been rendered on another machine."""
    try:
        resolve_device(settings.device)
    except ClipDeskError:
        return settings.model_copy(update={"device": "auto"})
    return settings


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12), dtype=np.float64)


def _word(survey: Survey, known: KnownTarget, vocabulary: Vocabulary | None) -> str:
    """The text of a text; of other targets, the concept that stands highest in the pictures that excite them most."""
    if known.text is not None or vocabulary is None:
        return known.text or ""
    rows, embeddings = vocabulary.means.astype(np.float64), survey.embeddings
    deviations = np.sqrt(np.maximum(embeddings.variances(rows), 0) / max(1, len(survey.pictures)))
    tops = embeddings.unit_rows(np.array(known.tops, dtype=np.intp)).mean(axis=0)
    heights = rows @ (tops - embeddings.mean) / np.maximum(deviations, 1e-9)
    return vocabulary.concepts[int(heights.argmax())]


def _written(opened: OpenModel, known: KnownTarget, word: str) -> Rank:
    layers = list(dict.fromkeys(layer for layer, _ in known.keys))
    found = outputs_of(opened, layers, [written(word, opened.side)])
    return known.rank(float(known.score(found)[0]))
