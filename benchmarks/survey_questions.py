"""How long the questions take that a survey answers, for ``python -m benchmarks.survey questions``.

A survey of 50,000 pictures and 184,320 units is written in a temporary folder, 1 GB. Its numbers are drawn by chance,
so its answers mean nothing; as many pictures as can be are at the top of some unit, which is the slowest case. The
answers about single units are timed as well in a survey of drawn scenes by the embedded model.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.directions import vocabulary_of
from clipdesk.activations.extremes import KEPT
from clipdesk.activations.histograms import BINS
from clipdesk.activations.making import survey as make_survey
from clipdesk.activations.questions.clusters import clusters
from clipdesk.activations.questions.examples import examples
from clipdesk.activations.questions.find import find, like
from clipdesk.activations.questions.layer import table
from clipdesk.activations.questions.lookup import statistics_of
from clipdesk.activations.questions.sharpening import sharpened
from clipdesk.activations.questions.similar import similar
from clipdesk.activations.questions.vocabulary import TEMPLATES, Vocabulary
from clipdesk.activations.questions.words import LayerWords, prepare, words
from clipdesk.activations.statistics import NONE, Embeddings, Extremes, Histogram, Surveyed, UnitStatistics
from clipdesk.activations.storing import Manifest, open_survey, write_survey
from clipdesk.network.pool import open_model

LARGE_SECONDS, UNIT_SECONDS = 1.0, 0.1
"""The bars: of any question to the large survey, and of what is said of one unit."""
_SOME_UNITS = (1, 7, 100, 200, 255)


@dataclass(frozen=True)
class Size:
    """Of a survey that is made up.

    Attributes:
        pictures: How many.
        layers: How many.
        units: Of each layer.
        width: Of the embedding.
        sampled: Pictures whose activations are all kept.
        concepts: Of the list of words.
    """

    pictures: int = 50_000
    layers: int = 60
    units: int = 3_072
    width: int = 512
    sampled: int = 512
    concepts: int = 2_272


def report(size: Size, scenes: str, rounds: int) -> None:
    """Print the median time of each question and its bar."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "large")
        write_made_up(folder, size)
        print(f"{size.pictures:,} pictures, {size.layers * size.units:,} units", flush=True)
        for name, seconds in large_questions(folder, size, rounds):
            _print(name, seconds, LARGE_SECONDS)
        with patch.dict(os.environ, CLIPDESK_DATA=temporary):
            print(f"{scenes}, demo, one unit", flush=True)
            for name, seconds in unit_questions(scenes):
                _print(name, seconds, UNIT_SECONDS)


def write_made_up(folder: Path, size: Size) -> None:
    """Write a survey whose numbers are drawn by chance."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    rows = _directions(rng, size.pictures, size.width)
    centered = rows - rows.mean(axis=0)
    embeddings = Embeddings(
        rows.astype(np.float16), rows.mean(axis=0, dtype=np.float64), (centered.T @ centered).astype(np.float64)
    )
    sample = np.sort(rng.permutation(size.pictures)[: size.sampled]).astype(np.int32)
    pictures = [Surveyed(f"{i:016x}:{i}", f"{i:06}.png", f"class {i % 100}") for i in range(size.pictures)]
    layers = (_layer(rng, f"layer{number}", size) for number in range(size.layers))
    write_survey(
        folder,
        layers,
        embeddings,
        sample,
        pictures,
        (),
        lambda files: Manifest(
            model="demo",
            weights="0" * 64,
            source=f"scenes:{size.pictures}",
            images="made up",
            fingerprint="",
            precision="float32",
            pictures=size.pictures,
            left_out=0,
            layers=files,
            clipdesk="",
            date=datetime.now(timezone.utc).isoformat(),
            seconds=0,
        ),
    )


def large_questions(folder: Path, size: Size, rounds: int) -> Iterator[tuple[str, float]]:
    """Each question to a large survey, and the median of its seconds over some rounds.

    Words are asked of a model that has read its list, as is kept from the second question on.
    """
    vocabulary = Vocabulary(
        tuple(f"word {number}" for number in range(size.concepts)),
        np.stack([_directions(np.random.default_rng(n), size.concepts, size.width) for n in range(len(TEMPLATES))]),
        "demo",
    )
    survey, image = open_survey(folder), _directions(np.random.default_rng(9), 1, size.width)
    lexicon = prepare(survey, vocabulary)
    first, half = "layer0", f"layer{size.layers // 2}"

    def first_wpmi() -> LayerWords:
        lexicon.priors.clear()
        return words(lexicon, first, [1], reading="wpmi")

    questions: dict[str, Callable[[], object]] = {
        "open it": lambda: open_survey(folder),
        "units for a text": lambda: find(survey, sharpened(survey.embeddings, vocabulary, concepts=[3])[:, 0]),
        "units for an image": lambda: find(survey, image),
        "units like another one": lambda: like(survey, first, 5),
        "similar units": lambda: similar(survey, half, 5),
        "the numbers of a layer": lambda: table(survey, statistics_of(survey, half), rectified=True),
        "examples of a unit": lambda: examples(survey, first, 5),
        "groups of a unit's top pictures": lambda: clusters(survey, first, 5),
        "words: make the list ready": lambda: prepare(survey, vocabulary),
        "words of a unit": lambda: words(lexicon, first, [1]),
        "words of a layer": lambda: words(lexicon, first),
        "words of a unit, sparse": lambda: words(lexicon, first, [1], reading="sparse"),
        "words of a unit by soft WPMI, the first of a layer": first_wpmi,
        "words of a unit by soft WPMI, the next": lambda: words(lexicon, first, [1], reading="wpmi"),
    }
    for name, question in questions.items():
        yield name, statistics.median(_seconds(question) for _ in range(rounds))


def unit_questions(scenes: str) -> Iterator[tuple[str, float]]:
    """What is said of single units of the embedded model, and the median of the seconds over some units.

    The survey is made first, and the list of words is read once, as it is before the first answer.
    """
    opened = open_model("demo", "cpu")
    survey = make_survey(scenes, opened)
    layer = next(name for name, _ in survey.statistics if name.endswith("mlp.gelu"))
    lexicon = prepare(survey, vocabulary_of(opened))
    whole = statistics_of(survey, layer)
    questions: dict[str, Callable[[int], object]] = {
        "examples": lambda unit: (examples(survey, layer, unit), clusters(survey, layer, unit)),
        "words": lambda unit: words(lexicon, layer, [unit]),
        "numbers": lambda _: table(survey, whole, rectified=True),
    }
    for name, question in questions.items():
        yield name, statistics.median(_seconds(partial(question, unit)) for unit in _SOME_UNITS)


def _directions(rng: np.random.Generator, count: int, width: int) -> NDArray[np.float32]:
    rows = rng.standard_normal((count, width), dtype=np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def _layer(rng: np.random.Generator, name: str, size: Size) -> UnitStatistics:
    units, count = size.units, size.pictures

    def drawn(columns: int) -> NDArray[np.float32]:
        return rng.standard_normal((units, columns), dtype=np.float32)

    def ends(values: NDArray[np.floating]) -> Extremes:
        pictures = rng.integers(0, count, values.shape, dtype=np.int32)
        return Extremes(values.astype(np.float32), pictures, np.full(values.shape, NONE, np.int16))

    kept = min(KEPT, count)
    return UnitStatistics(
        layer=name,
        pooling="mean",
        count=count,
        means=np.zeros(units),
        squares=np.full(units, float(count)),
        least=np.full(units, -5, np.float32),
        most=np.full(units, 5, np.float32),
        fired=rng.integers(0, count, units),
        cross=drawn(size.width),
        top=ends(np.sort(4 + drawn(kept) / 9)[:, ::-1]),
        bottom=ends(np.sort(drawn(kept) / 9 - 4)),
        histogram=Histogram(
            np.full(units, -3, np.int16),
            np.full(units, -40, np.int32),
            rng.integers(0, count // BINS + 1, (units, BINS), dtype=np.uint32),
        ),
        sample=drawn(size.sampled).astype(np.float16),
    )


def _seconds(question: Callable[[], object]) -> float:
    begun = time.perf_counter()
    question()
    return time.perf_counter() - begun


def _print(name: str, seconds: float, bar: float) -> None:
    print(f"{name}: {seconds:.3f} s (bar {bar:g} s)", flush=True)
