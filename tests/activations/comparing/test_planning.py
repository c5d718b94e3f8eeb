"""Layers are compared with those that they can be compared with."""

from __future__ import annotations

import pytest
from clip.model import CLIP

from clipdesk.activations.comparing.planning import plan
from clipdesk.errors import UsageError
from clipdesk.network.opened import OpenModel
from tests.activations.comparing.models import HIDDEN, compared, deeper
from tests.clips import openais


@pytest.fixture(scope="module")
def clip() -> CLIP:
    return openais()


def test_models_of_another_depth_are_matched_by_depth() -> None:
    deep = deeper(64, 4)
    pairs = plan(OpenModel.of(openais()), OpenModel.of(deep))
    hidden = [(each.first, each.second) for each in pairs if each.first.endswith("gelu")]
    assert [(a.split(".")[3], b.split(".")[3]) for a, b in hidden] == [("0", "0"), ("1", "3")]
    found = compared(openais(), deep)
    assert all(each.partners is not None for each in found.layers)


def test_a_layer_that_one_of_them_lacks_is_refused(clip: CLIP) -> None:
    deep = deeper(64, 4)
    with pytest.raises(UsageError, match=r"write 3.mlp.gelu=LAYER"):
        plan(OpenModel.of(deep), OpenModel.of(clip), ["3.mlp.gelu"])
    assert plan(OpenModel.of(deep), OpenModel.of(clip), ["3.mlp.gelu=1.mlp.gelu"])[0].short == "3.mlp.gelu=1.mlp.gelu"


def test_partners_that_take_too_much_memory_are_refused(clip: CLIP, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipdesk.activations.comparing.planning.MOST_BYTES", 2**20 - 1)
    with pytest.raises(UsageError, match="--layers"):
        plan(OpenModel.of(clip), OpenModel.of(clip), [HIDDEN], match=True)
    assert plan(OpenModel.of(clip), OpenModel.of(clip), [HIDDEN])[0].same
