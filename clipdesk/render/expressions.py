"""Targets as people write them: ``"a star" - "a circle"``, ``visual.layer4.0:7@max + 0.5*visual.layer3.1:2``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from clipdesk.errors import UsageError
from clipdesk.files import check_readable, read_bytes
from clipdesk.given import checked
from clipdesk.render.arrays import MAGIC, decode_array
from clipdesk.render.readable import Decoder, Direction, ImageTarget, Others
from clipdesk.render.targets import Combined, Position, Readable, Target, Term, Text, Unit

GRAMMAR = (
    "a text in quotes, image:[FILE], LAYER:UNIT, LAYER:UNIT@POSITION, others(LAYER:UNIT), "
    "decoder(LAYER:UNIT) or LAYER:[FILE], joined by + and -"
)
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<text>"[^"]*"|'[^']*')
      | (?P<of>others|decoder)\s*\(\s*(?P<of_layer>LAYER)\s*:\s*(?P<of_index>\d+)\s*\)
      | (?P<layer>LAYER)\s*:\s*(?:(?P<index>\d+)|\[(?P<file>[^\]]+)\])
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)
      | (?P<position>@\s*(?:class|max|patches|\d+))
      | (?P<sign>[-+*])
    )""".replace("LAYER", r"(?:[A-Za-z_][\w.]*|\d+(?:\.[A-Za-z_][\w.]*)?)"),
    re.VERBOSE | re.IGNORECASE,
)
"""A layer's short name begins with the number of its block, which a weight before it must not be taken for."""
# No two runs of blanks side by side: a thousand blanks would be divided among them in a thousand ways.
_BEGINNING = re.compile(
    r"""(?:[-+]\s*)?(?:[\d.]+\s*(?:\*\s*)?)?(?:["']|(?:others|decoder)\s*\(|image\s*:\s*\[|visual[\w.]*\s*:\s*[\d\[])""",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"""\"[^"]*"|(?<!\w)'[^']*'(?!\w)""")
_NAMES = re.compile(r"\w:[\d\[]|[\w\])]@(?:class|max|patches|\d)|\b(?:others|decoder)\(", re.IGNORECASE)
_OPERATOR = re.compile(r"""(?:^|[\s"])[-+*](?:[\s"]|$)|[-+*]"|"@""")
_MOST_BYTES = 4_000_000
_LONGEST_EXPRESSION = 65_536
_LONGEST_NAME = 200
_MOST_DIGITS = 12
NOT_UNICODE = "it is not Unicode (UTF-8)"
_NEARLY_ZERO = 1e-12


@checked
def parse_target(text: str) -> Target:
    """Parse a target: a sum of terms, each with a weight before it (``0.5*``) and a position after it (``@max``).

    Weight and position may be left out: the weight is then 1, and the position the mean over the patches.

    A term is a text in quotes, ``image:[FILE]`` for the likeness to an image, ``LAYER:UNIT``, ``others(LAYER:UNIT)``,
    ``decoder(LAYER:UNIT)`` for what a latent writes, or ``LAYER:[FILE]`` for a direction from a file of numbers (.npy,
    .csv or .txt). A position is ``class`` for the
    class token, ``max`` for the largest of the patches, or a number. Equal terms are added up.

    Raises:
        UsageError: the expression is malformed, a file cannot be read, or all terms cancel.
    """
    if len(text) > _LONGEST_EXPRESSION:
        raise UsageError(f"A target of {len(text):,} characters is too long")
    weights: dict[tuple[Readable, Position], float] = {}
    for term in _terms(list(_tokens(text)), text):
        key = term.what, term.at
        weights[key] = weights.get(key, 0.0) + term.weight
    # 0.1 + 0.2 - 0.3 is not quite zero in floating point.
    left = {key: weight for key, weight in weights.items() if abs(weight) > _NEARLY_ZERO}
    if not left:
        raise UsageError(f"Nothing is left of {text}: its terms cancel")
    terms = tuple(_term(what, weight, at) for (what, at), weight in left.items())
    first = terms[0]
    if len(terms) == 1 and first.weight == 1 and first.at == "patches" and isinstance(first.what, Unit | Text):
        return first.what
    try:
        return Combined(terms=terms)
    except ValidationError:
        raise UsageError(f"{len(terms)} terms are too many") from None


def is_expression(text: str) -> bool:
    """Whether a typed text looks like an expression, sound or not, so that it is not taken for a text.

    It begins as one, or with a minus; it names a unit (``name:number``) or a file (``name:[``) anywhere; or it has
    quotes and operators.
    """
    text = text.strip()
    if begins_as_expression(text) or text.startswith("-"):
        return True
    bare = _QUOTED.sub('""', text)
    return _NAMES.search(bare) is not None or (bare != text and _OPERATOR.search(bare) is not None)


def begins_as_expression(text: str) -> bool:
    """Whether a typed text cannot be meant otherwise: it begins with a quote, a unit, an image or a direction."""
    return _BEGINNING.match(text.strip()) is not None


def _tokens(text: str) -> Iterator[re.Match[str]]:
    place = 0
    while text[place:].strip():
        token = _TOKEN.match(text, place)
        if token is None:
            rest = text[place:].strip()
            # The grammar would distract from the real fault.
            why = f": the quote {rest[0]} is not closed" if rest[0] in "\"'" else f". A target is {GRAMMAR}"
            raise UsageError(f"Cannot read '{rest[:40]}'{why}")
        yield token
        place = token.end()


def _terms(tokens: list[re.Match[str]], text: str) -> Iterator[Term]:
    """The terms in order; each begins with a sign, which only the first may leave out."""
    if not tokens:
        raise UsageError(f"The target is empty. It is {GRAMMAR}")
    i = 0
    while i < len(tokens):
        weight = 1.0
        sign = tokens[i]["sign"]
        if sign in ("+", "-"):
            weight, i = (-1.0 if sign == "-" else 1.0), i + 1
        elif i:
            raise UsageError(f"There is no + or - between two terms of {text}")
        if i < len(tokens) and tokens[i]["number"]:
            weight, i = weight * float(tokens[i]["number"]), i + 1
            if i < len(tokens) and tokens[i]["sign"] == "*":
                i += 1
        if i >= len(tokens) or not (tokens[i]["text"] or tokens[i]["of"] or tokens[i]["layer"]):
            raise UsageError(f"A term is missing in {text}. It is {GRAMMAR}")
        what, i = _what(tokens[i]), i + 1
        at: Position = "patches"
        if i < len(tokens) and tokens[i]["position"]:
            at, i = _position(tokens[i]["position"]), i + 1
        yield _term(what, weight, at)


def _term(what: Readable, weight: float, at: Position) -> Term:
    try:
        return Term(what=what, weight=weight, at=at)
    except ValidationError as error:
        raise UsageError(f"{what.label}: {_reason(error)}") from None


def _what(token: re.Match[str]) -> Readable:
    if token["text"]:
        if not token["text"][1:-1].strip():
            raise UsageError('A text is empty. Say what the picture is to show, e.g. "a star"')
        return text_target(token["text"][1:-1])
    if token["of"]:
        kind = Others if token["of"].lower() == "others" else Decoder
        return kind(layer=token["of_layer"], index=_number(token["of_index"]))
    if token["file"] and token["layer"].lower() == "image":
        path = Path(token["file"].strip()).absolute()
        check_readable(path)
        try:
            return ImageTarget(path=str(path))
        except ValidationError:
            raise UsageError(f"Cannot use {path}: {NOT_UNICODE}") from None
    if token["file"]:
        return read_direction(token["layer"], Path(token["file"].strip()))
    return Unit(layer=token["layer"], index=_number(token["index"]))


def _position(text: str) -> Position:
    word = text.lstrip("@ ").lower()
    if word == "class":
        return "class"
    if word == "max":
        return "max"
    return "patches" if word == "patches" else _number(word)


def _number(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise UsageError(f"{digits[:_MOST_DIGITS]}... is too large for a unit or a position")
    return int(digits)


def text_target(text: str) -> Text:
    """The target of a text.

    Raises:
        UsageError: the text is empty, too long or not Unicode.
    """
    try:
        return Text(text=text)
    except ValidationError as error:
        wrong = error.errors()[0]["type"]
        if wrong == "string_too_long":
            raise UsageError(f"A text of {len(text):,} characters is too long: models read about 75 words") from None
        reason = NOT_UNICODE if wrong == "string_unicode" else _reason(error)
        raise UsageError(f"This text cannot be used: {reason}") from None


def read_direction(layer: str, path: Path) -> Direction:
    """Read a direction from a file of numbers: NumPy's ``.npy``, or text with a number per line or commas between them.

    Raises:
        UsageError: the file cannot be read, or does not hold numbers, or holds only zeros.
    """
    data = read_bytes(path, _MOST_BYTES)
    try:
        vector: NDArray[np.float64]
        if data.startswith(MAGIC):
            vector = decode_array(data).astype(np.float64)
        else:
            vector = np.array([float(word) for word in data.decode("utf-8-sig").replace(",", " ").split()])
    except ValueError:
        raise UsageError(f"{path} does not hold a direction: it must hold numbers only, as .npy or as text") from None
    if vector.ndim != 1 and vector.size != max(vector.shape, default=0):
        raise UsageError(f"{path} does not hold a direction: it must be one row of numbers, not {vector.shape}")
    try:
        return Direction(layer=layer, vector=tuple(vector.ravel().tolist()), name=path.name[-_LONGEST_NAME:])
    except ValidationError as error:
        raise UsageError(f"{path} does not hold a direction: {_reason(error)}") from None


def _reason(error: ValidationError) -> str:
    if error.errors()[0]["type"] == "string_unicode":
        return "its name is not Unicode (UTF-8)"
    reason = error.errors()[0]["msg"].removeprefix("Value error, ")
    return f"{reason[0].lower()}{reason[1:]}"
