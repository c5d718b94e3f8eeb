"""Latents and the layer that they read: believed by their fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from clip.model import CLIP
from torch import Tensor, nn

from clipdesk.errors import UsageError
from clipdesk.models.latents_names import LatentsName, parse_latents
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.latents import pairing
from clipdesk.network.latents.algebra import Latents, Norm, Tokens
from clipdesk.network.latents.fitting import SCENES, Pairing, activations_at
from clipdesk.network.latents.pairing import paired, with_pairings
from clipdesk.network.layers import LayerInfo
from tests.network.latents.perfect import perfect, useless

BLOCKS = "visual.transformer.resblocks"


def pair(vit: CLIP, latents: Latents, said: str = "x", **others: str | Path) -> Pairing:
    name = replace(parse_latents(said), place="")
    weights, kept = others.get("weights"), others.get("kept")
    return paired(
        vit,
        LayerInspector(vit),
        latents,
        said=name,
        weights=str(weights) if weights else None,
        kept=Path(kept) if kept else None,
    )


def test_latents_are_a_layer_below_the_one_that_they_read(vit: CLIP) -> None:
    inspector = LayerInspector(vit)
    found = pair(vit, perfect(64, "blocks.1.hook_resid_post", Tokens.PATCHES))
    more = with_pairings(inspector, [found, found])
    names = [name for name in more.layers if "latents" in name]
    assert names == [f"{BLOCKS}.1.latents", f"{BLOCKS}.1.latents_2"]
    parent = next(node for node in more.tree.walk() if node.info.name == f"{BLOCKS}.1")
    assert [child.info.name for child in parent.children][-2:] == names
    assert more.check_unit("1.latents", 127).unit_kind == "latent"
    assert more.get_neuron_names("1.latents")[5] == "latent_5"
    assert not any("latents" in name for name in inspector.layers)
    assert found.fit.r2 == pytest.approx(1, abs=1e-5)


def test_a_layer_that_nobody_says_is_found(vit: CLIP) -> None:
    found = pair(vit, perfect(256))
    assert found.base.name.endswith("mlp.gelu")
    assert found.tokens is Tokens.ALL


def test_what_the_user_says_goes_before_what_the_file_says(vit: CLIP) -> None:
    latents = perfect(64, "blocks.1.hook_resid_post", Tokens.PATCHES)
    found = pair(vit, latents, "x?layer=0.mlp&tokens=class&norm=center&bias=subtracted")
    assert (found.base.name, found.tokens, found.latents.norm) == (f"{BLOCKS}.0.mlp", Tokens.CLASS, Norm.CENTER)
    assert found.latents.subtracted


@pytest.mark.parametrize(
    ("latents", "said"),
    [
        (perfect(64, "blocks.7.hook_resid_post"), "this model has no such layer.*layer=LAYER"),
        (perfect(33), "is of layers with 33 units. It is of another model than this one, whose blocks have 64"),
        (perfect(33, "blocks.7.hook_resid_post"), "is of layers with 33 units"),
        (perfect(256, "blocks.1.hook_resid_post"), r"256 units, and 1 has 64"),
        (useless(64, "blocks.1.hook_resid_post"), r"does not fit .*R² is -\d.*fits no layer of this model.*\?anyway"),
    ],
)
def test_a_wrong_pairing_is_refused_with_the_reason(vit: CLIP, latents: Latents, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        pair(vit, latents)


def test_what_fits_better_is_named_and_can_be_said(vit: CLIP) -> None:
    # It was trained with the decoder bias subtracted, and its form says that it was not.
    offset = torch.full((64,), 30.0)
    wrong = replace(perfect(64, "blocks.1.hook_resid_post", Tokens.PATCHES), decoder_bias=offset)
    with pytest.raises(UsageError, match=r"does not fit .*its patches.* fits better, with 1.00: .*&bias=subtracted "):
        pair(vit, wrong)
    assert pair(vit, wrong, "x?bias=subtracted").fit.r2 == pytest.approx(1, abs=1e-3)
    assert pair(vit, wrong, "x?anyway").fit.r2 < 0


def test_a_fit_is_measured_once_for_each_file_and_weights(
    vit: CLIP, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    latents = replace(perfect(64), sha256="a" * 64)
    first = pair(vit, latents, weights="w", kept=tmp_path)
    asked: list[str] = []

    def counted(network: nn.Module, layers: Iterable[LayerInfo], count: int = SCENES) -> dict[str, Tensor]:
        asked.append("")
        return activations_at(network, layers, count)

    monkeypatch.setattr(pairing, "activations_at", counted)
    again = pair(vit, latents, weights="w", kept=tmp_path)
    assert not asked
    assert (again.fit, again.base, again.tokens, again.latents.norm) == (
        first.fit,
        first.base,
        first.tokens,
        first.latents.norm,
    )
    pair(vit, latents, weights="other", kept=tmp_path)
    pair(vit, replace(latents, sha256="b" * 64), weights="w", kept=tmp_path)
    assert len(asked) >= 2
    for damaged in ("", "[]", '{"layer": "visual"}', '{"layer": 3}'):
        for file in tmp_path.iterdir():
            file.write_text(damaged)
        assert pair(vit, latents, weights="w", kept=tmp_path).fit == first.fit


def test_a_name_that_says_nothing_changes_nothing(vit: CLIP) -> None:
    assert pair(vit, perfect(64, "1"), "x").base.name == f"{BLOCKS}.1"
    assert LatentsName("x").options == ""
