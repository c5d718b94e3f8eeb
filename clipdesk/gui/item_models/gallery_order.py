"""What the gallery can be searched for and sorted by."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from clipdesk.gui.library import Entry
from clipdesk.marks.mark import Mark

Key = tuple[float, str, str]


class Order(NamedTuple):
    """An order of pictures.

    Attributes:
        title: What the user reads.
        key: What is compared.
        falling: Whether the largest comes first.
    """

    title: str
    key: Callable[[Entry], Key]
    falling: bool


def _by_date(entry: Entry) -> Key:
    # Pictures of the same second have an order, too, which is the same at each start.
    return 0.0, entry.recipe.date, str(entry.path)


def _by_activation(entry: Entry) -> Key:
    return entry.recipe.activation.picture, entry.recipe.date, str(entry.path)


def _by_unit(entry: Entry) -> Key:
    return 0.0, entry.unit_key, str(entry.path)


NEWEST = "newest"
ORDERS = {
    NEWEST: Order("Newest first", _by_date, falling=True),
    "activation": Order("Highest activation", _by_activation, falling=True),
    "unit": Order("By unit", _by_unit, falling=False),
}


class Search:
    """Finds entries that have all words of a text, in what they are or in what a person says of them.

    A word of digits is a unit's number, or stands in a text, a tag or a note. Elsewhere digits at the start or the end
    of a word are whole numbers, so that ``gelu:5`` is not ``gelu:50``.

    Args:
        text: The words; whatever their case.
        starred: Whether only those with a star are found.
    """

    def __init__(self, text: str, starred: bool = False) -> None:
        self._starred = starred
        words = text.casefold().split()
        self._numbers = [_finder(word) for word in words if word.isdigit()]
        self._words = [word for word in words if not (word[0].isdigit() or word[-1].isdigit())]
        self._ended = [_finder(word) for word in words if not word.isdigit() and word not in self._words]

    def finds(self, entry: Entry, said: Sequence[Mark] = ()) -> bool:
        """Whether an entry has all of the words.

        Args:
            entry: The entry.
            said: The mark of the picture, and that of its unit if there is one.
        """
        if self._starred and not (said and said[0].starred):
            return False
        noted = "\n".join(mark.words for mark in said)
        words = f"{entry.words}\n{noted}" if noted else entry.words
        numbered = f"{entry.unit_or_text}\n{noted}" if noted else entry.unit_or_text
        return (
            all(word in words for word in self._words)
            and all(find.search(words) for find in self._ended)
            and all(find.search(numbered) for find in self._numbers)
        )


def _finder(word: str) -> re.Pattern[str]:
    before, after = r"(?<!\d)" if word[0].isdigit() else "", r"(?!\d)" if word[-1].isdigit() else ""
    return re.compile(f"{before}{re.escape(word)}{after}")
