"""Judge what ClipDesk says of units against the truth: ``python -m benchmarks.words``.

A survey of drawn scenes says in words what the embedded models' units answer to, and finds units for words. Other
scenes, whose contents are known, tell which of this is right: a unit answers to a concept if it is more active for
scenes that show it than for others, by the area under the ROC curve (AUC). The scores of CLIP-Dissect and of
SemanticLens, from their published formulas, get the same survey, and the texts with which they do best.

Prints a table for each model: of the units with an AUC of at least 0.95 for one value, the share whose first word is
that value; and for the 32 words, the share of the first ten units found whose AUC for it is at least 0.9 (of as many as
there are, where there are fewer), and for how many of the words that share is at least 80 %.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from clip.model import CLIP
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import normalize

from clipdesk.activations.questions.concepts import concepts_of
from clipdesk.activations.questions.find import find
from clipdesk.activations.questions.reading import read_vocabulary
from clipdesk.activations.questions.sharpening import readings
from clipdesk.activations.questions.vocabulary import TEMPLATES, Vocabulary
from clipdesk.activations.questions.words import Reading, prepare, words
from clipdesk.activations.questions.wpmi import soft_wpmi
from clipdesk.activations.survey import Survey
from clipdesk.demo.evaluate import embed_images
from clipdesk.demo.selectivity import CONCEPTS, areas_under_curves, concepts_shown, layer_groups, unit_activations
from clipdesk.models.loading import load_model
from clipdesk.models.texts import tokenize
from clipdesk.scenes.dataset import Kind, Scenes, draw_scenes
from tests.activations.surveys import direct_survey

SEED, OTHER_SEED = 11, 3
SELECTIVE, ANSWERS = 0.95, 0.9
FIRST = 10
ENOUGH = 0.8

Areas = Mapping[str, NDArray[np.float64]]
"""By layer: AUC of each unit for each of `CONCEPTS`, (concepts, units)."""
Scores = Mapping[str, NDArray[np.floating]]
"""By layer: score of each concept of a list for each unit, (units, concepts)."""


@dataclass(frozen=True)
class Search:
    """How well units are found for words.

    Attributes:
        share: Mean over the words of the share of right units among the first ten.
        enough: Words for which that share is at least 80 %.
        words: Words that some unit answers to.
        missed: The others of these, with the number of right ones and of those there are.
    """

    share: float
    enough: int
    words: int
    missed: tuple[str, ...]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["demo", "demo-rn"])
    parser.add_argument("--scenes", type=int, default=5_000, help="in the survey")
    parser.add_argument("--others", type=int, default=4_000, help="that tell what is right")
    parser.add_argument("--kind", choices=["seen", "composed"], default="seen", help="of the survey's scenes")
    parser.add_argument("--cache", type=Path, help="folder that keeps the scenes")
    arguments = parser.parse_args()
    kind = Kind[arguments.kind.upper()]
    surveyed = draw_scenes(arguments.scenes, SEED, kind, cache=arguments.cache)
    others = draw_scenes(arguments.others, OTHER_SEED, Kind.SEEN, cache=arguments.cache)
    for name in arguments.models:
        model = load_model(name, "cpu")
        layers = [layer for group in layer_groups(model).values() for layer in group]
        survey, areas = survey_of(model, layers, surveyed), areas_of(model, layers, others)
        print(f"\n{name}: {len(survey.pictures):,} {arguments.kind} scenes, {len(areas)} layers\n", flush=True)
        report(name, model, survey, areas)


def survey_of(model: nn.Module, layers: Sequence[str], scenes: Scenes) -> Survey:
    """A survey of scenes, computed directly."""
    activations = unit_activations(model, layers, scenes.images)
    return direct_survey({(layer, "mean"): each for layer, each in activations.items()}, embeddings_of(model, scenes))


def embeddings_of(model: nn.Module, scenes: Scenes) -> NDArray[np.float32]:
    """The embeddings of scenes, of length 1."""
    return np.asarray(embed_images(cast(CLIP, model), scenes.images).cpu().numpy(), dtype=np.float32)


def areas_of(model: nn.Module, layers: Sequence[str], scenes: Scenes) -> Areas:
    """What units answer to, by scenes whose contents are known."""
    shown = concepts_shown(scenes.factors)
    activations = unit_activations(model, layers, scenes.images)
    return {layer: areas_under_curves(each, shown) for layer, each in activations.items()}


def report(name: str, model: nn.Module, survey: Survey, areas: Areas) -> None:
    """Print the tables of a model."""
    scenes, english = (read_vocabulary(model, concepts_of(each), reader=name) for each in ("scenes", "english"))
    print("| words chosen by | right first words |\n|---|---|")
    for reading in ("probability", "cosine", "sparse", "wpmi"):
        started = time.perf_counter()
        share, count = right_words(first_words(survey, scenes, reading), areas)
        print(f"| {reading} ({time.perf_counter() - started:.1f} s) | {share:.1%} of {count} |", flush=True)
    for peer, score in PEERS.items():
        best = max(
            (right_words(firsts(score(survey, texts), scenes.concepts), areas)[0], label)
            for label, texts in peer_texts(model, scenes).items()
        )
        print(f"| {peer}, {best[1]} | {best[0]:.1%} |", flush=True)
    print("\n| units found by | right among the first ten | words with 80 % | missed |\n|---|---|---|---|")
    for label, contrast in (("probability among scenes' words", scenes), ("among English words", english)):
        row(label, found_units(survey, contrast, scenes, areas))
    row("cosine to the text alone", found_units(survey, None, scenes, areas))
    for peer, score in PEERS.items():
        searches = [
            (by_scores(score(survey, texts), scenes.concepts, areas), label)
            for label, texts in peer_texts(model, scenes).items()
        ]
        search, label = max(searches, key=lambda each: each[0].share)
        row(f"{peer}, {label}", search)


def row(label: str, search: Search) -> None:
    """Print a row of the table of searches."""
    missed = ", ".join(search.missed)
    print(f"| {label} | {search.share:.1%} | {search.enough} of {search.words} | {missed} |", flush=True)


def first_words(survey: Survey, vocabulary: Vocabulary, reading: Reading) -> dict[tuple[str, int], str]:
    """The first word of each unit, by layer and index."""
    lexicon = prepare(survey, vocabulary)
    return {
        (layer, each.unit): each.labels[0].concept
        for layer, _ in survey.statistics
        for each in words(lexicon, layer, reading=reading, count=1).units
        if each.labels
    }


def right_words(chosen: Mapping[tuple[str, int], str], areas: Areas) -> tuple[float, int]:
    """Of the units that tell one value from the rest, the share whose first word is that value, and their number."""
    right = [
        chosen.get((layer, int(unit))) == CONCEPTS[int(each[:, unit].argmax())][1]
        for layer, each in areas.items()
        for unit in np.flatnonzero(each.max(axis=0) >= SELECTIVE)
    ]
    return float(np.mean(right)), len(right)


def areas_for(word: str, areas: Areas) -> dict[str, NDArray[np.float64]]:
    """AUC of each unit for a word, as a value of whichever factor suits it best, by layer."""
    values = [place for place, (_, value) in enumerate(CONCEPTS) if value == word]
    return {layer: each[values].max(axis=0) for layer, each in areas.items()}


def found_units(survey: Survey, contrast: Vocabulary | None, vocabulary: Vocabulary, areas: Areas) -> Search:
    """How right the units are that `find` gives for each concept of a vocabulary.

    Args:
        survey: A survey of scenes.
        contrast: What each text is told from; None for the texts' own embeddings.
        vocabulary: The words to look for.
        areas: What is right.
    """
    found: dict[str, list[tuple[str, int]]] = {}
    for place, word in enumerate(vocabulary.concepts):
        query = Vocabulary((word,), vocabulary.texts[:, place : place + 1], vocabulary.reader)
        directions = query.texts[:, 0] if contrast is None else readings(survey.embeddings, contrast, query)
        found[word] = [(each.layer, each.unit) for each in find(survey, directions, count=FIRST)]
    return judged(found, areas)


def judged(found: Mapping[str, Sequence[tuple[str, int]]], areas: Areas) -> Search:
    """How right the first units are that were found for words."""
    shares, missed = [], []
    for word, units in found.items():
        own = areas_for(word, areas)
        there = min(FIRST, sum(int((each >= ANSWERS).sum()) for each in own.values()))
        if there:
            right = sum(own[layer][unit] >= ANSWERS for layer, unit in units[:FIRST])
            shares.append(right / there)
            if right < ENOUGH * there:
                missed.append(f"{word} {right}/{there}")
    return Search(float(np.mean(shares)), len(shares) - len(missed), len(shares), tuple(missed))


@dataclass(frozen=True, eq=False)
class Texts:
    """Texts that a peer is given: embeddings of the concepts, (concepts, width), and of the template without one."""

    concepts: NDArray[np.float32]
    empty: NDArray[np.float32]


def peer_texts(model: nn.Module, vocabulary: Vocabulary) -> dict[str, Texts]:
    """All texts that a peer may be given: each template, and the mean of all of them."""
    with torch.no_grad():
        tokens = tokenize([template.replace("{}", "").strip() for template in TEMPLATES], model)
        empty = normalize(cast(CLIP, model).encode_text(tokens).float(), dim=-1).numpy()
    options = {
        f"'{template}'": Texts(vocabulary.texts[place], empty[place]) for place, template in enumerate(TEMPLATES)
    }
    return {**options, "mean of the templates": Texts(vocabulary.means, empty.mean(axis=0))}


def clip_dissect(survey: Survey, texts: Texts) -> Scores:
    """Soft WPMI over each layer."""
    return {
        layer: soft_wpmi(statistics.top, survey.embeddings, texts.concepts)
        for (layer, _), statistics in survey.statistics.items()
    }


def semantic_lens(survey: Survey, texts: Texts) -> Scores:
    """Cosine of the text, less the template without a concept, to the mean embedding of a unit's top pictures."""
    apart = texts.concepts - texts.empty
    apart /= np.linalg.norm(apart, axis=1, keepdims=True)
    found = {}
    for (layer, _), statistics in survey.statistics.items():
        pictures = statistics.top.pictures
        rows = survey.embeddings.unit_rows(pictures.ravel()).reshape(*pictures.shape, -1).mean(axis=1)
        found[layer] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)) @ apart.T
    return found


PEERS: dict[str, Callable[[Survey, Texts], Scores]] = {
    "CLIP-Dissect": clip_dissect,
    "SemanticLens": semantic_lens,
}


def firsts(scores: Scores, concepts: Sequence[str]) -> dict[tuple[str, int], str]:
    """The concept with the largest score for each unit."""
    return {
        (layer, unit): concepts[int(place)]
        for layer, each in scores.items()
        for unit, place in enumerate(each.argmax(axis=1))
    }


def by_scores(scores: Scores, concepts: Sequence[str], areas: Areas) -> Search:
    """How right the units are that have the largest scores for each concept."""
    units = [(layer, unit) for layer, each in scores.items() for unit in range(len(each))]
    table = np.concatenate(list(scores.values()))
    order = np.argsort(-table, axis=0, kind="stable")[:FIRST]
    return judged({word: [units[row] for row in order[:, place]] for place, word in enumerate(concepts)}, areas)


if __name__ == "__main__":
    main()
