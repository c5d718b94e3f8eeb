"""What is summed up block by block, in any order and in any parts, is what one computes directly."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from clipdesk.activations.moments import EmbeddingMoments
from clipdesk.activations.pooling import Pooled, PooledEntries
from clipdesk.activations.statistics import Embeddings, UnitStatistics
from clipdesk.activations.sums import LayerSums
from clipdesk.activations.survey import correlations
from clipdesk.network.sparse import Sparse

CPU = torch.device("cpu")
UNITS, WIDTH = 5, 4


class Data(NamedTuple):
    """Activations, float32, (pictures, units); positions; embeddings of length 1."""

    values: NDArray[np.float32]
    positions: NDArray[np.int16]
    embeddings: NDArray[np.float32]


def made(count: int, seed: int) -> Data:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(count, UNITS)) * [1, 1e-3, 300, 1, 1] + [0, 8, -1000, 0, 0]
    values[:, 3] = np.maximum(np.round(values[:, 3]), 0)  # Ties, and zeros.
    values[:, 4] = -0.5
    embeddings = rng.normal(size=(count, WIDTH)) + 2
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    positions = rng.integers(0, 49, (count, UNITS))
    return Data(values.astype(np.float32), positions.astype(np.int16), embeddings.astype(np.float32))


def values_of(data: Data, rows: NDArray[np.int64]) -> Pooled:
    return Pooled(torch.from_numpy(data.values[rows]), torch.from_numpy(data.positions[rows]))


def summed(
    data: Data,
    blocks: list[NDArray[np.int64]],
    block_of: Callable[[Data, NDArray[np.int64]], Pooled | PooledEntries] = values_of,
) -> tuple[LayerSums, EmbeddingMoments]:
    sums, moments = LayerSums(UNITS, WIDTH, CPU, placed=True), EmbeddingMoments.none(WIDTH, CPU)
    for rows in blocks:
        embeddings = torch.from_numpy(data.embeddings[rows])
        now = EmbeddingMoments.of(embeddings)
        sums.add(block_of(data, rows), torch.from_numpy(rows), (embeddings.double() - now.mean).float(), now, moments)
        moments.merge(now)
    return sums, moments


def statistics_of(sums: LayerSums, moments: EmbeddingMoments) -> UnitStatistics:
    return sums.statistics(("layer", "max"), moments.count, [], torch.arange(moments.count))


def check_right(found: UnitStatistics, data: Data) -> None:
    values, embeddings = data.values.astype(np.float64), data.embeddings.astype(np.float64)
    count = len(values)
    spread = values.std(axis=0) + 1e-12
    assert np.allclose(found.means, values.mean(axis=0), rtol=1e-7)
    assert np.allclose(found.deviations, values.std(axis=0), rtol=1e-5, atol=1e-9)
    assert np.array_equal(found.least, data.values.min(axis=0))
    assert np.array_equal(found.most, data.values.max(axis=0))
    assert np.array_equal(found.fired, (data.values > 0).sum(axis=0))
    cross = (values - values.mean(axis=0)).T @ (embeddings - embeddings.mean(axis=0))
    scale = count * spread[:, None] * embeddings.std(axis=0)
    assert (np.abs(found.cross - cross) <= 1e-5 * scale + 1e-7).all()
    for extremes, sign in ((found.top, 1), (found.bottom, -1)):
        order = np.lexsort((np.arange(count)[:, None].repeat(UNITS, 1), -sign * data.values), axis=0)[:100].T
        kept = order.shape[1]
        assert np.array_equal(extremes.pictures[:, :kept], order)
        assert np.array_equal(extremes.values[:, :kept], np.take_along_axis(data.values.T, order, 1))
        assert np.array_equal(extremes.positions[:, :kept], np.take_along_axis(data.positions.T, order, 1))
        assert (extremes.pictures[:, kept:] == -1).all()
        assert np.isnan(extremes.values[:, kept:]).all()
    for unit in range(UNITS):
        edges = found.histogram.edges(unit)
        assert edges[0] <= found.least[unit]
        assert found.most[unit] < edges[-1]
        assert np.array_equal(found.histogram.counts[unit], np.histogram(values[:, unit], edges)[0])


def check_same_bins(one: UnitStatistics, other: UnitStatistics) -> None:
    assert np.array_equal(one.histogram.exponents, other.histogram.exponents)
    assert np.array_equal(one.histogram.starts, other.histogram.starts)
    assert np.array_equal(one.histogram.counts, other.histogram.counts)


@given(st.integers(1, 400), st.integers(0, 2**32 - 1), st.data())
@settings(max_examples=40, deadline=None)
def test_blocks_of_any_size_in_any_order_give_what_is_computed_directly(
    count: int, seed: int, data: st.DataObject
) -> None:
    made_ = made(count, seed)
    order = np.random.default_rng(seed).permutation(count)
    cuts = sorted(data.draw(st.lists(st.integers(0, count), max_size=6)))
    blocks = [rows for rows in np.split(order, cuts) if len(rows)]
    found = statistics_of(*summed(made_, blocks))
    check_right(found, made_)
    check_same_bins(found, statistics_of(*summed(made_, [np.arange(count)])))


@given(st.integers(2, 300), st.integers(0, 2**32 - 1), st.data())
@settings(max_examples=30, deadline=None)
def test_parts_that_are_merged_give_what_the_whole_gives(count: int, seed: int, data: st.DataObject) -> None:
    made_ = made(count, seed)
    order = np.random.default_rng(seed).permutation(count)
    cut = data.draw(st.integers(1, count - 1))
    (sums, moments), (others, theirs) = (summed(made_, [rows]) for rows in np.split(order, [cut]))
    sums.merge(others, theirs, moments)
    moments.merge(theirs)
    found = statistics_of(sums, moments)
    check_right(found, made_)
    check_same_bins(found, statistics_of(*summed(made_, [np.arange(count)])))
    wide = made_.embeddings.astype(np.float64)
    centred = wide - wide.mean(axis=0)
    assert np.allclose(moments.scatter.numpy(), centred.T @ centred, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "values", [[0.0, -0.0, 0.0], [1e-30, 2e-30, 1e30], [3e38, -3e38], [1.0] * 5, [-1.0, 127.0, 128.0]]
)
def test_histograms_hold_every_number(values: list[float]) -> None:
    column = np.array(values, dtype=np.float32)
    data = Data(
        column[:, None].repeat(UNITS, 1), np.zeros((len(values), UNITS), np.int16), made(len(values), 0).embeddings
    )
    whole = statistics_of(*summed(data, [np.arange(len(values))]))
    singly = statistics_of(*summed(data, [np.array([i]) for i in range(len(values))]))
    check_same_bins(whole, singly)
    edges = whole.histogram.edges(0)
    assert edges[0] <= column.min()
    assert column.max() < edges[-1]
    assert whole.histogram.counts[0].sum() == len(values)


def test_a_units_correlation_with_any_direction_follows_from_the_sums() -> None:
    data = made(300, 3)
    sums, moments = summed(data, np.array_split(np.arange(300), 5))
    directions = np.random.default_rng(1).normal(size=(7, WIDTH))
    embeddings = Embeddings(np.empty((300, WIDTH), np.float16), moments.mean.numpy(), moments.scatter.numpy())
    found = correlations(statistics_of(sums, moments), embeddings, directions)
    cosines = data.embeddings.astype(np.float64) @ directions.T
    wanted = np.corrcoef(cosines.T, data.values[:, :4].T.astype(np.float64))[:7, 7:]
    assert np.allclose(found[:, :4], wanted, atol=1e-5)


def test_values_that_are_saved_and_restored_go_on() -> None:
    data = made(50, 1)
    sums, moments = summed(data, [np.arange(50)])
    again = LayerSums(UNITS, WIDTH, CPU, placed=True)
    again.restore(sums.tensors())
    check_right(statistics_of(again, moments), data)


def few(count: int, seed: int, share: float) -> Data:
    """Values of which nearly all are zero, with ties; of one unit none is, of one all are."""
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 9, (count, UNITS)) * (rng.random((count, UNITS)) < share) / 4
    values[:, 1], values[:, 2] = 0, 1 + rng.integers(0, 5, count)
    positions = np.where(values > 0, rng.integers(0, 49, (count, UNITS)), 0)
    return Data(values.astype(np.float32), positions.astype(np.int16), made(count, seed).embeddings)


def entries_of(data: Data, rows: NDArray[np.int64]) -> PooledEntries:
    """A block of pictures in two parts, as they are gathered; some entries are zero, as top-k leaves them."""
    rng, parts = np.random.default_rng(len(rows)), []
    for some in np.array_split(rows, 2):
        values = torch.from_numpy(data.values[some])
        places = ((values > 0) | torch.from_numpy(rng.random(values.shape) < 0.1)).flatten().nonzero()[:, 0]
        entries = Sparse((len(some), 1, UNITS), places, values.flatten()[places])
        parts.append(PooledEntries(entries, torch.from_numpy(data.positions[some]).flatten()[places]))
    return PooledEntries.joined(parts)


@given(st.integers(1, 400), st.integers(0, 2**32 - 1), st.sampled_from([0.01, 0.1, 0.5]), st.data())
@settings(max_examples=60, deadline=None)
def test_entries_are_summed_as_all_values_are(count: int, seed: int, share: float, data: st.DataObject) -> None:
    made_ = few(count, seed, share)
    order = np.arange(count) if data.draw(st.booleans()) else np.random.default_rng(seed).permutation(count)
    cuts = sorted(data.draw(st.lists(st.integers(0, count), max_size=4)))
    blocks = [rows for rows in np.split(order, cuts) if len(rows)]
    (dense, moments), (sums, _) = summed(made_, blocks), summed(made_, blocks, entries_of)
    check_right(statistics_of(sums, moments), made_)
    one, other = sums.tensors(), dense.tensors()
    for name in ("least", "most", "fired", "bins.exponents", "bins.starts", "bins.counts"):
        assert torch.equal(one[name], other[name])
    for name in ("moments.means", "moments.squares", "moments.cross"):
        assert torch.allclose(one[name], other[name], rtol=1e-6, atol=1e-6 * count)
    for end in ("top", "bottom"):
        # What is kept is in any order.
        keys, places = one[f"{end}.keys"].sort(dim=1)
        wanted, others = other[f"{end}.keys"].sort(dim=1)
        assert torch.equal(keys, wanted)
        there = keys != keys.new_tensor(torch.iinfo(torch.int64).min)
        positions = one[f"{end}.positions"].gather(1, places), other[f"{end}.positions"].gather(1, others)
        assert torch.equal(positions[0][there], positions[1][there])
    rows, places_ = list(range(0, count, 3)), list(range(count, 0, -3))
    sums.keep(entries_of(made_, order), rows, places_)
    assert np.array_equal(sums.sample[places_].numpy(), made_.values[order][rows].astype(np.float16))
