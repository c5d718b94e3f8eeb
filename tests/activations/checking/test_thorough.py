"""Checks that render."""

from __future__ import annotations

import math

import numpy as np
import pytest

from clipdesk.activations.checking.thorough import Thorough, check_thoroughly, written
from clipdesk.activations.questions.ranking import Rank
from clipdesk.activations.questions.reading import read_vocabulary
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text, Unit
from tests.activations.checking.conftest import Setting
from tests.cli.surveys import LAYER

SOME = Rank(0.1, 2500, 5000, 0.2)


@pytest.mark.parametrize("target", [Unit(layer=LAYER, index=5), Text(text="a star")])
def test_a_picture_is_rendered_with_other_seeds_and_on_shuffled_weights(setting: Setting, target: Unit | Text) -> None:
    told: list[tuple[int, int]] = []
    before = {name: value.clone() for name, value in setting.opened.network.state_dict().items()}
    found = check_thoroughly(
        setting.opened,
        setting.survey,
        target,
        setting.picture(0),
        make_settings("draft", iterations=2, views=1, image_size=64),
        reader=setting.reader,
        vocabulary=read_vocabulary(setting.opened.network, ("star", "heart"), reader="small"),
        seeds=2,
        progress=lambda done, count: told.append((done, count)),
    )
    assert found.seeds == 2
    assert -1 <= found.agreement <= 1
    assert -1 <= found.control <= 1
    assert found.word in (["a star"] if isinstance(target, Text) else ["star", "heart"])
    assert found.written is not None
    assert found.written.count == 64
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    after = setting.opened.network.state_dict()
    assert all(bool((after[name] == value).all()) for name, value in before.items())


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (Thorough("rn", 3, 0.8, 0.1, "star", SOME), []),
        (Thorough("rn", 3, 0.1, -0.3, "star", SOME), ["3 other seeds show something else"]),
        (Thorough("rn", 3, 0.8, 0.75, "star", SOME), ["shuffled weights give pictures"]),
        (Thorough("rn", 3, 0.8, math.nan, "", None), []),
        (Thorough("rn", 3, 0.8, 0.1, "star", Rank(2.0, 5000, 5000, 1.2)), ['the written word "star"']),
    ],
)
def test_what_speaks_against_a_picture_is_said(found: Thorough, words: list[str]) -> None:
    assert len(found.against) == len(words)
    assert all(word in said for word, said in zip(words, found.against, strict=True))


@pytest.mark.parametrize("word", ["i", "a red star", "a very long description of a scene with many things"])
def test_a_word_fills_its_picture_and_stays_inside(word: str) -> None:
    rows, columns = (np.asarray(written(word, 96)).min(axis=2) < 128).nonzero()
    assert len(rows)
    assert min(rows.min(), columns.min()) >= 4
    assert max(rows.max(), columns.max()) < 92
