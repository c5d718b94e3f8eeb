"""Links that open the window at a unit: ``clipdesk://demo/visual.layer4.0/5``. Imports no torch.

The first part is the model's name, percent-encoded, so that a checkpoint's path is one part too. It stands where web
addresses have the name of a computer, which some programs read as one: they turn it into lower case and refuse slashes.
So names that cannot be read so follow a third slash: ``clipdesk:///ViT-B%2F32/visual.layer4.0/5``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from clipdesk.errors import UsageError, one_line, printable

SCHEME = "clipdesk"
_LONGEST = 8192
"""Characters of a link; a path of 4,096 bytes takes no more unless nearly all of it is encoded."""
_PLAIN = re.compile(r"[a-z0-9-]+", re.ASCII)
_LAYER = re.compile(r"[\w.]{1,512}", re.ASCII)
_UNIT = re.compile(r"\d{1,9}", re.ASCII)
_ENCODED = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+", re.ASCII)
_ELSEWHERE = re.compile(r"(?:open_clip:[^/\\]*/\[)?(?://|\\\\|/\\|\\/)", re.IGNORECASE)
_FORM = "clipdesk://MODEL/LAYER/UNIT, such as clipdesk://demo/visual.transformer.resblocks.5.mlp.gelu/556"


@dataclass(frozen=True)
class Link:
    """Where a link leads.

    Attributes:
        model: A model's name, as a person would type it.
        layer: Name of a layer, full or short.
        unit: Index of a unit; None for the layer as a whole.
    """

    model: str
    layer: str
    unit: int | None = None

    def __str__(self) -> str:
        parts = [quote(each, safe="", errors="replace") for each in (self.model, self.layer)]
        slashes = "//" if _PLAIN.fullmatch(self.model) else "///"
        return f"{SCHEME}:{slashes}{'/'.join(parts if self.unit is None else [*parts, str(self.unit)])}"


def is_link(text: str) -> bool:
    """Whether a text is meant as a link of ClipDesk's, right or wrong."""
    return text[: len(SCHEME) + 1].lower() == f"{SCHEME}:"


def parse_link(text: str) -> Link:
    """Read a link. It is not trusted, since any web page may offer one.

    Raises:
        UsageError: it is not a link to a unit or a layer, or its model is a file on another computer, which a link may
            not make this one ask for.
    """
    shown = one_line(text)
    beginning = f"{SCHEME}://"
    if len(text) > _LONGEST or text[: len(beginning)].lower() != beginning:
        raise UsageError(f"'{shown}' is not a link to a unit. It would be {_FORM}")
    parts = text[len(beginning) :].removeprefix("/").split("/")
    if parts[-1:] == [""]:
        # Some programs end a link with a slash.
        parts.pop()
    if len(parts) not in (2, 3) or not all(map(_ENCODED.fullmatch, parts)):
        raise UsageError(f"'{shown}' is not a link to a unit. It would be {_FORM}")
    try:
        model, layer, *unit = (unquote(part, errors="strict") for part in parts)
    except UnicodeDecodeError:
        raise UsageError(f"'{shown}' is not a link to a unit: it is not in UTF-8") from None
    if printable(model) != model or not model.strip():
        raise UsageError(f"'{shown}' is not a link to a unit: the name of its model has characters that names do not")
    if _ELSEWHERE.match(model):
        raise UsageError(
            f"'{shown}' leads to a file on another computer. Open such a model with: clipdesk --model FILE"
        )
    if not _LAYER.fullmatch(layer):
        raise UsageError(f"'{shown}' is not a link to a unit: '{one_line(layer)}' is not the name of a layer")
    if unit and not _UNIT.fullmatch(unit[0]):
        raise UsageError(f"'{shown}' is not a link to a unit: '{one_line(unit[0])}' is not the number of a unit")
    return Link(model, layer, int(unit[0]) if unit else None)
