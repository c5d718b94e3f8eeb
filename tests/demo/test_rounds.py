import argparse
from pathlib import Path

import pytest
import torch

from clipdesk.demo import rounds, train
from clipdesk.demo.average import averaged
from clipdesk.demo.export import export_state_dict, save_model
from clipdesk.demo.recipes import RECIPES, ROUNDS, TrainingRun, build_model
from clipdesk.models.loading import load_model
from clipdesk.scenes import dataset

SMALL = ["--scenes", "32", "--names", "16", "--report-every", "100"]


@pytest.fixture
def start(tmp_path: Path) -> Path:
    data = [
        dataset.draw_scenes(count, 1, kind) for count, kind in ((32, dataset.Kind.COMPOSED), (16, dataset.Kind.NAMES))
    ]
    used = train.prepare(*data)[1]
    save_model(
        export_state_dict(build_model(RECIPES["demo"], len(used), 0).state_dict(), used, 0), tmp_path / "base.pt"
    )
    return tmp_path / "base.pt"


def test_each_round_begins_with_the_mean_of_the_previous_one(
    start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "BATCH", 8)
    monkeypatch.setattr(train, "zero_shot_accuracy", lambda *_: {})
    monkeypatch.setattr(train, "written_accuracy", lambda *_: {"all": 0.0})
    monkeypatch.setattr(train, "draw_written_names", lambda *_: None)
    draw, ran = dataset.draw_scenes, train.train
    monkeypatch.setattr(train, "draw_scenes", lambda count, *rest, **how: draw(min(count, 32), *rest, **how))
    began: list[Path] = []
    output = tmp_path / "made" / "demo.pt"

    def noted(arguments: argparse.Namespace) -> None:
        began.append(arguments.start)
        ran(arguments)

    monkeypatch.setattr(train, "train", noted)
    plan = (
        (TrainingRun(1, 24, push=1.0, rate=1e-3), TrainingRun(2, 24, push=2.0, rate=1e-3)),
        (TrainingRun(3, 24, push=1.0, rate=1e-3),),
    )
    rounds.make(plan, start, output, tmp_path, SMALL)
    assert began == [start, start, tmp_path / "round-1.pt"]
    states = [torch.load(tmp_path / f"round-1-{seed}" / "demo.pt", weights_only=True) for seed in (1, 2)]
    mean, found = averaged(states), torch.load(tmp_path / "round-1.pt", weights_only=True)
    assert not torch.equal(states[0]["visual.proj"], states[1]["visual.proj"])
    assert all(torch.equal(mean[name], value) for name, value in found.items())
    load_model(output, "cpu")
    # All are finished: nothing is trained again.
    monkeypatch.setattr(train.Trainer, "step", None)
    rounds.make(plan, start, output, tmp_path, SMALL)


def test_the_rounds_of_the_shipped_model_are_valid_arguments_of_the_training() -> None:
    seeds = [run.seed for runs in ROUNDS for run in runs]
    assert len(set(seeds)) == len(seeds)
    for run in (run for runs in ROUNDS for run in runs):
        found = train.parsed(rounds.words_of(run, "x", Path("a.pt"), ["--teacher", "rn.pt"]))
        assert (found.seed, found.images, found.push, found.noise) == (run.seed, run.images, run.push, run.noise)
        assert (found.model, found.run, found.start, found.pushed_from) == ("demo", "x", Path("a.pt"), 0)
