"""What a training is asked for, as plain data."""

from __future__ import annotations

import importlib.util

import pytest
from pydantic import ValidationError

from clipdesk.activations.autoencoders.settings import TrainingSettings, check_library
from clipdesk.errors import ClipDeskError


def test_settings_round_trip_through_json() -> None:
    settings = TrainingSettings(layer="visual.layer4", kind="topk", latents=64, active=8, seed=3)
    assert TrainingSettings.model_validate_json(settings.model_dump_json()) == settings


@pytest.mark.parametrize("wrong", [{"kind": "gated"}, {"active": 0}, {"steps": 0}, {"rate": 0.0}, {"layers": 3}])
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TrainingSettings.model_validate({"layer": "visual", **wrong})


def test_without_the_library_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ClipDeskError, match=r"pip install 'clipdesk\[sae\]'"):
        check_library()
