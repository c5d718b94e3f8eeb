import os
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest

from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.models import names
from clipdesk.models.catalogue import CATALOGUE
from clipdesk.models.names import (
    Checkpoint,
    HubModel,
    ModelName,
    Named,
    OpenClip,
    check_name,
    file_named,
    find_name,
    is_of_scenes,
    is_same_name,
    is_there,
    parse_name,
    short_name,
)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("open_clip:ViT-B-32/laion2b_s34b_b79k", OpenClip("ViT-B-32", "laion2b_s34b_b79k")),
        ("open_clip:RN50/[/tmp/a b/[1]/mine.pt]", Checkpoint(Path("/tmp/a b/[1]/mine.pt"), "RN50")),
        ("ViT-B/32", Named("ViT-B/32")),
        ("/tmp/mine.pt", Checkpoint(Path("/tmp/mine.pt"))),
        ("/tmp/a\nb.pt", Checkpoint(Path("/tmp/a\nb.pt"))),
    ],
)
def test_a_name_is_taken_apart_and_put_together(text: str, name: ModelName) -> None:
    assert parse_name(text) == name
    assert str(name) == text
    assert parse_name(name) is name


@pytest.mark.parametrize("text", CATALOGUE)
def test_a_name_of_the_catalogue_is_never_a_file(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / text).parent.mkdir(exist_ok=True)
    (tmp_path / text).touch()
    assert find_name(text) == Named(text)


@pytest.mark.parametrize("path", ["mine.pt", "a/mine.pt", "../mine.pt", "a/../mine.pt", "open_clip"])
def test_a_path_is_absolute_from_the_moment_it_is_typed(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").mkdir()
    whole = (tmp_path / path).parent.resolve() / Path(path).name
    assert parse_name(path) == Checkpoint(whole)
    assert parse_name(Path(path)) == Checkpoint(whole)
    assert parse_name(f"open_clip:ViT-B-32/[{path}]") == Checkpoint(whole, "ViT-B-32")
    assert str(parse_name(f"open_clip:ViT-B-32/[{path}]")) == f"open_clip:ViT-B-32/[{whole}]"


def test_one_file_has_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    monkeypatch.chdir(tmp_path / "b")
    assert parse_name("../a/mine.pt") == parse_name(f"{tmp_path}/b/../a/mine.pt") == Checkpoint(tmp_path / "a/mine.pt")


@pytest.mark.skipif(os.name == "nt", reason="links need a permission")
def test_a_link_is_not_followed_to_a_file_and_is_followed_out_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`last.pt` may point to another file tomorrow; and `link/..` is beside the folder that the link leads to."""
    (tmp_path / "runs" / "one").mkdir(parents=True)
    (tmp_path / "last.pt").symlink_to(tmp_path / "runs" / "one" / "mine.pt")
    (tmp_path / "run").symlink_to(tmp_path / "runs" / "one")
    monkeypatch.chdir(tmp_path)
    assert parse_name("last.pt") == Checkpoint(tmp_path / "last.pt")
    assert parse_name("run/../mine.pt") == Checkpoint(tmp_path / "runs" / "mine.pt")


@pytest.mark.parametrize("path", [PurePosixPath("/home/me/mine.pt"), PureWindowsPath("C:\\models\\mine.pt")])
def test_a_full_path_of_another_system_stays_as_it_is(path: PurePosixPath | PureWindowsPath) -> None:
    """A recipe may come from there."""
    assert str(parse_name(str(path))) == str(path)


@pytest.mark.parametrize(
    "rest", ["", "ViT-B-32", "ViT-B-32/", "/laion2b", "ViT-B-32/a/b", "ViT-B-32/[]", "ViT-B-32/[a"]
)
def test_a_name_of_another_form_is_refused(rest: str) -> None:
    with pytest.raises(UsageError, match="ARCHITECTURE/TAG"):
        parse_name(f"open_clip:{rest}")


def test_without_the_extra_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "has_open_clip", lambda: False)
    with pytest.raises(UsageError, match=r"pip install 'clipdesk\[open-clip\]'"):
        check_name(OpenClip("ViT-B-32", "openai"))
    assert not is_there("open_clip:ViT-B-32/openai")


def test_a_file_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "has_open_clip", lambda: True)
    with pytest.raises(UsageError, match=r"There is no file '.*gone\.pt'"):
        find_name(f"open_clip:ViT-B-32/[{tmp_path / 'gone.pt'}]")
    with pytest.raises(UsageError, match=r"There is no file '.*gone\.pt'"):
        check_name(Checkpoint(tmp_path / "gone.pt"))


@pytest.mark.parametrize("form", ["{}", "open_clip:ViT-B-32/[{}]"])
def test_a_folder_is_not_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(names, "has_open_clip", lambda: True)
    with pytest.raises(ClipDeskError, match="is a folder") as refused:
        find_name(form.format(tmp_path))
    assert refused.value.exit_code == 1
    assert not is_there(form.format(tmp_path))


def test_what_is_missing_is_named_as_it_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"^There is no model or file 'ViT-B/3'\. Did you mean ViT-B/32"):
        find_name("ViT-B/3")
    assert not is_there("a\0b")


def test_a_short_name_has_no_folders() -> None:
    short = {text: short_name(parse_name(text)) for text in ("ViT-B/32", "/some/where/mine.pt")}
    assert short == {"ViT-B/32": "ViT-B/32", "/some/where/mine.pt": "mine.pt"}
    assert short_name(parse_name("open_clip:ViT-B-32/[/some/where/mine.pt]")) == "open_clip:ViT-B-32/[mine.pt]"
    assert short_name(parse_name("open_clip:ViT-B-32/openai")) == "open_clip:ViT-B-32/openai"


def test_only_a_checkpoint_is_a_file_of_the_users() -> None:
    assert file_named(Named("demo")) is None
    assert file_named(OpenClip("ViT-B-32", "openai")) is None
    assert file_named(Checkpoint(Path("/mine.pt"), "ViT-B-32")) == Path("/mine.pt")


@pytest.mark.parametrize(
    ("name", "written", "same"),
    [
        ("demo", "demo", True),
        ("demo", "demo-rn", False),
        ("demo", "/demo", False),
        ("/a/b/mine.pt", "/a/b/mine.pt", True),
        ("/a/b/mine.pt", "mine.pt", True),
        ("/a/b/mine.pt", "b/mine.pt", True),
        ("/a/b/mine.pt", "./b/mine.pt", True),
        ("/a/b/mine.pt", "c/mine.pt", False),
        ("/a/b/mine.pt", "/c/mine.pt", False),
        ("/a/b/mine.pt", "ine.pt", False),
        ("/a/b/mine.pt", "", False),
        ("/a/b/mine.pt", "open_clip:RN50/[mine.pt]", False),
        ("open_clip:RN50/[/a/mine.pt]", "open_clip:RN50/[mine.pt]", True),
        ("open_clip:RN50/[/a/mine.pt]", "open_clip:RN101/[mine.pt]", False),
        ("open_clip:RN50/[/a/mine.pt]", "mine.pt", False),
        ("open_clip:RN50/openai", "open_clip:RN50/openai", True),
        ("open_clip:RN50/openai", "open_clip:RN50/yfcc15m", False),
    ],
)
def test_a_name_that_an_older_version_kept_is_known_again(name: str, written: str, same: bool) -> None:
    """Version 0.1 kept the path of a checkpoint as it was typed."""
    assert is_same_name(parse_name(name), written) is same


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/tmp/mine.pt?gelu", Checkpoint(Path("/tmp/mine.pt"), activation="gelu")),
        ("/tmp/mine.pt?quickgelu&state=model_ema", Checkpoint(Path("/tmp/mine.pt"), "", "quickgelu", "model_ema")),
        (
            "/tmp/mine.pt?state=state_dict.model&heads=16",
            Checkpoint(Path("/tmp/mine.pt"), "", "", "state_dict.model", 16),
        ),
        ("open_clip:RN50/[/tmp/mine.pt]?quickgelu", Checkpoint(Path("/tmp/mine.pt"), "RN50", "quickgelu")),
        ("/tmp/mine.pt?relu", Checkpoint(Path("/tmp/mine.pt?relu"))),
        ("/tmp/mine.pt?heads=0", Checkpoint(Path("/tmp/mine.pt?heads=0"))),
        ("hf:openai/clip-vit-base-patch32", HubModel("openai/clip-vit-base-patch32")),
    ],
)
def test_what_the_user_says_of_a_file_is_part_of_its_name(text: str, name: ModelName) -> None:
    assert parse_name(text) == name
    assert str(name) == text
    assert parse_name(str(name)) == name


@pytest.mark.skipif(os.name == "nt", reason="a file's name cannot have a question mark")
def test_a_file_of_the_whole_name_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "mine.pt?gelu").touch()
    assert find_name(f"{tmp_path}/mine.pt?gelu") == Checkpoint(tmp_path / "mine.pt?gelu")


def test_a_short_name_keeps_what_the_user_says() -> None:
    assert short_name(parse_name("/some/where/mine.pt?gelu&heads=4")) == "mine.pt?gelu&heads=4"


def test_a_folder_with_a_checkpoint_is_a_model(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    assert find_name(str(tmp_path)) == Checkpoint(tmp_path)


@pytest.mark.parametrize("said", ["swish", "heads=0", "heads=many", "gelu&swish", ""])
def test_what_is_said_of_a_file_wrongly_is_named_with_what_can_be_said(tmp_path: Path, said: str) -> None:
    (tmp_path / "mine.pt").touch()
    with pytest.raises(UsageError) as caught:
        find_name(f"{tmp_path / 'mine.pt'}?{said}")
    assert str(caught.value).startswith(f"'?{said}' after a file's name says nothing. It can be ?gelu, ?quickgelu, ")


def test_a_question_mark_in_the_name_of_a_file_that_is_not_there_is_no_option(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no model or file"):
        find_name(tmp_path / "mine.pt?swish")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("demo", True),
        ("demo-rn", True),
        ("demo+sae:[/tmp/latents]", True),
        ("photo", False),
        ("ViT-B/32", False),
        ("/tmp/demo.pt", False),
        ("open_clip:ViT-B-32/laion2b_s34b_b79k", False),
    ],
)
def test_only_embedded_models_are_known_to_have_seen_scenes(text: str, seen: bool) -> None:
    assert is_of_scenes(parse_name(text)) is seen
