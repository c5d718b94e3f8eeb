"""A few of open_clip's architectures as plain files; `benchmarks.architectures` goes over all."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("open_clip", reason="the extra clipdesk[open-clip] is not installed")

from benchmarks.architectures import outcome_of
from clipdesk.models.architectures import fitting, lengths_of, shapes_of


@pytest.mark.parametrize(
    "name",
    [
        *(
            "ViT-B-32",
            "ViT-B-32-quickgelu",
            "ViT-L-14-336",
            "RN50x64",
            "ViT-S-32",
            "ViT-M-16-alt",
            "ViT-H-14",
            "ViT-e-14",
        ),
        *("ViT-L-14-CLIPA", "ViT-L-14-worldwide", "ViT-L-16", "coca_ViT-B-32", "ViT-B-16-SigLIP", "convnext_tiny"),
    ],
)
def test_an_architecture_opens_as_itself_or_is_refused_with_its_name(name: str) -> None:
    outcome = outcome_of(name, most_millions=0)
    assert outcome.right, outcome.words


def test_weights_at_another_size_still_fit() -> None:
    shapes = dict(shapes_of("ViT-H-14") or {})
    assert fitting(shapes) == ["ViT-H-14", "ViT-H-14-quickgelu"]
    shapes["visual.positional_embedding"] = torch.empty(17, 1280, device="meta")
    assert {"ViT-H-14", "ViT-H-14-378", "ViT-H-14-quickgelu"} <= set(fitting(shapes))
    assert lengths_of(shapes, shapes_of("ViT-H-14") or {}, 14) == (56, None)


def test_a_text_tower_that_would_be_looked_up_on_the_web_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    state = dict(shapes_of("ViT-H-14") or {})
    tried: list[str] = []
    monkeypatch.setattr("clipdesk.models.architectures.shapes_of", lambda name: tried.append(name))
    fitting(state)
    assert "ViT-H-14" in tried
    assert "xlm-roberta-large-ViT-H-14" not in tried
