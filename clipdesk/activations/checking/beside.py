"""What else of a model might answer to a picture more than its target does: units of the layer, or concepts."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.checking.known import KnownTarget, Outputs
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.statistics import Key
from clipdesk.activations.survey import Survey
from clipdesk.render.readable import Direction
from clipdesk.render.targets import Text, Unit, terms_of


@dataclass(frozen=True, eq=False)
class Beside:
    """What a target is compared with.

    Attributes:
        what: What they are, in the plural: "units of the layer", "concepts".
        count: How many there are, without the target's own.
        heights: How far each stands above its mean over the survey, in its standard deviations, (pictures, count).
    """

    what: str
    count: int
    heights: Callable[[Outputs], NDArray[np.float64]]

    def higher(self, outputs: Outputs, height: float) -> int:
        """How many stand higher than the target does in the first picture."""
        return int((self.heights(outputs)[0] > height).sum())


def beside(survey: Survey, known: KnownTarget, vocabulary: Vocabulary | None) -> Beside | None:
    """What a target can be compared with; None for one that reads several layers, or that no words are known for.

    Args:
        survey: The survey.
        known: What it knows of the target.
        vocabulary: Concepts, read by the survey's model; None where it reads no texts.
    """
    terms = terms_of(known.target)
    own = tuple(term.what for term in terms)
    if len(known.keys) == 1 and all(isinstance(each, Unit | Direction) for each in own):
        return _units(survey, known.keys[0], {each.index for each in own if isinstance(each, Unit)})
    if not known.keys and vocabulary is not None:
        return _concepts(survey, vocabulary, " ".join(each.text for each in own if isinstance(each, Text)))
    return None


def named_by(text: str, concept: str) -> bool:
    """Whether a text names a concept, so that a picture of the text may as well show the concept."""
    return set(_words(concept)) <= set(_words(text))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _units(survey: Survey, key: Key, own: set[int]) -> Beside:
    statistics = survey.statistics[key]
    # Units that do not vary stand nowhere.
    rest = np.array([unit for unit in statistics.varies.nonzero()[0].tolist() if unit not in own], dtype=np.intp)

    def heights(outputs: Outputs) -> NDArray[np.float64]:
        values = outputs.values[key][:, rest]
        return np.asarray((values - statistics.means[rest]) / statistics.deviations[rest], dtype=np.float64)

    return Beside("units of the layer", statistics.units - len(own), heights)


def _concepts(survey: Survey, vocabulary: Vocabulary, text: str) -> Beside | None:
    embeddings = survey.embeddings
    rest = [place for place, concept in enumerate(vocabulary.concepts) if not named_by(text, concept)]
    rows = vocabulary.means[rest].astype(np.float64)
    means = rows @ embeddings.mean
    deviations = np.sqrt(np.maximum(embeddings.variances(rows), 0) / max(1, len(survey.pictures)))
    varies = deviations > 0

    def heights(outputs: Outputs) -> NDArray[np.float64]:
        found = np.full((len(outputs.embeddings), len(rest)), -math.inf)
        found[:, varies] = (outputs.embeddings @ rows[varies].T - means[varies]) / deviations[varies]
        return found

    return Beside("concepts", len(rest), heights) if rest else None
