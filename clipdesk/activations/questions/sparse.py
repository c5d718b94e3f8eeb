"""Short lists of words whose embeddings add up to a unit's place in embedding space, as SpLiCE describes images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PENALTY = 0.5
"""The penalty, as a share of the smallest one at which no word is left."""
_ADDED = 4
_ROUNDS, _SWEEPS = 100, 200
_TOLERANCE = 1e-6


def atoms_of(texts: NDArray[np.floating]) -> NDArray[np.float32]:
    """Texts less their mean over the concepts, which says nothing of any, of length 1, (templates * concepts, width).

    Args:
        texts: (templates, concepts, width).
    """
    centered = texts - texts.mean(axis=1, keepdims=True) if texts.shape[1] > 1 else texts
    return _of_length_1(centered.reshape(-1, texts.shape[2])).astype(np.float32)


def sparse_weights(
    places: NDArray[np.floating], atoms: NDArray[np.float32], templates: int, *, penalty: float = PENALTY
) -> NDArray[np.float64]:
    """Non-negative weights of words that add up to each unit's place, most of them 0.

    Minimises 1/2 |place - weights · atoms|² + penalty · sum of the weights, for places of length 1. SpLiCE (Bhalla et
    al. 2024) has the same penalty for all; here it is relative, since units are further from the texts than images.

    Args:
        places: The units' rows of `cross`, (units, width).
        atoms: As `atoms_of` gives them.
        templates: How many of them belong to each concept.
        penalty: In (0, 1]; smaller gives longer lists.

    Returns:
        (units, concepts), the sums over the templates; 0 for units whose place is 0.
    """
    weights = np.stack([_weights(place, atoms, penalty) for place in _of_length_1(places)])
    return np.asarray(weights.reshape(len(places), templates, -1).sum(axis=1), dtype=np.float64)


def _of_length_1(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    wide = rows.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    return np.asarray(wide / np.where(lengths > 0, lengths, 1), dtype=np.float64)


def _weights(place: NDArray[np.float64], atoms: NDArray[np.float32], share: float) -> NDArray[np.float64]:
    """Non-negative lasso by coordinate descent over a set of atoms that grows until no other one would enter."""
    found = np.zeros(len(atoms))
    products = (atoms @ place.astype(np.float32)).astype(np.float64)
    bound = share * float(products.max(initial=0))
    if bound <= 0:
        return found
    chosen: list[int] = []
    for _ in range(_ROUNDS):
        gains = products - atoms @ (found[chosen] @ atoms[chosen]).astype(np.float32)
        gains[chosen] = -np.inf
        entering = [
            int(atom) for atom in np.argsort(-gains, kind="stable")[:_ADDED] if gains[atom] > bound + _TOLERANCE
        ]
        if not entering:
            break
        chosen += entering
        there = atoms[chosen].astype(np.float64)
        gram = there @ there.T
        found[chosen] = _descend(gram, products[chosen] - bound, found[chosen])
    return found


def _descend(
    gram: NDArray[np.float64], targets: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    for _ in range(_SWEEPS):
        largest = 0.0
        for place in range(len(weights)):
            old = weights[place]
            weights[place] = max(0.0, old + float(targets[place] - gram[place] @ weights) / gram[place, place])
            largest = max(largest, abs(weights[place] - old))
        if largest < _TOLERANCE:
            break
    return weights


def _largest(gains: NDArray[np.float64]) -> NDArray[np.intp]:
    """The atoms that would gain most, the first of equal ones."""
    few = np.argpartition(-gains, _ADDED)[:_ADDED] if len(gains) > _ADDED else np.arange(len(gains))
    return few[np.lexsort((few, -gains[few]))]
