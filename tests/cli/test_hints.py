"""What an error says of other commands and other models."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Command


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--list-layers",), "clipdesk layers"),
        (("render", "--list-layers"), "clipdesk neurons --layer LAYER"),
        (("render", "--neurons", "1,2"), "clipdesk render --layer LAYER --neuron 3 --neuron 7"),
        (("render", "--neurons", "1,2"), "clipdesk batch --layer LAYER --neuron-range 0 64 8"),
        (("render", "--neuron-range", "0", "8", "2"), "clipdesk batch --layer LAYER --neuron-range 0 64 8"),
        (("batch", "--neuron-range", "0:8"), "clipdesk batch --layer LAYER --neuron-range 0 64 8"),
        (("batch", "--neuron", "3"), "clipdesk render --layer LAYER --neuron 3"),
        (("render", "--block", "7"), "--layer 7.mlp"),
        (("render", "--learning-rate", "1"), "--lr 0.005"),
        (("batch", "--image-size", "64"), "--size 512"),
        (("render", "7.mlp:256"), "--target"),
    ],
)
def test_an_option_that_another_command_has_is_said_where_it_is(
    clipdesk: Command, arguments: tuple[str, ...], words: str
) -> None:
    outcome = clipdesk(*arguments)
    assert outcome.code == 2
    assert words in outcome.err


def test_options_that_are_only_spelt_alike_are_not_suggested_beside(clipdesk: Command) -> None:
    assert "Did you mean" not in clipdesk("render", "--list-layers").err
    assert "'--seed'" in clipdesk("render", "--sead", "1").err


def test_an_option_that_nobody_has_gets_no_hint(clipdesk: Command) -> None:
    assert clipdesk("render", "--nonsense").err.splitlines()[-1].startswith("Error: No such option '--nonsense'")


@pytest.mark.parametrize(
    "arguments",
    [
        ("render", "--layer", "7.mlp.gelu", "--neuron", "256"),
        ("render", "--layer", "5.attn", "--neuron", "256"),
        ("render", "--target", "7.mlp:256"),
        ("batch", "--layer", "visual.transformer.resblocks.7.attn", "--neuron-range", "0", "64", "8"),
        ("batch", "--layer", "5.attn", "--neuron-range", "0", "768", "16"),
        ("neurons", "--layer", "9.mlp"),
        ("find", "--like", "9.mlp:3"),
    ],
)
def test_the_old_examples_say_which_model_was_asked_and_how_to_ask_another(
    clipdesk: Command, arguments: tuple[str, ...]
) -> None:
    outcome = clipdesk(*arguments)
    assert outcome.code == 2
    assert outcome.err.endswith("The model is demo: choose another with --model ViT-B/32\n")
    assert "There is no layer" in outcome.err or "has no neuron" in outcome.err
    assert clipdesk.files() == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("render", "--layer", "4.latents", "--neuron", "7"),
        ("render", "--target", "visual.transformer.resblocks.4.latents:7"),
        ("examples", "4.latents:7"),
    ],
)
def test_latents_without_a_sparse_autoencoder_say_how_to_name_one(
    clipdesk: Command, arguments: tuple[str, ...]
) -> None:
    outcome = clipdesk(*arguments)
    assert outcome.code == 2
    assert outcome.err.endswith("add --sae shipped\n")
