"""Short names of layers and units, and back."""

import pytest
from clip.model import CLIP

from clipdesk.errors import UsageError
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.layer_names import (
    full_layer,
    place_of,
    short_label,
    short_layer,
    split_range,
    split_unit,
    suggestion,
)

HIDDEN = "visual.transformer.resblocks.1.mlp.gelu"


def test_every_layer_is_found_by_its_short_name(vit: CLIP, resnet: CLIP) -> None:
    for model in (vit, resnet):
        layers = LayerInspector(model).layers
        assert len({short_layer(name) for name in layers}) == len(layers)
        for name in layers:
            assert full_layer(short_layer(name), layers) == name
            assert full_layer(name, layers) == name


def test_a_name_that_is_not_there_stays_as_it_is(inspector: LayerInspector) -> None:
    assert full_layer("9.mlp", inspector.layers) == "9.mlp"


def test_labels_get_short_names_but_texts_and_files_stay() -> None:
    label = f'-{HIDDEN}:5@max + "visual.a:5" - others(visual.layer4.0:7) + visual.ln_post:[visual.a:5.npy]'
    assert short_label(label) == ('-1.mlp.gelu:5@max + "visual.a:5" - others(layer4.0:7) + ln_post:[visual.a:5.npy]')
    assert short_label("visual:3") == "visual:3"


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("1.mlp.gelu:5", ("1.mlp.gelu", 5)),
        (f"- {HIDDEN}:12", (HIDDEN, 12)),
        ("1.mlp.gelu", None),
        ("1.mlp.gelu:5 and more", None),
    ],
)
def test_a_units_name_is_taken_apart(text: str, unit: tuple[str, int] | None) -> None:
    assert split_unit(text) == unit


def test_a_place_is_a_unit_or_a_layer() -> None:
    assert place_of("1.mlp.gelu:5") == ("1.mlp.gelu", 5)
    assert place_of(f" {HIDDEN} ") == (HIDDEN, None)
    for wrong in ("1.mlp.gelu:x", "1.mlp.gelu:", "a b", "", "../x"):
        with pytest.raises(UsageError, match=r"is not a unit\. Write LAYER:UNIT"):
            place_of(wrong)


def test_a_range_may_name_its_layer_but_no_other() -> None:
    assert split_range("1.mlp.gelu:3,5", HIDDEN) == "3,5"
    assert split_range(f"{HIDDEN}:0:64:8", HIDDEN) == "0:64:8"
    assert split_range("0:64:8", HIDDEN) == "0:64:8"
    with pytest.raises(UsageError, match=r"0\.mlp\.gelu is another layer"):
        split_range("0.mlp.gelu:3", HIDDEN)


def test_the_nearest_names_have_the_form_of_the_wrong_one(inspector: LayerInspector) -> None:
    names = inspector.get_layer_names()
    assert suggestion("1.mpl.gelu", names).startswith("Did you mean 1.mlp.gelu")
    assert suggestion("visual.transformer.resblocks.1.mlp.gel", names) == f"Did you mean {HIDDEN}?"
    with pytest.raises(UsageError, match=r"There is no layer '1\.mpl\.gelu'\. Did you mean 1\.mlp\.gelu"):
        inspector.get_layer_info("1.mpl.gelu")
    assert inspector.check_unit("1.mlp.gelu", 5).name == HIDDEN
