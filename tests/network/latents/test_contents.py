"""What is taken from files, and what is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from clipdesk.errors import UsageError
from clipdesk.models.checks import NotAState
from clipdesk.network.latents.contents import Content, Values, checked_weights, explained, read_config


def test_values_are_checked_when_they_are_asked_for() -> None:
    values = Values({"k": 32.0, "name": "a\nb", "yes": True, "none": None, "inner": {"k": 3}})
    assert (values.whole("k"), values.text("name"), values.flag("yes", False)) == (32, "a\\nb", True)
    assert values.flag("none", True)
    assert "none" not in values
    assert values.part("inner").whole("k") == 3
    assert values.part("name")["k"] is None
    assert values.text("k", "other") == "other"


@pytest.mark.parametrize("found", [None, 0, -3, 2.5, True, "7", 10**9, [3]])
def test_a_count_is_a_whole_number_within_bounds(found: object) -> None:
    with pytest.raises(NotAState, match="a whole number from 1 to"):
        Values({"k": found}).whole("k")


@pytest.mark.parametrize("found", ["yes", 1, 0])
def test_a_flag_is_true_or_false(found: object) -> None:
    with pytest.raises(NotAState, match="not true or false"):
        Values({"flag": found}).flag("flag", True)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([torch.ones(3)], "by name"),
        ({"k": 3}, "no weights"),
        ({"w": torch.full((2, 2), torch.inf)}, "infinite"),
        ({"w": torch.ones(1).expand(9000, 9000)}, "MB"),
        ({"w": torch.ones(2, 2).to_sparse()}, "without plain numbers"),
        ({"w": torch.ones(2, 2, device="meta")}, "without plain numbers"),
        ({"w": torch.ones(90, 90, dtype=torch.int64)}, "int64"),
    ],
)
def test_only_plain_finite_numbers_are_weights(found: object, said: str) -> None:
    with pytest.raises(NotAState, match=said):
        checked_weights(found, 1_000)


def test_whole_numbers_beside_the_weights_are_kept() -> None:
    found = checked_weights({"w": torch.ones(2, 2), "k": torch.tensor(3), "group_sizes": torch.tensor([1, 2])}, 1_000)
    assert sorted(found) == ["group_sizes", "k", "w"]


def content(**weights: Tensor) -> Content:
    return Content(Path("sae.pt"), weights, Values({}), "")


def test_weights_have_the_form_that_is_wanted() -> None:
    given = content(w=torch.ones(3, 4).half(), b=torch.ones(4), k=torch.tensor(7))
    assert given.matrix("w").dtype is torch.float32
    assert given.number("k") == 7
    for ask in (
        lambda: given.matrix("b"),
        lambda: given.vector("b", 3),
        lambda: given.number("b"),
        lambda: given.matrix("?"),
    ):
        with pytest.raises(NotAState):
            ask()
    with pytest.raises(NotAState, match="matrix of weights"):
        content(w=torch.ones(1).expand(2**17, 2**17)).matrix("w")


@pytest.mark.parametrize("text", ["no JSON", "[1]", "[" * 100_000])
def test_a_configuration_is_an_object_in_json(tmp_path: Path, text: str) -> None:
    (tmp_path / "cfg.json").write_text(text)
    with pytest.raises(UsageError, match="is not a configuration"):
        read_config(tmp_path / "cfg.json")


def test_what_does_not_fit_together_is_one_line() -> None:
    with pytest.raises(NotAState, match="do not fit together"), explained():
        torch.ones(3) @ torch.ones(4)
