"""What all pages have in common."""

from __future__ import annotations

import base64
import hashlib
import io
import re

from PIL import Image

from clipdesk.export.page_parts import allowed, answers_page, escaped, part, picture, section, short_names, table, webp
from tests.export.origins import HOSTILE


def test_untrusted_text_becomes_text() -> None:
    found = escaped(HOSTILE)
    assert not set("<>\"'\x1b\u202e\ud800") & set(found)
    assert found.isprintable()
    assert escaped("x" * 5000) == "x" * 199 + "…"
    assert escaped("a & b") == "a &amp; b"


def test_a_picture_becomes_a_small_webp() -> None:
    found = Image.open(
        io.BytesIO(base64.b64decode(webp(Image.new("RGBA", (300, 200), "red"), 60, 80))), formats=["WEBP"]
    )
    assert found.size == (60, 40)
    assert picture("AA==", '"x') == '<img src="data:image/webp;base64,AA==" alt="&quot;x" loading="lazy">'
    assert picture(None, "x") == ""


def test_tables_and_sections_are_put_together() -> None:
    assert table(("a", "<"), [("1", "<b>2</b>")], "wide") == (
        '<table class="wide"><thead><tr><th scope="col">a</th><th scope="col">&lt;</th></tr></thead>'
        '<tbody><tr><th scope="row">1</th><td><b>2</b></td></tr></tbody></table>'
    )
    assert section("<", "body", note="note") == '<section><h2>&lt;</h2><p class="note">note</p>body</section>'


def test_a_page_allows_its_own_style_and_nothing_else() -> None:
    page = answers_page(HOSTILE, "<p>header</p>", "<p>body</p>").decode()
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert allowed(style) == f"'sha256-{digest}'"
    assert part("page.css") in style
    assert "<script" not in page
    assert page.index("<p>header</p>") < page.index("<p>body</p>")


def test_a_page_allows_its_own_script_too_if_it_has_one() -> None:
    page = answers_page("x", "", "", "units.js").decode()
    script = page.partition("<script>")[2].partition("</script>")[0]
    assert part("units.js") in script
    assert f"script-src {allowed(script)}; " in page
    assert page.count("<script") == 1


def test_models_are_called_by_as_much_of_their_names_as_tells_them_apart() -> None:
    assert short_names(["demo", "/home/me/epoch_1.pt", "/home/me/epoch_2.pt"]) == ["demo", "epoch_1.pt", "epoch_2.pt"]
    assert short_names(["/runs/1/model.pt", "/runs/2/model.pt"]) == ["1/model.pt", "2/model.pt"]
    assert short_names(["ViT-B/32", "hf:me/tuned", "C:\\runs\\1.pt"]) == ["ViT-B/32", "hf:me/tuned", "1.pt"]
    assert short_names(["/runs/model.pt", "/runs/model.pt"]) == ["model.pt", "model.pt"]
    assert short_names(["/home/me/photos/"]) == ["photos"]
