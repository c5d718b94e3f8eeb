"""What a survey knows of targets of each kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from clipdesk.activations.checking.known import KnownTarget, Outputs, known_target, text_rows
from clipdesk.activations.statistics import Key
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from clipdesk.models.latents_names import parse_latents
from clipdesk.render.centre import text_centre
from clipdesk.render.expressions import parse_target
from clipdesk.render.readable import Decoder, Direction
from clipdesk.render.targets import Combined, Target, Term, Text, Unit
from tests.activations.checking.conftest import BEFORE, Setting, spot
from tests.cli.surveys import LAYER
from tests.network.latents.perfect import perfect


def known(setting: Setting, target: Target | str) -> KnownTarget:
    if isinstance(target, str):
        target = parse_target(target)
    return known_target(setting.opened, setting.survey, target)


def sole(what: Decoder | Direction) -> Combined:
    return Combined(terms=(Term(what=what),))


def sampled(setting: Setting, found: KnownTarget) -> np.ndarray:
    """The scores of the sampled pictures."""
    values = {key: setting.survey.statistics[key].sample.T.astype(np.float32) for key in found.keys}
    return found.score(Outputs(values, setting.survey.embeddings.unit_rows(setting.survey.sample)))


def test_a_unit_is_known_from_its_statistics(setting: Setting) -> None:
    statistics = setting.survey.statistics[LAYER, "mean"]
    found = known(setting, Unit(layer=LAYER, index=5))
    assert found.keys == ((LAYER, "mean"),)
    assert found.tops == tuple(statistics.top.pictures[5, :4])
    assert not set(found.others) & set(statistics.top.pictures[5, :20].tolist())
    assert found.mean == pytest.approx(statistics.means[5])
    assert found.rank(float(statistics.most[5])).ratio == pytest.approx(1)


def sparse(setting: Setting, lit: Sequence[float]) -> Survey:
    """The survey, where unit 5 is never below zero, and above it only in as many of its top pictures."""
    key: Key = (LAYER, "mean")
    statistics = setting.survey.statistics[key]
    least, values = statistics.least.copy(), statistics.top.values.copy()
    least[5], values[5] = 0, 0
    values[5, : len(lit)] = lit
    top = replace(statistics.top, values=values)
    return replace(
        setting.survey, statistics={**setting.survey.statistics, key: replace(statistics, least=least, top=top)}
    )


@pytest.mark.parametrize(("lit", "count"), [([0.9, 0.5, 0.1], 3), ([0.9, 0.5], 2), ([0.9], 4), ([], 4)])
def test_pictures_that_leave_a_sparse_unit_at_zero_do_not_stand_for_it(
    setting: Setting, lit: list[float], count: int
) -> None:
    """Of one or none there is nothing that they have in common, so all stay."""
    ranked = setting.survey.statistics[LAYER, "mean"].top.pictures[5].tolist()
    found = known_target(setting.opened, sparse(setting, lit), Unit(layer=LAYER, index=5))
    assert found.tops == tuple(ranked[:count])
    rest = set(ranked[count:] if count < 4 else []) & set(setting.survey.sample.tolist())
    assert rest <= set(found.others)


def test_a_text_is_known_from_the_embeddings(setting: Setting) -> None:
    (row,) = text_rows(setting.opened, ["a star"])
    cosines = setting.survey.embeddings.unit_rows(np.arange(64)) @ row
    found = known(setting, Text(text="a star"))
    assert (found.keys, found.text) == ((), "a star")
    assert found.tops[0] == int(cosines.argmax())
    assert found.mean == pytest.approx(cosines.mean(), abs=1e-4)
    assert found.rank(float(np.median(cosines))).below == pytest.approx(32, abs=1)


def test_what_is_a_texts_own_is_known_as_it_was_rendered(setting: Setting) -> None:
    (row,) = text_rows(setting.opened, ["a star"])
    own = row - text_centre(setting.opened.network).numpy()
    cosines = setting.survey.embeddings.unit_rows(np.arange(64)) @ (own / np.linalg.norm(own))
    found = known_target(setting.opened, setting.survey, Text(text="a star"), own_texts=True)
    assert found.tops[0] == int(cosines.argmax())
    assert found.mean == pytest.approx(cosines.mean(), abs=1e-4)
    assert abs(found.mean - known(setting, Text(text="a star")).mean) > 1e-3


def test_a_text_is_what_is_its_own_where_all_texts_are_alike(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    (row,) = text_rows(setting.opened, ["a star"])
    others = torch.from_numpy(text_rows(setting.opened, ["a dog"])[0])
    opened = replace(setting.opened)
    monkeypatch.setattr("clipdesk.activations.checking.known.text_centre", lambda network: 0.95 * others)
    cosines = setting.survey.embeddings.unit_rows(np.arange(64)) @ (row - 0.95 * others.numpy())
    assert known_target(opened, setting.survey, Text(text="a star")).tops[0] == int(cosines.argmax())


def test_a_sum_is_known_from_the_sampled_pictures(setting: Setting) -> None:
    found = known(setting, f'{LAYER}:5 - 0.5*{BEFORE}:3@max + "a star"')
    (row,) = text_rows(setting.opened, ["a star"])
    one, two = (setting.survey.statistics[key].sample.astype(float) for key in ((LAYER, "mean"), (BEFORE, "max")))
    wanted = one[5] - 0.5 * two[3] + setting.survey.embeddings.unit_rows(setting.survey.sample) @ row
    assert sampled(setting, found) == pytest.approx(wanted, abs=1e-3)
    assert found.tops[0] == setting.survey.sample[int(wanted.argmax())]
    assert found.rank(float(wanted.max()) + 1).below == 64


def test_pictures_that_excite_no_unit_of_a_sum_do_not_stand_for_it(setting: Setting) -> None:
    key: Key = (LAYER, "mean")
    sample = np.zeros_like(setting.survey.statistics[key].sample)
    sample[5, [40, 50]], sample[6, 45] = [1, 2], 1
    statistics = replace(setting.survey.statistics[key], sample=sample)
    survey = replace(setting.survey, statistics={**setting.survey.statistics, key: statistics})
    found = known_target(setting.opened, survey, parse_target(f"{LAYER}:5 + {LAYER}:6"))
    assert found.tops == tuple(survey.sample[[50, 40, 45]])
    assert set(found.others) == set(survey.sample.tolist()) - set(found.tops)


def test_what_a_latent_writes_is_a_direction_in_the_layer_that_it_reads(setting: Setting) -> None:
    latents = perfect(setting.survey.statistics[LAYER, "mean"].units)
    opened = setting.opened.with_read(latents, parse_latents(f"x?layer={LAYER}"))
    layer = next(name for name in opened.inspector.layers if name.endswith("latents"))
    found = known_target(opened, setting.survey, sole(Decoder(layer=layer, index=3)))
    wanted = known(setting, sole(Direction(layer=LAYER, vector=tuple(latents.decoder[3].tolist()), name="same")))
    assert sampled(setting, found) == pytest.approx(sampled(setting, wanted))
    assert found.tops == wanted.tops
    with pytest.raises(UsageError, match="only latents of a sparse autoencoder have a decoder"):
        known(setting, sole(Decoder(layer=LAYER, index=3)))


def test_a_negative_unit_is_most_excited_by_the_bottom_pictures(setting: Setting) -> None:
    found = known(setting, f"-{LAYER}:5")
    assert found.tops[0] in setting.survey.statistics[LAYER, "mean"].bottom.pictures[5, :3].tolist()


def test_a_direction_is_known_along_its_length_of_one(setting: Setting) -> None:
    units = setting.survey.statistics[LAYER, "mean"].units
    vector = tuple(2.0 if unit in (1, 2) else 0.0 for unit in range(units))
    target = Combined(terms=(Term(what=Direction(layer=LAYER, vector=vector, name="d.npy")),))
    sample = setting.survey.statistics[LAYER, "mean"].sample.astype(float)
    assert sampled(setting, known(setting, target)) == pytest.approx((sample[1] + sample[2]) / 2**0.5, abs=1e-3)


def test_an_image_is_known_by_its_embedding(setting: Setting, tmp_path: Path) -> None:
    found = known(setting, f"image:[{spot(tmp_path / 'red.png')}]")
    assert found.keys == ()
    assert -1 <= found.mean <= 1


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (f"{LAYER}:5 - others({LAYER}:5)", "does not know the mean size"),
        (f"{LAYER}:5@3", "at position 3"),
        ("visual.conv1:5", "has no layer 'visual.conv1'"),
        (f"{LAYER}:99999", "99999"),
        ("image:[/none.png]", "none.png"),
    ],
)
def test_what_a_survey_does_not_know_is_said(setting: Setting, written: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        known(setting, written)
