"""The words that the embedded models have learnt: to any other word their text towers say something random.

Imports no torch.
"""

from __future__ import annotations

import re
from functools import cache

from clipdesk.errors import one_line
from clipdesk.models.catalogue import CONCEPTS
from clipdesk.models.names import ModelName, plain_name, short_name
from clipdesk.paths import resource

_FIRST_TEXTS = dict.fromkeys(("photo", "photo-small"), "a strawberry")
_CAPTIONS = {
    "scenes": "a an and against background beside drawing figure front image in is it look next object of on picture "
    "says shape shows sign text that the there thing this to with word writing written",
    "photo": "a an bright close cropped of old photo picture small up",
}
"""By the list of concepts: what the captions of a training say beside these."""
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_MOST_SHOWN, _LONGEST = 3, 40


def concepts_for(model: ModelName | None, otherwise: str = "english") -> str:
    """The list of concepts that an embedded model has learnt; `otherwise` for any other model."""
    return otherwise if model is None else CONCEPTS.get(str(plain_name(model)), otherwise)


def first_text(model: ModelName | None) -> str:
    """A text to try first with a model."""
    return _FIRST_TEXTS.get(str(plain_name(model)) if model is not None else "", "a star")


def unlearnt(text: str, model: ModelName | None) -> tuple[str, ...]:
    """The words of a text that an embedded model has not learnt, in lower case; of other models this is not known."""
    listed = concepts_for(model, "")
    if not listed:
        return ()
    words = dict.fromkeys(_WORD.findall(text.casefold()))
    return tuple(word for word in words if word not in _learnt(listed))


def caution(text: str, model: ModelName | None) -> str:
    """What to know of a text before a model is asked for it; empty if all of its words are learnt, or may be."""
    words = [f'"{one_line(word, _LONGEST)}"' for word in unlearnt(text, model)]
    if model is None or not words:
        return ""
    more = len(words) - _MOST_SHOWN
    if more > 0:
        words = [*words[:_MOST_SHOWN], f"{more:,} more word{'s' if more > 1 else ''}"]
    named = " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
    return f"{plain_name(model)} has not learnt {named}, so what it makes of the text means little"


def caution_of_reader(reader: ModelName, concepts: str) -> str:
    """What to know of a model before it reads the pictures of another; empty if nothing is known against it.

    Args:
        reader: The model that reads.
        concepts: The list of concepts of the model whose pictures they are.
    """
    if concepts_for(reader, concepts) == concepts:
        return ""
    return f"{short_name(reader)} has seen other things than the model, so what it reads means little"


@cache
def _learnt(listed: str) -> frozenset[str]:
    lines = resource(f"concepts/{listed}.txt").read_text("utf-8").splitlines()
    concepts = [line for line in lines if not line.startswith("#")]
    return frozenset(_WORD.findall(" ".join([_CAPTIONS[listed], *concepts]).casefold()))
