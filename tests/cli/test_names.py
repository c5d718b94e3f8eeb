"""Targets as they are typed after options: short names, and what is never taken for a text."""

import pytest

from clipdesk.export.png import read_recipe
from clipdesk.render.targets import Text, Unit
from tests.cli.conftest import Command

HIDDEN = "visual.transformer.resblocks.1.mlp.gelu"
QUICK = ("--model", "SMALL", "--iterations", "1", "--views", "1", "--size", "64")


def test_short_names_are_the_same_units(clipdesk: Command) -> None:
    assert clipdesk("render", *QUICK, "--target", "1.mlp.gelu:5", "--output", "a.png").code == 0
    assert clipdesk("render", *QUICK, "--layer", "1.mlp.gelu", "--neuron", "5", "--output", "b.png").code == 0
    assert {read_recipe(clipdesk.folder / name).target for name in ("a.png", "b.png")} == {Unit(layer=HIDDEN, index=5)}
    assert clipdesk("neurons", "--model", "SMALL", "--layer", "1.mlp.gelu").out.splitlines()[255] == "neuron_255"


def test_a_batch_of_a_short_name_is_the_batch_of_the_layer(clipdesk: Command) -> None:
    batch = ("batch", *QUICK, "--neuron-range", "0", "2", "1", "--output-dir", "out")
    assert clipdesk(*batch, "--layer", "1.mlp.gelu").code == 0
    assert f"{HIDDEN}_metadata.json" in clipdesk.files("out")
    assert "2 skipped" in clipdesk(*batch, "--layer", HIDDEN).err


@pytest.mark.parametrize("text", ["-3.mlp.gelu:5", "1.mlp.gelu:5", '1.mlp.gel:5 - "a star"'])
def test_what_looks_like_a_target_is_not_a_text(clipdesk: Command, text: str) -> None:
    outcome = clipdesk("render", *QUICK, "--text", text)
    assert outcome.code == 2
    assert "looks like a unit or a sum. Write it after --target. If it is a text, put it in quotes: " in outcome.err
    assert clipdesk.files() == []


def test_quotes_force_a_text(clipdesk: Command) -> None:
    assert clipdesk("render", *QUICK, "--text", '"-3.mlp.gelu:5"', "--output", "x.png").code == 0
    assert read_recipe(clipdesk.folder / "x.png").target == Text(text="-3.mlp.gelu:5")


def test_wrong_short_names_are_answered_with_the_nearest(clipdesk: Command) -> None:
    outcome = clipdesk("render", *QUICK, "--target", "-1.mpl.gelu:5")
    assert outcome.code == 2
    assert "There is no layer '1.mpl.gelu'. Did you mean 1.mlp.gelu" in outcome.err
    outcome = clipdesk("render", *QUICK, "--layer", "1.mlp.gelu:5")
    assert "--layer takes only the name of a layer: --layer 1.mlp.gelu --neuron 5" in outcome.err


def test_a_negative_target_behind_a_rectifier_is_noted(clipdesk: Command) -> None:
    outcome = clipdesk("render", *QUICK, "--target", "-1.mlp.gelu:5")
    assert outcome.code == 0
    assert (
        "Note: QuickGELU keeps unit 5 of 1.mlp.gelu from going far below 0. The layer before can: -1.mlp.c_fc:5."
        in (outcome.err)
    )
    assert "Note" not in clipdesk("render", *QUICK, "--target", "-1.mlp.c_fc:5").err


def test_words_that_the_model_has_not_learnt_are_noted(clipdesk: Command) -> None:
    note = 'Note: photo has not learnt "my" and "aunt", so what it makes of the text means little.'
    photo = ("render", "--model", "photo", "--iterations", "1", "--views", "1", "--size", "64")
    assert note in clipdesk(*photo, "--text", "a laptop of my aunt").err.splitlines()
    assert note in clipdesk(*photo, "--target", '"a laptop of my" - 0.5*"aunt"').err.splitlines()
    assert "Note" not in clipdesk(*photo, "--text", "a photo of a laptop").err
