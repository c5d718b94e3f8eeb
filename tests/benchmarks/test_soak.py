from collections.abc import Iterator
from itertools import islice

import pytest

from benchmarks import soak
from clipdesk.models.loading import load_model
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.targets import Unit


def test_units_go_through_all_mlps_and_begin_again() -> None:
    inspector = LayerInspector(load_model("demo"))
    some = [unit for unit in islice(soak.units(inspector), 5_000) if isinstance(unit, Unit)]
    assert len({unit.layer for unit in some}) == 6
    assert some[0] == some[6 * 768]


def test_a_soak_counts_what_it_made_and_reports_the_most_memory_after_the_first_tenth(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def readings() -> Iterator[float]:
        """Each tenth's memory before and after the C library has given back what is free."""
        for in_use in (100.0, 130.0, 110.0, 90.0, 120.0):
            yield 1000.0
            yield in_use

    measured = readings()
    monkeypatch.setattr(soak, "resident", lambda: next(measured))
    monkeypatch.setattr(soak, "_BATCH", 2)
    soak.soak("demo", pictures=10, steps=1)
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[0]) for line in lines[:-1]] == [2, 4, 6, 8, 10]
    assert "1000.0 MB, 130.0 MB of it in use" in lines[1]
    assert lines[-1] == "most in use after the first tenth: +30.0%"


def test_memory_that_is_held_is_resident() -> None:
    before = soak.resident()
    # Much more than what the system may take back from the process meanwhile.
    held = bytearray(b"x") * (256 * 2**20)
    assert soak.resident() - before > 128
    del held
