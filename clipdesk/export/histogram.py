"""A unit's histogram as SVG, with marks for pictures such as the rendered one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clipdesk.activations.questions.unit import UnitHistogram
from clipdesk.export.page_parts import escaped

_WIDE, _HIGH, _TOP, _BOTTOM = 640.0, 150.0, 18.0, 18.0
_SMALL_WIDE, _SMALL_HIGH, _SMALL_BARS = 72, 22, 24

Mark = tuple[str, float]
"""What is marked, and its activation."""


def histogram(bins: UnitHistogram, marks: Sequence[Mark] = ()) -> str:
    """A histogram; the height of a bar is the root of its count, so that the few pictures at the top can be seen.

    Args:
        bins: The histogram.
        marks: What is marked in it. The axis becomes longer for marks outside.
    """
    if not len(bins.counts):
        return ""
    values = [value for _, value in marks]
    low, high = min(float(bins.edges[0]), *values, np.inf), max(float(bins.edges[-1]), *values, -np.inf)
    span = (high - low) or 1.0
    heights = np.sqrt(bins.counts / bins.counts.max())

    def across(value: float) -> float:
        return (value - low) / span * _WIDE

    bars = "".join(
        f'<rect x="{across(left):.1f}" y="{_TOP + (1 - height) * _HIGH:.1f}" '
        f'width="{max(0.5, across(right) - across(left) - 0.5):.1f}" height="{height * _HIGH:.1f}"/>'
        for left, right, height in zip(bins.edges[:-1], bins.edges[1:], heights, strict=True)
        if height
    )
    base = _TOP + _HIGH
    lines = "".join(_mark(name, across(value), base) for name, value in marks)
    total = base + _BOTTOM
    return (
        f'<svg viewBox="0 0 {_WIDE:.0f} {total:.0f}" width="{_WIDE:.0f}" height="{total:.0f}" role="img" '
        f'aria-label="Histogram of the activations, from {low:.3g} to {high:.3g}"><g class="bars">{bars}</g>'
        f'<line class="axis" x1="0" x2="{_WIDE:.0f}" y1="{base:.0f}" y2="{base:.0f}"/>'
        f'<text x="0" y="{total - 4:.0f}">{low:.3g}</text>'
        f'<text x="{_WIDE:.0f}" y="{total - 4:.0f}" text-anchor="end">{high:.3g}</text>{lines}</svg>'
    )


def small_histogram(bins: UnitHistogram) -> str:
    """A histogram for a row of a table."""
    if not len(bins.counts):
        return ""
    parts = np.array([part.sum() for part in np.array_split(bins.counts, min(_SMALL_BARS, len(bins.counts)))])
    heights = np.sqrt(parts / parts.max()) * _SMALL_HIGH
    wide = _SMALL_WIDE / len(parts)
    path = "".join(
        f"M{place * wide:.1f} {_SMALL_HIGH}v-{max(0.5, height):.1f}h{wide - 0.3:.1f}v{max(0.5, height):.1f}z"
        for place, height in enumerate(heights)
        if height
    )
    return (
        f'<svg viewBox="0 0 {_SMALL_WIDE} {_SMALL_HIGH}" width="{_SMALL_WIDE}" height="{_SMALL_HIGH}" '
        f'aria-hidden="true"><path class="bars" d="{path}"/></svg>'
    )


def _mark(name: str, place: float, base: float) -> str:
    anchor = "end" if place > _WIDE / 2 else "start"
    return (
        f'<line class="mark" x1="{place:.1f}" x2="{place:.1f}" y1="{_TOP - 4:.0f}" y2="{base:.0f}"/>'
        f'<text class="marked" x="{place:.1f}" y="11" text-anchor="{anchor}">{escaped(name)}</text>'
    )
