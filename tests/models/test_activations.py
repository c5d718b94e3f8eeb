"""The activation, which no weight says: taken from every hint there is, or asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from clipdesk.models.names import has_open_clip
from clipdesk.network.pool import open_model
from tests.clips import State, is_same, openais, opened, part


@pytest.mark.parametrize(
    ("name", "content", "taken", "reason"),
    [
        ("mine.pt", lambda s: s, "QuickGELU", "OpenAI's class has written it"),
        ("mine.pt?gelu", lambda s: s, "GELU", "as asked for"),
        ("mine.pt?quickgelu", lambda s: {"state_dict": s, "epoch": 3, "name": "run"}, "QuickGELU", "as asked for"),
        ("mine.pt", lambda s: {"state_dict": s, "epoch": 3, "name": "run"}, "GELU", "open_clip's training"),
        ("m.pt", lambda s: {"state_dict": s, "epoch": 3, "name": "d-model_ViT-B-32-lr"}, "GELU", "not say quickgelu"),
        (
            "m.pt",
            lambda s: {"state_dict": s, "epoch": 3, "name": "d-model_ViT-B-32-quickgelu-lr"},
            "QuickGELU",
            "its name",
        ),
        ("ViT-B-32-quickgelu.pt", lambda s: {"state_dict": s, "epoch": 3}, "QuickGELU", "its name says so"),
        ("d-model_ViT-B-32-quickgelu-lr/checkpoints/plain.pt", lambda s: s, "QuickGELU", "its training run's folder"),
        ("quickgelu/plain.pt?gelu", lambda s: s, "GELU", "as asked for"),
        ("mine.pt", lambda s: {**s, "input_resolution": 64}, "QuickGELU", "the form of OpenAI's archives"),
    ],
)
def test_the_activation_is_taken_from_every_hint_and_said(
    tmp_path: Path, name: str, content: Callable[[State], object], taken: str, reason: str
) -> None:
    from clipdesk.models.names import find_name
    from clipdesk.network.pool import ModelPool

    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    torch.save(content(openais().state_dict()), tmp_path / name.partition("?")[0])
    model = ModelPool().open(find_name(str(tmp_path / name)), "cpu")
    assert model.activation == taken
    assert reason in model.reason
    other = "quickgelu" if taken == "GELU" else "gelu"
    assert f"For the other one, open {Path(name.partition('?')[0]).name}?{other}." in model.remarks[0]


@pytest.mark.skipif(not has_open_clip(), reason="the extra clipdesk[open-clip] is not installed")
def test_the_activation_can_be_asked_for_with_an_architecture(tmp_path: Path) -> None:
    import open_clip

    true = open_clip.create_model("ViT-S-32-alt", load_weights=False, force_quick_gelu=True).eval()
    torch.save(true.state_dict(), tmp_path / "mine.pt")
    name = f"open_clip:ViT-S-32-alt/[{tmp_path / 'mine.pt'}]"
    assert type(part(opened(name), "mlp.gelu")).__name__ == "GELU"
    identities = [open_model(each, "cpu").sha256 for each in (name, f"{name}?gelu", f"{name}?quickgelu")]
    assert identities[0] == identities[1] != identities[2]
    model = opened(f"{name}?quickgelu")
    assert type(part(model, "mlp.gelu")).__name__ == "QuickGELU"
    assert is_same(model, true, 224)


@pytest.mark.skipif(not has_open_clip(), reason="the extra clipdesk[open-clip] is not installed")
def test_the_sides_of_pictures_and_texts_are_those_of_the_file(tmp_path: Path) -> None:
    import open_clip

    true = open_clip.create_model("ViT-S-32-alt", load_weights=False, force_image_size=384).eval()
    torch.save({**true.state_dict(), "positional_embedding": torch.randn(248, 256)}, tmp_path / "mine.pt")
    model = opened(f"open_clip:ViT-S-32-alt/[{tmp_path / 'mine.pt'}]")
    assert is_same(model, true, 384)
    assert model.state_dict()["positional_embedding"].shape == (248, 256)
