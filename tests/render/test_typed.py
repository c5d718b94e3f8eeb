"""What people type: short names, texts, and what is never taken for a text."""

from pathlib import Path

import numpy as np
import pytest
from clip.model import CLIP

from clipdesk.errors import UsageError
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.opened import OpenModel
from clipdesk.render.expressions import is_expression
from clipdesk.render.targets import Text, Unit
from clipdesk.render.typed import advice_on, in_full, in_words, read_text, read_typed
from tests.network.latents.perfect import perfect

HIDDEN = "visual.transformer.resblocks.1.mlp.gelu"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("1.mlp.gelu:5", f"{HIDDEN}:5"),
        ("-1.mlp.gelu:5", f"-{HIDDEN}:5"),
        ("- 0.5*1.mlp.gelu:5@max", f"-0.5*{HIDDEN}:5@max"),
        ("2 1.mlp.gelu:5", f"2*{HIDDEN}:5"),
        ("1:5", "visual.transformer.resblocks.1:5"),
        ('ln_post:3 - "a star"', 'visual.ln_post:3 - "a star"'),
        ("1.mlp.gelu:5 - others(1.mlp.gelu:5)", f"{HIDDEN}:5 - others({HIDDEN}:5)"),
        ("decoder(1:5)", "decoder(visual.transformer.resblocks.1:5)"),
        (f"{HIDDEN}:5", f"{HIDDEN}:5"),
    ],
)
def test_the_names_that_the_window_shows_are_units(inspector: LayerInspector, text: str, label: str) -> None:
    assert read_typed(text, inspector.layers).label == label


@pytest.mark.parametrize("text", ["a star", "it's a dog's", "note: 5 apples", 'a "red" star', "well-known - or not"])
def test_a_plain_text_is_a_text(inspector: LayerInspector, text: str) -> None:
    assert read_typed(text, inspector.layers) == Text(text=text)
    assert read_text(text) == Text(text=text)


@pytest.mark.parametrize(
    "text",
    [
        "-a star",
        "- a star",
        '3.mlp.gel:5 - "a star"',
        "a clock at 10:30",
        'a star - "a circle"',
        "a star -'a circle'",
        "3.mlp.gelu@max",
        "ln_post:[x.npy",
    ],
)
def test_what_looks_like_a_target_is_never_a_text_silently(inspector: LayerInspector, text: str) -> None:
    assert is_expression(text)
    mark = "'" if '"' in text else '"'
    with pytest.raises(UsageError, match="If it is a text, put it in quotes: ") as caught:
        read_typed(text, inspector.layers)
    quoted = f"{mark}{text}{mark}"
    assert str(caught.value).endswith(quoted)
    with pytest.raises(UsageError, match="looks like a unit or a sum"):
        read_text(text)
    if "'" not in text:
        assert read_typed(quoted, inspector.layers) == read_text(quoted) == Text(text=text)


def test_a_wrong_layer_is_named_with_the_nearest(inspector: LayerInspector) -> None:
    with pytest.raises(UsageError, match=r"There is no layer '1\.mlp\.gel'\. Did you mean 1\.mlp\.gelu\?"):
        read_typed("-1.mlp.gel:5", inspector.layers)


def test_a_layer_without_a_unit_is_not_a_text(inspector: LayerInspector) -> None:
    with pytest.raises(UsageError, match=r"1\.mlp\.gelu is a layer\. Name one of its units: 1\.mlp\.gelu:0"):
        read_typed("1.mlp.gelu", inspector.layers)


def test_a_direction_gets_the_full_name_of_its_layer(inspector: LayerInspector, tmp_path: Path) -> None:
    np.save(tmp_path / "cats.npy", np.ones(256))
    target = read_typed(f"1.mlp.gelu:[{tmp_path / 'cats.npy'}]", inspector.layers)
    assert target.label == f"{HIDDEN}:[cats.npy]"
    assert in_words(target) == f"the direction cats.npy of {HIDDEN}"


def test_a_target_without_short_names_is_the_same(inspector: LayerInspector) -> None:
    for target in (Unit(layer=HIDDEN, index=1), Text(text="1.mlp.gelu:5")):
        assert in_full(target, inspector.layers) == target


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("visual.layer3:12", "unit 12 of visual.layer3"),
        ("visual.layer3:12@max", "unit 12 of visual.layer3 at its largest patch"),
        ("a star", "the text 'a star'"),
        ("-visual.layer3:12", "unit 12 of visual.layer3, negative"),
        ('"a star" - 0.5*"a circle"', "the text 'a star' minus 0.5 times the text 'a circle'"),
        ('-"a star" + visual.a:1@12', "minus the text 'a star' plus unit 1 of visual.a at position 12"),
        ("visual.a:1 - others(visual.a:1)", "unit 1 of visual.a minus the units of visual.a other than 1"),
        ("-decoder(visual.a:1)", "what latent 1 of visual.a writes, negative"),
    ],
)
def test_a_target_in_words(text: str, words: str) -> None:
    assert in_words(read_typed(text)) == words


def test_a_negative_target_behind_a_rectifier_is_told_of_the_layer_before(inspector: LayerInspector) -> None:
    advice = advice_on(read_typed("-1.mlp.gelu:5@max", inspector.layers), inspector.layers)
    assert advice is not None
    assert advice.text == (
        "QuickGELU keeps unit 5 of 1.mlp.gelu from going far below 0. The layer before can: -1.mlp.c_fc:5@max"
    )
    assert advice.instead == read_typed("-1.mlp.c_fc:5@max", inspector.layers)


def test_a_block_of_a_resnet_has_no_layer_before(resnet: CLIP) -> None:
    layers = LayerInspector(resnet).layers
    advice = advice_on(read_typed("-layer4.0:7", layers), layers)
    assert advice is not None
    assert advice.text == "ReLU keeps unit 7 of layer4.0 from going far below 0, so little can be shown"
    assert advice.instead is None


@pytest.mark.parametrize("text", ["1.mlp.gelu:5", "-1.mlp.c_fc:5", '"a star" - 1.mlp.gelu:5', '-"a star"', "a star"])
def test_other_targets_need_no_advice(inspector: LayerInspector, text: str) -> None:
    assert advice_on(read_typed(text, inspector.layers), inspector.layers) is None


def test_the_pre_activation_of_a_latent_can_be_made_small(vit: CLIP) -> None:
    layers = OpenModel.of(vit).with_latents(perfect(64, "1")).inspector.layers
    assert advice_on(read_typed("-1.latents:5@max", layers), layers) is None
