"""Every snippet of the README and the docs: Python runs, and commands are understood."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import clip
import pytest
from clip.model import CLIP

import clipdesk
from clipdesk.activations import directions
from clipdesk.activations.storing import all_surveys
from clipdesk.cli.entry import cli
from tests.cli.surveys import photos

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LAYER = "visual.transformer.resblocks.5.mlp.gelu"

QUICKER = {
    '"cuda"': '"cpu"',
    "num_iterations=1000": "num_iterations=2",
    "num_iterations=200": "num_iterations=2",
    "iterations=200)": "iterations=2)",
    '"draft")': '"draft", iterations=2)',
    "make_settings(views=1)": "make_settings(views=1, iterations=2)",
    '"scenes:5000"': '"scenes:40"',
    'load_model("ViT-B/32")': 'load_model("demo")',
    "(224, 224)": "(128, 128)",
}
"""What is replaced so that a snippet needs neither a GPU, nor a download, nor minutes. What a snippet does stays."""


def python_snippets() -> list[tuple[str, str]]:
    """The Python of each page, with where it is."""
    found = []
    for page in PAGES:
        for number, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)):
            found.append((f"{page.name}-{number}", code))
    return found


def commands() -> list[tuple[str, str]]:
    """Each line of a page that runs clipdesk, with where it is."""
    found = []
    for page in PAGES:
        for line in page.read_text(encoding="utf-8").splitlines():
            if re.match(r"\s*clipdesk( |$)", line):
                found.append((f"{page.name}: {line.strip()}", line.strip()))
    return found


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo: CLIP) -> Path:
    """A folder of its own, with photos, where the models are the embedded one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(clip, "load", lambda *_args, **_options: (demo, None))
    # The list of English words takes a minute to read.
    monkeypatch.setattr(directions, "usual_concepts", lambda _: "scenes")
    photos(tmp_path / "photos")
    return tmp_path


@pytest.mark.parametrize("code", [pytest.param(code, id=name) for name, code in python_snippets()])
def test_python_runs(code: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for slow, quick in QUICKER.items():
        code = code.replace(slow, quick)
    if '"FOLDER"' in code:
        clipdesk.survey("photos", clipdesk.open_model("demo"), layers=[LAYER])
        ((folder, _),) = all_surveys()
        code = code.replace('"FOLDER"', repr(str(folder))).replace('"LAYER"', repr(LAYER))
    names: dict[str, object] = {"__name__": "snippet"}
    exec(compile(code, "snippet", "exec"), names)
    if "print(" in code:
        assert capsys.readouterr().out.strip()
    if "save_picture" in code:
        assert list(place.glob("*.png"))


def test_all_that_is_replaced_is_there() -> None:
    all_code = "".join(code for _, code in python_snippets())
    assert [slow for slow in QUICKER if slow not in all_code] == []


@pytest.mark.parametrize("line", [pytest.param(line, id=name) for name, line in commands()])
def test_commands_are_understood(line: str, place: Path) -> None:
    """The parser takes them; what they do is tested with the commands."""
    line = line.replace("JOB", "3").partition(" | ")[0].partition(" > ")[0]
    words = shlex.split(line, comments=True)[1:]
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command = command.commands[words.pop(0)]
    (place / "photo.jpg").write_bytes(b"")
    command.make_context("clipdesk", words)


def test_there_are_snippets() -> None:
    assert len(python_snippets()) > 8
    assert len(commands()) > 40
