"""Links that open the window at a unit."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipdesk.errors import UsageError
from clipdesk.links import Link, is_link, parse_link


@pytest.mark.parametrize(
    ("link", "text"),
    [
        (Link("demo", "visual.layer", 5), "clipdesk://demo/visual.layer/5"),
        (Link("demo", "visual.layer"), "clipdesk://demo/visual.layer"),
        (Link("ViT-B/32", "3.mlp.gelu", 0), "clipdesk:///ViT-B%2F32/3.mlp.gelu/0"),
        (
            Link("/home/Ana Maria/ä.pt?gelu", "visual", 12),
            "clipdesk:///%2Fhome%2FAna%20Maria%2F%C3%A4.pt%3Fgelu/visual/12",
        ),
        (Link("/a\u00a0b.pt", "visual", 1), "clipdesk:///%2Fa%C2%A0b.pt/visual/1"),
        (Link("C:\\nets\\a#b.pt", "visual", 1), "clipdesk:///C%3A%5Cnets%5Ca%23b.pt/visual/1"),
        (Link("open_clip:ViT-B-32/[x.pt]", "visual", 1), "clipdesk:///open_clip%3AViT-B-32%2F%5Bx.pt%5D/visual/1"),
    ],
)
def test_a_link_is_written_and_read_back(link: Link, text: str) -> None:
    assert str(link) == text
    assert parse_link(text) == link


def test_links_are_read_as_other_programs_pass_them_on() -> None:
    assert parse_link("CLIPDESK://demo/visual.layer/5/") == Link("demo", "visual.layer", 5)
    assert parse_link("clipdesk://demo/visual.layer/") == Link("demo", "visual.layer")
    assert parse_link("clipdesk://ViT-B%2F32/visual/5") == Link("ViT-B/32", "visual", 5)
    assert parse_link("clipdesk://open_clip:a@b/visual/5") == Link("open_clip:a@b", "visual", 5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "clipdesk:",
        "clipdesk:demo/visual/5",
        "clipdesk://",
        "clipdesk://demo",
        "clipdesk://demo//5",
        "clipdesk:///",
        "clipdesk:////host/visual/5",
        "clipdesk:///visual",
        "clipdesk://demo/visual/5/6",
        "clipdesk://demo/visual/-5",
        "clipdesk://demo/visual/5?trust=1",
        "clipdesk://demo/visual/5#x",
        "clipdesk://demo/visual/0x5",
        "clipdesk://demo/visual/%D9%A5",
        "clipdesk://demo/visual/9999999999",
        "clipdesk://demo/--start/5",
        "clipdesk://demo/visual%2F..%2F/5",
        "clipdesk://demo/vis ual/5",
        "clipdesk://demo%0Aevil/visual/5",
        "clipdesk://demo%00/visual/5",
        "clipdesk://%E2%80%AEomed/visual/5",
        "clipdesk://%20/visual/5",
        "clipdesk://%FF/visual/5",
        "clipdesk://%2/visual/5",
        "clipdesk://%5C%5Chost%5Cshare%5Ca.pt/visual/5",
        "clipdesk://%2F%2Fhost%2Fshare%2Fa.pt/visual/5",
        "clipdesk://%2F%5Chost%5Ca.pt/visual/5",
        "clipdesk://open_clip%3AViT-B-32%2F%5B%5C%5Chost%5Ca.pt%5D/visual/5",
        "https://demo/visual/5",
        "javascript://demo/visual/5",
        f"clipdesk://{'a' * 9000}/visual/5",
        "clipdesk://<img src=x onerror=alert(1)>/visual/5",
    ],
)
def test_a_hostile_link_is_refused_with_one_line(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_link(text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("model", ["demo", "Demo", "ViT-B/32", "/home/Ä b.pt", "open_clip:ViT-B-32/[x.pt]", "hf:a/b_c"])
def test_programs_that_read_links_as_addresses_keep_them_whole(model: str) -> None:
    """As WHATWG's and Qt's readers do: an address has a plain name of a computer in lower case, or none."""
    link = str(Link(model, "visual", 5))
    host = link.split("/")[2]
    assert host == "" or re.fullmatch("[a-z0-9-]+", host)
    assert parse_link(link) == Link(model, "visual", 5)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for link in (text, f"clipdesk://{text}", f"clipdesk://demo/{text}/5"):
        try:
            found = parse_link(link)
        except UsageError:
            continue
        assert parse_link(str(found)) == found


def test_what_is_meant_as_a_link_is_told_from_commands() -> None:
    assert is_link("clipdesk://demo/visual/5")
    assert is_link("ClipDesk:anything")
    assert not is_link("find")
    assert not is_link("clipdesk")
