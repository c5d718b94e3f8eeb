"""Texts and images as directions, which `find` compares units with; and vocabularies that are kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from clipdesk.activations.kept import keep_numbers, kept_numbers
from clipdesk.activations.questions.concepts import concepts_of
from clipdesk.activations.questions.reading import read_vocabulary
from clipdesk.activations.questions.sharpening import sharpened
from clipdesk.activations.questions.vocabulary import TEMPLATES, Vocabulary, bare
from clipdesk.activations.reading import PooledReader
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from clipdesk.given import checked
from clipdesk.imagesets.pixels import fitted
from clipdesk.imagesets.reading import read_image
from clipdesk.models.learnt import concepts_for
from clipdesk.models.names import plain_name
from clipdesk.network.opened import OpenModel
from clipdesk.paths import cache_folder

_KEPT_FROM = 20
"""Concepts from which on a vocabulary is kept: reading 2,000 takes a minute with a large model, and even the 32 of the
scenes take half a second with a small one."""

Progress = Callable[[int, int], None]
"""Told how many texts have been read, and of how many."""


def usual_concepts(opened: OpenModel) -> str:
    """The list of concepts for a model's units: the embedded models have learnt few words."""
    return concepts_for(opened.name)


def vocabulary_of(opened: OpenModel, concepts: str | None = None, *, progress: Progress | None = None) -> Vocabulary:
    """A list of concepts, read by a model's text tower; a list that was read before is there at once.

    Args:
        opened: The model.
        concepts: Name of one of ClipDesk's lists, or the path of a file; by default `usual_concepts`.
        progress: Told how far it is.

    Raises:
        UsageError: as `concepts_of` and `read_vocabulary`.
    """
    listed = concepts_of(concepts or usual_concepts(opened))
    reader = str(opened.name)
    if opened.sha256 is None or len(listed) < _KEPT_FROM:
        return read_vocabulary(opened.network, listed, reader=reader, progress=progress)
    # Sparse autoencoders change nothing of what texts are to the model.
    known = [opened.plain or opened.sha256, str(opened.name and plain_name(opened.name))]
    digest = hashlib.sha256(json.dumps([*known, TEMPLATES, listed]).encode()).hexdigest()[:24]
    path = cache_folder() / "vocabularies" / f"{digest}.safetensors"
    texts = kept_numbers(path, (len(TEMPLATES), len(listed)))
    if texts is not None and texts.ndim == 3:
        return Vocabulary(listed, texts, reader)
    found = read_vocabulary(opened.network, listed, reader=reader, progress=progress)
    keep_numbers(path, found.texts)
    return found


def vocabularies_of(
    models: Sequence[OpenModel], concepts: str | None = None, *, progress: Progress | None = None
) -> list[Vocabulary]:
    """One list of concepts, read by each of several models, so that the words of their units can be compared.

    Args:
        models: The models.
        concepts: As for `vocabulary_of`; by default that of the first model, but of an embedded model always its own:
            other words mean nothing to it.
        progress: Told how far each is.

    Raises:
        UsageError: as `vocabulary_of`.
    """
    listed = concepts or usual_concepts(models[0])
    return [vocabulary_of(each, concepts or concepts_for(each.name, listed), progress=progress) for each in models]


@checked
def text_directions(
    opened: OpenModel, survey: Survey, text: str, *, concepts: str | None = None, progress: Progress | None = None
) -> NDArray[np.float32]:
    """The directions in which pictures show a text, for `find`: one for each template, of which the best counts.

    Args:
        opened: The survey's model.
        survey: A survey.
        text: The text.
        concepts: The list that the text is told apart from; by default `usual_concepts`.
        progress: Told how far the list is read.

    Returns:
        (templates, width).

    Raises:
        UsageError: as `vocabulary_of`; the model cannot read the text, or the survey has one picture only.
    """
    if len(survey.pictures) < 2:
        raise UsageError("The survey has one picture only, and correlations need several. Survey more images")
    vocabulary = vocabulary_of(opened, concepts, progress=progress)
    if vocabulary.index(text) is None:
        own = read_vocabulary(opened.network, [bare(text)], reader=vocabulary.reader)
        vocabulary = vocabulary.having(own)
    place = vocabulary.index(text)
    return sharpened(survey.embeddings, vocabulary, concepts=[place or 0])[:, 0]


@checked
def image_direction(opened: OpenModel, path: str | Path) -> NDArray[np.float32]:
    """The embedding of an image, for `find`, (width,).

    Raises:
        UsageError: it is not an image that can be read.
    """
    seen = np.asarray(fitted(read_image(Path(path)), opened.side))
    pixels = torch.from_numpy(np.ascontiguousarray(seen.transpose(2, 0, 1))[None])
    _, embeddings = PooledReader(opened, [], "float32").read(pixels)
    return np.asarray(embeddings[0].cpu().numpy(), dtype=np.float32)
