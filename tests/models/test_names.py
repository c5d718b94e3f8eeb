from pathlib import Path

import pytest
from clipdesk.models.open_clip_names import OpenClipName, open_clip_name

from clipdesk.errors import UsageError
from clipdesk.models import open_clip_names
from clipdesk.models.catalogue import check_name, is_there
from clipdesk.models.listing import short_name


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("open_clip:ViT-B-32/laion2b_s34b_b79k", OpenClipName("ViT-B-32", "laion2b_s34b_b79k")),
        ("open_clip:RN50/[/tmp/a b/[1]/mine.pt]", OpenClipName("RN50", file=Path("/tmp/a b/[1]/mine.pt"))),
        ("ViT-B/32", None),
        ("open_clip", None),
    ],
)
def test_a_name_is_taken_apart_and_put_together(name: str, parts: OpenClipName | None) -> None:
    assert open_clip_name(name) == parts
    assert parts is None or str(parts) == name


@pytest.mark.parametrize(
    "rest", ["", "ViT-B-32", "ViT-B-32/", "/laion2b", "ViT-B-32/a/b", "ViT-B-32/[]", "ViT-B-32/[a"]
)
def test_a_name_of_another_form_is_refused(rest: str) -> None:
    with pytest.raises(UsageError, match="ARCHITECTURE/TAG"):
        check_name(f"open_clip:{rest}")


def test_without_the_extra_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_clip_names, "has_open_clip", lambda: False)
    with pytest.raises(UsageError, match=r"pip install 'clipdesk\[open-clip\]'"):
        check_name("open_clip:ViT-B-32/openai")
    assert not is_there("open_clip:ViT-B-32/openai")


def test_a_file_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_clip_names, "has_open_clip", lambda: True)
    with pytest.raises(UsageError, match="There is no file"):
        check_name(f"open_clip:ViT-B-32/[{tmp_path / 'gone.pt'}]")


def test_a_short_name_has_no_folders() -> None:
    assert short_name("ViT-B/32") == "ViT-B/32"
    assert short_name("/some/where/mine.pt") == "mine.pt"
    assert short_name("open_clip:ViT-B-32/[/some/where/mine.pt]") == "open_clip:ViT-B-32/[mine.pt]"
    assert short_name("open_clip:ViT-B-32/openai") == "open_clip:ViT-B-32/openai"
