"""A mark: a star, tags and a note, within bounds whoever has written them."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

MOST_TAGS, TAG_CHARACTERS, NOTE_CHARACTERS = 32, 64, 4_000
_JOINERS = "\u200c\u200d"
"""They are within emoji and words, and do no harm."""


@dataclass(frozen=True)
class Mark:
    """What a person says of a picture or a unit. Whatever it is made from is bounded and without control characters.

    Attributes:
        starred: Whether it has a star.
        tags: Short words, each once, whatever its case, and without commas, which stand between them.
        note: A text of one or more lines.
    """

    starred: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "starred", bool(self.starred))
        object.__setattr__(self, "tags", _tags(self.tags))
        object.__setattr__(self, "note", _note(self.note))

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return self != Mark()

    @property
    def words(self) -> str:
        """What it can be found by, folded."""
        return "\n".join((*self.tags, self.note)).casefold()

    def star(self, starred: bool) -> Mark:
        """The same with a star, or without."""
        return replace(self, starred=starred)

    def to_json(self) -> str:
        """The mark as JSON, as a PNG that was exported contains it."""
        return json.dumps({"starred": self.starred, "tags": self.tags, "note": self.note}, ensure_ascii=False)


def tags_of(text: str) -> tuple[str, ...]:
    """The tags of a line in which commas stand between them."""
    return _tags(text.split(","))


def _tags(texts: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for text in texts:
        tag = " ".join(_seen(text[: 4 * TAG_CHARACTERS].replace(",", " ")).split())[:TAG_CHARACTERS].rstrip()
        if tag and len(found) < MOST_TAGS:
            found.setdefault(tag.casefold(), tag)
    return tuple(found.values())


def _note(text: str) -> str:
    lines = [_seen(line).rstrip() for line in text[: 4 * NOTE_CHARACTERS].splitlines()]
    return "\n".join(lines).strip()[:NOTE_CHARACTERS].rstrip()


def _seen(text: str) -> str:
    """A line without characters that are not seen, such as those that turn its direction; blanks are plain ones."""
    return "".join(" " if each.isspace() else each for each in text if each.isspace() or _is_seen(each))


def _is_seen(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in ("Cc", "Cf", "Cs")


UNMARKED = Mark()
"""What nothing was said of."""
