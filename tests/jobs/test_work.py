"""What every kind of work has in common, on a kind that says as little as it may."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pytest
from typing_extensions import Self, override

from clipdesk.jobs.work import Work
from clipdesk.models.names import Checkpoint, Named


class Letters(Work):
    """Letters, one a unit."""

    kind: Literal["letters"] = "letters"
    text: str

    @property
    @override
    def units(self) -> Sequence[str]:
        return tuple(self.text)

    @override
    def part(self, positions: Sequence[int]) -> Self:
        return self.model_copy(update={"text": "".join(self.text[i] for i in positions)})


def test_work_round_trips_through_json() -> None:
    work = Letters(model=Named("demo"), text="abc", weights="a" * 64)
    assert Letters.model_validate_json(work.written()) == work
    assert '"model":"demo"' in work.written()


def test_a_name_of_a_model_is_parsed_and_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Letters(model="demo", text="").model == Named("demo")
    work = Letters(model="mine.pt", text="")
    assert work.model == Checkpoint(tmp_path / "mine.pt")
    monkeypatch.chdir("/")
    assert Letters.model_validate_json(work.written()) == work


def test_what_a_kind_does_not_say_has_a_default() -> None:
    work = Letters(model=Named("demo"), text="abc")
    assert (work.steps, work.noun, work.label(1), work.known()) == (1, "units", "b", work)
    assert work.part([2, 0]).units == ("c", "a")
    assert work.with_weights("b" * 64).weights == "b" * 64
    assert work.weights is None


def test_an_unknown_field_and_a_wrong_checksum_are_refused() -> None:
    with pytest.raises(ValueError, match="odd"):
        Letters.read({"model": "demo", "text": "a", "odd": 1})
    with pytest.raises(ValueError, match="weights"):
        Letters.read({"model": "demo", "text": "a", "weights": "not a checksum"})


def test_a_kind_must_say_what_its_units_are() -> None:
    work = Work(kind="bare", model=Named("demo"))
    with pytest.raises(TypeError, match="Work does not say what its units are"):
        _ = work.units
    with pytest.raises(TypeError, match="Work cannot be divided"):
        work.part([0])
