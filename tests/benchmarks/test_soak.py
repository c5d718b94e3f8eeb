from itertools import islice

import pytest

from benchmarks.soak import soak, units
from clipdesk.models.loading import load_model
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.targets import Unit


def test_units_go_through_all_mlps_and_begin_again() -> None:
    some = [unit for unit in islice(units(LayerInspector(load_model("demo"))), 5_000) if isinstance(unit, Unit)]
    assert len({unit.layer for unit in some}) == 6
    assert some[0] == some[6 * 768]


def test_a_soak_counts_what_it_made(capsys: pytest.CaptureFixture[str]) -> None:
    soak("demo", pictures=10, steps=1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("10 pictures, ")
    assert lines[-1] == "most in use after the first tenth: +0.0%"
