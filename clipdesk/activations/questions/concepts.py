"""Lists of concepts: those that come with ClipDesk, and files of the user's. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from clipdesk.errors import UsageError, nearest, one_line
from clipdesk.files import read_bytes
from clipdesk.paths import resource

LISTS: dict[str, str] = {
    "english": "things, materials, colours, textures, parts, actions and scenes that can be seen",
    "scenes": "the shapes, colours and textures of the scenes that `demo` and `demo-rn` were trained on",
    "photo": "the 96 categories of photographs that `photo` was trained on",
}
"""The lists that come with ClipDesk, each with its contents."""

MOST_CONCEPTS = 100_000
MOST_BYTES = 10_000_000
LONGEST = 100
"""Characters of a concept."""


def concepts_of(name: str) -> tuple[str, ...]:
    """A list of concepts by the name of one of `LISTS`, or by the path of a file.

    Raises:
        UsageError: as `read_concepts`.
    """
    if name in LISTS:
        return read_concepts(resource(f"concepts/{name}.txt"))
    path = Path(name).expanduser()
    if path.suffix == "" and not path.exists():
        raise UsageError(f"There is no list of concepts '{one_line(name)}', and no such file. {nearest(name, LISTS)}")
    return read_concepts(path)


def read_concepts(path: Path) -> tuple[str, ...]:
    """The concepts of a file in UTF-8, one a line; blank lines, duplicates and lines that begin with # are left out.

    Raises:
        UsageError: the file cannot be read, is larger than `MOST_BYTES` or not in UTF-8, or has no concepts, more than
            `MOST_CONCEPTS` or one that is longer than `LONGEST`.
    """
    lines = read_bytes(path, MOST_BYTES).removeprefix(b"\xef\xbb\xbf").splitlines()
    concepts: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        try:
            concept = " ".join(line.decode("utf-8").split())
        except UnicodeDecodeError:
            raise UsageError(f"Cannot read {path}: line {number:,} is not in UTF-8") from None
        if len(concept) > LONGEST and not concept.startswith("#"):
            raise UsageError(f"Cannot read {path}: line {number:,} is longer than {LONGEST} characters")
        if concept and not concept.startswith("#"):
            # CLIPs read all texts in lower case.
            concepts.setdefault(concept.casefold(), concept)
        if len(concepts) > MOST_CONCEPTS:
            raise UsageError(f"Cannot read {path}: it has more than {MOST_CONCEPTS:,} concepts")
    if not concepts:
        raise UsageError(f"Cannot read {path}: it has no concepts. Write one on each line")
    return tuple(concepts.values())
