"""Curves as CSV: one row for each step, one column for each picture."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence


def curves_csv(curves: Mapping[str, Sequence[float]]) -> str:
    """A table with a column ``step``, from 1, and one for each curve; a shorter curve's later cells are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", *curves])
    for i in range(max((len(values) for values in curves.values()), default=0)):
        writer.writerow([i + 1, *(f"{values[i]:.6g}" if i < len(values) else "" for values in curves.values())])
    return text.getvalue()
