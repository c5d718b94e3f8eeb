"""Names of sparse autoencoders as people type them, and models with some."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.models import latents_names
from clipdesk.models.latents_names import on_this_disk, parse_latents, shipped_latents, short_latents
from clipdesk.models.names import (
    Checkpoint,
    Named,
    WithLatents,
    find_name,
    parse_name,
    plain_name,
    short_name,
    with_latents,
)


@pytest.mark.parametrize(
    "text",
    ["/a/sae.pt", "/a/b c", "hf:owner/name", "hf:owner/name/sub/sae.pt?layer=3.mlp", "/a?layer=5&tokens=class&anyway"],
)
def test_names_are_read_as_they_are_written(text: str) -> None:
    assert str(parse_latents(text)) == text


def test_a_path_is_made_whole_and_a_repository_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_latents("sae.pt").place == str(tmp_path / "sae.pt")
    assert parse_latents("hf:a/b/c/d.pt").repository == ("a/b", "c/d.pt")
    assert parse_latents("hf:a/b").repository == ("a/b", "")
    assert parse_latents("sae.pt").repository is None
    (tmp_path / "odd?layer=3").touch()
    assert parse_latents("odd?layer=3").layer == ""


@pytest.mark.parametrize("text", ["/a?x=3", "/a?tokens=some", "/a?norm=batch", "/a?bias=yes", "/a?layer=1&x"])
def test_what_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"of a sparse autoencoder is none of|says nothing"):
        parse_latents(text)


def test_its_file_must_be_there(tmp_path: Path) -> None:
    assert on_this_disk(parse_latents(str(tmp_path)), "demo") == tmp_path
    assert on_this_disk(parse_latents("hf:owner/name"), "demo") is None
    for place in (str(tmp_path / "none"), "/x" * 3000):
        with pytest.raises(UsageError, match="There is no sparse autoencoder"):
            on_this_disk(parse_latents(place), "demo")


@pytest.mark.parametrize("text", ["", "  "])
def test_no_name_at_all_is_not_the_current_folder(text: str) -> None:
    with pytest.raises(UsageError, match="is empty"):
        parse_latents(text)


def test_a_models_name_holds_those_of_its_sparse_autoencoders(tmp_path: Path) -> None:
    text = "demo+sae:[/a/[b]?layer=2]+sae:[hf:o/n]"
    name = parse_name(text)
    assert isinstance(name, WithLatents)
    assert str(name) == text
    assert (name.model, [each.place for each in name.latents]) == (Named("demo"), ["/a/[b]", "hf:o/n"])
    assert short_name(name) == "demo+sae:[[b]?layer=2]+sae:[hf:o/n]"
    assert plain_name(name) == plain_name(Named("demo")) == Named("demo")
    assert short_latents(name.latents[0]) == "[b]?layer=2"
    assert short_latents(parse_latents("/a/layer 5/sae.pt?layer=2")) == "layer 5?layer=2"
    more = with_latents(name, ["/c", "hf:o/n"])
    assert isinstance(more, WithLatents)
    assert [each.place for each in more.latents] == ["/a/[b]", "hf:o/n", "/c"]
    assert with_latents(Named("demo"), []) == Named("demo")


def test_a_checkpoint_may_have_them_behind_what_is_said_of_it() -> None:
    name = parse_name("/m.pt?gelu+sae:[/a]")
    assert isinstance(name, WithLatents)
    assert name.model == Checkpoint(Path("/m.pt"), activation="gelu")


def test_either_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ClipDeskError, match="There is no model or file"):
        find_name(f"nowhere+sae:[{tmp_path}]")
    with pytest.raises(ClipDeskError, match="There is no sparse autoencoder"):
        find_name(f"demo+sae:[{tmp_path / 'none'}]")


def test_the_shipped_one_is_that_of_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "latents" / "demo").mkdir(parents=True)
    monkeypatch.setattr(latents_names, "resource", lambda name: tmp_path / name)
    name = parse_latents("shipped?tokens=class")
    assert (name.place, str(name), short_latents(name)) == ("shipped", "shipped?tokens=class", "shipped?tokens=class")
    assert on_this_disk(name, "demo") == shipped_latents("demo") == tmp_path / "latents" / "demo"
    assert str(find_name("demo+sae:[shipped]")) == "demo+sae:[shipped]"
    for model in ("ViT-B/32", "demo-rn", "../latents/demo"):
        with pytest.raises(UsageError, match=r"was shipped for .*, but for demo$"):
            on_this_disk(name, model)
