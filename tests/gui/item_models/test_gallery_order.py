from pathlib import Path

import pytest

from clipdesk.gui.item_models.gallery_order import Search
from clipdesk.gui.library import Entry
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text, Unit
from tests.recipes import make_recipe

GELU = "visual.transformer.resblocks.3.mlp.gelu"


def entries() -> dict[str, Entry]:
    recipes = {
        "five": make_recipe(Unit(layer=GELU, index=5), make_settings("draft")),
        "fifty": make_recipe(Unit(layer=GELU, index=50), model="ViT-B/32"),
        "text": make_recipe(Text(text="5 red stars"), steps=7),
    }
    return {name: Entry(Path(f"{name}_2026.png"), recipe, b"") for name, recipe in recipes.items()}


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", {"five", "fifty", "text"}),
        ("5", {"five", "text"}),
        ("gelu:5", {"five"}),
        ("3.MLP.gelu", {"five", "fifty"}),
        ("resblocks.3", {"five", "fifty"}),
        ("vit-b/32", {"fifty"}),
        ("draft", {"five"}),
        ("stopped", {"text"}),
        ("stars red", {"text"}),
        ("fifty_2026.png", {"fifty"}),
        ("2026", set()),
        ("gelu nowhere", set()),
    ],
)
def test_all_words_have_to_be_there(search: str, found: set[str]) -> None:
    assert {name for name, entry in entries().items() if Search(search).finds(entry)} == found
