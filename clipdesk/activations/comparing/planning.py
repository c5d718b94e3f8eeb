"""Which layers of two models are compared with each other, and whether unit by unit."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from clipdesk.activations.layers import usual_layers
from clipdesk.errors import UsageError, one_line
from clipdesk.network.layer_names import short_layer
from clipdesk.network.opened import OpenModel

MOST_BYTES = 2 * 2**30
"""Memory for the correlations of each unit with each."""


@dataclass(frozen=True)
class LayerPair:
    """Two layers that are compared.

    Attributes:
        first: Dotted name in the first model.
        second: Dotted name in the second.
        same: Whether unit u of one is compared with unit u of the other; otherwise partners are sought.
    """

    first: str
    second: str
    same: bool

    @property
    def short(self) -> str:
        """As a person reads it, `3.mlp.gelu` or `3.mlp.gelu=5.mlp.gelu`."""
        first, second = short_layer(self.first), short_layer(self.second)
        return first if first == second else f"{first}={second}"


def plan(
    first: OpenModel, second: OpenModel, layers: Collection[str] | None = None, *, match: bool = False
) -> tuple[LayerPair, ...]:
    """Which layers are compared.

    Models whose usual layers have the same names and as many units are of one architecture: there, unit by unit. In
    others, a layer goes with that of the same kind at the same share of the depth.

    Args:
        first: A model.
        second: Another.
        layers: Names of layers that both have, full or short, and pairs of names as ``3.mlp.gelu=5.mlp.gelu``.
        match: Whether partners are sought although the architecture is the same.

    Raises:
        UsageError: a model has no such layer, or partners would take too much memory.
    """
    found = _usual(first, second) if layers is None else [_named(first, second, name) for name in dict.fromkeys(layers)]
    sizes = [(first.inspector.layers[a].units, second.inspector.layers[b].units) for a, b in found]
    alike = _shape(first) == _shape(second)
    pairs = tuple(
        LayerPair(a, b, alike and a == b and left == right and not match)
        for (a, b), (left, right) in zip(found, sizes, strict=True)
    )
    wanted = sum(left * right * 4 for pair, (left, right) in zip(pairs, sizes, strict=True) if not pair.same)
    if wanted > MOST_BYTES:
        raise UsageError(
            f"To seek partners in {len(pairs)} layers takes {wanted / 2**30:.1f} GB of memory, and at most "
            f"{MOST_BYTES / 2**30:.0f} GB may be used. Choose some of the layers with --layers"
        )
    return pairs


def _shape(opened: OpenModel) -> list[tuple[str, int]]:
    """The usual layers with their units."""
    return [(name, opened.inspector.layers[name].units) for name in usual_layers(opened.inspector)]


def _usual(first: OpenModel, second: OpenModel) -> list[tuple[str, str]]:
    left, right = usual_layers(first.inspector), usual_layers(second.inspector)
    if left == right:
        return [(name, name) for name in left]
    kinds = [kind for kind in dict.fromkeys(map(_kind, left)) if kind in set(map(_kind, right))]
    pairs = [
        pair for kind in kinds for pair in _by_depth(*([n for n in side if _kind(n) == kind] for side in (left, right)))
    ]
    # Where nothing but the embedding is alike, as in a transformer and a ResNet, only the depth is left to go by.
    return pairs if len(kinds) > 1 else [*pairs, *_by_depth(left[1:], right[1:])]


def _by_depth(left: Sequence[str], right: Sequence[str]) -> list[tuple[str, str]]:
    """Each layer of the first with the one of the second that is as deep, in shares of the whole."""
    if not left or not right:
        return []
    last = max(len(left) - 1, 1)
    return [(name, right[round(at * (len(right) - 1) / last)]) for at, name in enumerate(left)]


def _kind(layer: str) -> str:
    return re.sub(r"\d+", "#", layer)


def _named(first: OpenModel, second: OpenModel, text: str) -> tuple[str, str]:
    left, equals, right = text.partition("=")
    own = first.inspector.visualizable(left.strip()).name
    try:
        return own, second.inspector.visualizable(right.strip() if equals else own).name
    except UsageError as error:
        if equals:
            raise
        name = one_line(short_layer(own))
        end = "" if str(error).endswith(("?", ".")) else "."
        raise UsageError(f"{error}{end} To compare it with a layer of another name, write {name}=LAYER") from None
