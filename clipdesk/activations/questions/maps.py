"""A layer's units in two dimensions, with those close together that are active in the same pictures."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.questions.sampled import standardized
from clipdesk.activations.statistics import UnitStatistics
from clipdesk.errors import UsageError

SEED = 0
_PERPLEXITY = 30.0
"""Neighbours that count for each unit. Each needs three candidates, so that small layers have fewer."""
_LEAST = 8
"""Units below which there is nothing to arrange."""
_CHECKED_EVERY = 25
"""Steps after which it is asked whether the map is still wanted."""
MISSING = "A map needs openTSNE. Install it with: pip install 'clipdesk[map]'"


def can_map() -> bool:
    """Whether openTSNE is installed. It is not loaded by this."""
    return importlib.util.find_spec("openTSNE") is not None


def positions(
    statistics: UnitStatistics, *, seed: int = SEED, stopped: Callable[[], bool] = lambda: False
) -> NDArray[np.float64]:
    """Where each unit of a layer is on the map: t-SNE over the correlations in the sampled pictures.

    The same seed gives the same map on the same machine.

    Args:
        statistics: The layer's.
        seed: What chance follows from.
        stopped: Asked now and then; once it says so, the map is left as it is.

    Returns:
        (units, 2), both axes from 0 to 1; NaN for units that are the same in all sampled pictures.

    Raises:
        UsageError: openTSNE is not installed.
    """
    rows = standardized(statistics.sample)
    found = np.full((len(rows), 2), np.nan)
    varying = np.flatnonzero(rows.any(axis=1))
    if len(varying) < _LEAST:
        found[varying] = np.stack([np.linspace(0, 1, len(varying)), np.full(len(varying), 0.5)], axis=1)
        return found
    placed = _placed(rows[varying], seed, stopped)
    placed -= placed.min(axis=0)
    sides = placed.max(axis=0)
    found[varying] = placed / np.where(sides > 0, sides, 1)
    return found


def _placed(rows: NDArray[np.float32], seed: int, stopped: Callable[[], bool]) -> NDArray[np.float64]:
    try:
        # Here: it loads SciPy and scikit-learn, which takes a second.
        from openTSNE import TSNE
    except ImportError as error:
        raise UsageError(MISSING) from error
    maker = TSNE(
        perplexity=min(_PERPLEXITY, (len(rows) - 1) / 3),
        metric="cosine",
        neighbors="exact",
        initialization="pca",
        random_state=seed,
        # With several, sums would be added up in another order each time.
        n_jobs=1,
        callbacks=lambda _step, _error, _embedding: stopped(),
        callbacks_every_iters=_CHECKED_EVERY,
    )
    return np.array(maker.fit(rows), dtype=np.float64)


def on_grid(places: NDArray[np.float64], columns: int) -> NDArray[np.intp]:
    """The units of a map in the cells of a grid: one in each, row by row, with neighbours of the map close together.

    The cells are halved across their longer side again and again, and the units with them, by their positions on that
    axis. A linear assignment, which moves the units least of all, takes 7 s for 3,072 units where this takes 0.03 s,
    and neighbours in its grid correlate by 2 to 8 % more.

    Args:
        places: As `positions` gives them, (units, 2).
        columns: Cells in a row.

    Returns:
        Indices of the units, (units,); those without a position come last.
    """
    known = np.flatnonzero(~np.isnan(places).any(axis=1))
    order = np.empty(len(known), dtype=np.intp)
    left = [(known, np.arange(len(known)))]
    while left:
        units, cells = left.pop()
        if len(units) < 2:
            order[cells] = units
            continue
        across = cells % columns, cells // columns
        axis = 0 if np.ptp(across[0]) >= np.ptp(across[1]) else 1
        cells = cells[np.argsort(across[axis], kind="stable")]
        units = units[np.argsort(places[units, axis], kind="stable")]
        half = len(units) // 2
        left += [(units[:half], cells[:half]), (units[half:], cells[half:])]
    return np.concatenate([order, np.setdiff1d(np.arange(len(places)), known)])
