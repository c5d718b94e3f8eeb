"""A comparison as plain data says what the comparison says, and can be written as JSON."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from clipdesk.export.comparison_json import comparison_as_csv, comparison_as_json
from tests.export.comparisons import changed_unit


@pytest.mark.parametrize("match", [False, True])
def test_json_holds_the_numbers(match: bool) -> None:
    found = changed_unit(match=match)
    units = found.drifted(3)
    said = json.loads(json.dumps(comparison_as_json(found, units, {}), allow_nan=False))
    layer = found.layers[0]
    assert said["cka"]["values"] == [[pytest.approx(found.cka[0, 0], rel=1e-4)]]
    assert said["layers"][0]["changed"] == int((layer.drift > 0.1).sum())
    assert said["units"][0]["unit"] == "1.mlp.gelu:41"
    assert said["units"][0]["moved"] == pytest.approx(layer.moved[41], rel=1e-4)
    assert ("mean_best" in said["layers"][0]) == match
    places = [each["place"] for each in said["units"][0]["first"]["top"]]
    top = layer.first.top.pictures[41, :20].tolist()
    assert places == [found.first.pictures[each].place for each in top]


def test_csv_has_all_units_the_most_changed_first() -> None:
    found = changed_unit()
    rows = list(csv.DictReader(comparison_as_csv(found).decode().splitlines()))
    drift = [float(row["drift"]) for row in rows]
    assert rows[0]["unit"] == "41"
    assert drift == sorted(drift, reverse=True)
    assert len(rows) == int(np.isfinite(found.layers[0].drift).sum())
