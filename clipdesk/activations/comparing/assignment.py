"""Partners, each for one: the assignment with the largest sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

NOBODY = -1


def best_assignment(gains: NDArray[np.floating]) -> NDArray[np.int64]:
    """For each row a column of its own, so that the sum of the gains is the largest that there is.

    By shortest augmenting paths (Jonker and Volgenant 1987), one for each row that does not
    get its best column at once.

    Args:
        gains: Finite, (rows, columns).

    Returns:
        A column for each row, (rows,); -1 for the rows that are too many.
    """
    if gains.shape[0] > gains.shape[1]:
        columns = best_assignment(gains.T)
        found = np.full(gains.shape[0], NOBODY)
        found[columns] = np.arange(len(columns))
        return found
    costs = np.asarray(-gains, dtype=np.float64)
    rows, owner = _at_once(costs)
    # What a column costs beyond its entry. At first nothing, so each row pays its smallest entry.
    prices = np.zeros(costs.shape[1])
    for row in np.flatnonzero(rows == NOBODY).tolist():
        _augment(costs, prices, owner, rows, row)
    return rows


def _at_once(costs: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The column of each row that alone, or first, wants its cheapest one, and the row of each column."""
    rows, owner = np.full(costs.shape[0], NOBODY), np.full(costs.shape[1], NOBODY)
    wanted, which = np.unique(costs.argmin(axis=1), return_index=True) if costs.size else (rows[:0], rows[:0])
    rows[which], owner[wanted] = wanted, which
    return rows, owner


def _augment(
    costs: NDArray[np.float64], prices: NDArray[np.float64], owner: NDArray[np.int64], rows: NDArray[np.int64], row: int
) -> None:
    """Find a column for one more row along the cheapest way on which others change theirs."""
    columns = costs.shape[1]
    distances, before = np.full(columns, np.inf), np.full(columns, NOBODY)
    done = np.zeros(columns, dtype=bool)
    at, length, column = row, 0.0, NOBODY
    while at != NOBODY:
        reduced = costs[at] - prices
        # What a row pays for its own column is the least that it can pay.
        paid = reduced[column] if column != NOBODY else reduced.min()
        ways = length + reduced - paid
        shorter = ~done & (ways < distances)
        distances[shorter], before[shorter] = ways[shorter], at
        column = int(np.where(done, np.inf, distances).argmin())
        length, done[column], at = float(distances[column]), True, int(owner[column])
    prices[done] -= length - distances[done]
    while column != NOBODY:
        at = int(before[column])
        owner[column], rows[at], column = at, column, int(rows[at])
        if at == row:
            return
