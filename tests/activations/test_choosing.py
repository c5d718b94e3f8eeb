"""Which survey is meant: by name, by weights, set and layers; the newest first."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipdesk.activations.choosing import last_set, size_on_disk, survey_named, surveys_of, what_changed
from clipdesk.activations.storing import MANIFEST, LayerFile, Manifest
from clipdesk.errors import UsageError

ONE, OTHER = "1" * 64, "2" * 64


def kept(folder: Path, name: str, date: str, **changes: object) -> Path:
    layers = [
        LayerFile(layer=layer, pooling="mean", units=3, file="x.safetensors") for layer in ("visual", "visual.layer1")
    ]
    manifest = Manifest(
        model="demo",
        weights=ONE,
        source="scenes:5000",
        images="scenes:5000",
        fingerprint="0",
        precision="float32",
        pictures=3,
        left_out=0,
        layers=tuple(layers),
        clipdesk="1",
        date=date,
        seconds=1,
    ).model_copy(update=changes)
    (folder / name).mkdir(parents=True)
    (folder / name / MANIFEST).write_text(manifest.model_dump_json())
    return folder / name


def test_the_newest_survey_of_the_weights_answers(tmp_path: Path) -> None:
    kept(tmp_path, "old", "2026-01-01")
    kept(tmp_path, "new", "2026-03-01")
    kept(tmp_path, "other", "2026-04-01", weights=OTHER)
    assert [path.name for path, _ in surveys_of(ONE, folder=tmp_path)] == ["new", "old"]
    assert surveys_of("3" * 64, folder=tmp_path) == []
    assert surveys_of(ONE, folder=tmp_path / "none") == []


def test_a_set_is_named_by_what_opens_it_or_by_its_short_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mine = kept(tmp_path, "a", "2026-01-01", source=str(Path.cwd() / "mine"), images="mine")
    scenes = kept(tmp_path, "b", "2026-03-01")
    for images, wanted in {"mine": mine, str(tmp_path / "mine"): mine, "scenes:5000:0": scenes}.items():
        assert [path for path, _ in surveys_of(ONE, images=images, folder=tmp_path)] == [wanted]
    assert surveys_of(ONE, images="others", folder=tmp_path) == []


def test_the_last_set_is_the_newest_of_the_users_own_that_is_there(tmp_path: Path) -> None:
    assert last_set(tmp_path) is None
    for name in ("old", "new"):
        (tmp_path / "images" / name).mkdir(parents=True)
    for day, name in enumerate(("old", "new", "gone"), start=1):
        kept(tmp_path, name, f"2026-01-0{day}", source=str(tmp_path / "images" / name), images=name)
    kept(tmp_path, "scenes", "2026-02-01", weights=OTHER)
    found = last_set(tmp_path)
    assert found is not None
    assert found.images == "new"


def test_a_survey_that_has_the_layer_goes_before_a_newer_one(tmp_path: Path) -> None:
    whole = kept(tmp_path, "whole", "2026-01-01")
    only = (LayerFile(layer="visual", pooling="mean", units=3, file="x.safetensors"),)
    part = kept(tmp_path, "part", "2026-03-01", layers=only)
    for layers, wanted in {("visual.layer1",): whole, ("visual",): part, ("none",): part}.items():
        assert surveys_of(ONE, layers=layers, folder=tmp_path)[0][0] == wanted


def test_a_survey_of_the_plain_model_answers_where_it_has_the_layers(tmp_path: Path) -> None:
    def found(*layers: str) -> list[str]:
        return [path.name for path, _ in surveys_of(OTHER, plain=ONE, layers=layers, folder=tmp_path)]

    kept(tmp_path, "plain", "2026-03-01")
    assert found("visual.layer1") == ["plain"]
    assert found("visual.layer1.latents") == []
    # Without a layer all are asked, latents among them.
    assert found() == []
    only = (LayerFile(layer="visual.layer1.latents", pooling="mean", units=3, file="x.safetensors"),)
    kept(tmp_path, "own", "2026-01-01", weights=OTHER, layers=only)
    assert found("visual.layer1.latents") == found() == ["own"]
    assert found("visual.layer1") == ["plain"]
    assert [path.name for path, _ in surveys_of(OTHER, layers=["visual.layer1"], folder=tmp_path)] == ["own"]


def test_a_survey_is_found_by_its_name_its_beginning_or_a_path(tmp_path: Path) -> None:
    one = kept(tmp_path, "demo-1", "2026-01-01")
    kept(tmp_path, "demo-11", "2026-01-01")
    assert survey_named("demo-1", tmp_path)[0] == one
    assert survey_named("demo-11", tmp_path)[0].name == "demo-11"
    assert survey_named(str(one), tmp_path / "elsewhere")[0] == one
    for name, said in {
        "demo": "Several surveys begin",
        "x": "There is no survey 'x'",
        "": "There is no survey",
    }.items():
        with pytest.raises(UsageError, match=said):
            survey_named(name, tmp_path)
    with pytest.raises(UsageError, match="is not a finished survey"):
        survey_named(str(tmp_path), tmp_path)


def test_nothing_is_said_of_what_cannot_be_known_quickly(tmp_path: Path) -> None:
    def state(date: str = "2026-01-01", **changes: object) -> list[str]:
        folder = kept(tmp_path, f"{len(list(tmp_path.iterdir()))}", date, **changes)
        assert size_on_disk(folder) == (folder / MANIFEST).stat().st_size
        return what_changed(Manifest.model_validate_json((folder / MANIFEST).read_bytes()))

    assert state() == []
    assert state(source=str(tmp_path), pictures=10**6) == []
    assert state(source=str(tmp_path)) == ["the images have changed since"]
    assert state(source=str(tmp_path / "none")) == ["the images are not there"]
    assert state(model=str(tmp_path / "none.pt")) == ["the model's file is not there"]
    assert state("yesterday", model=str(tmp_path)) == []
    assert size_on_disk(tmp_path / "nowhere") == 0
