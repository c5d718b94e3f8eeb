"""The page on comparisons: its code runs, and its commands and numbers are there."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from clipdesk.activations.comparing.comparison import Drifted
from clipdesk.cli.entry import cli

PAGE = (Path(__file__).parents[2] / "docs" / "comparing.md").read_text(encoding="utf-8")


def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path))
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(code.replace("scenes:300", "scenes:20"), {})


def test_the_commands_and_options_of_the_page_are_there() -> None:
    assert set(re.findall(r"^clipdesk (\w+)", PAGE, re.MULTILINE)) == {"compare", "comparisons"}
    parameters = (*cli.commands["compare"].params, *cli.commands["timeline"].params)
    known = {option for parameter in parameters for option in parameter.opts}
    assert set(re.findall(r"--[a-z][a-z-]*", PAGE)) <= known


def test_the_numbers_of_a_unit_are_described() -> None:
    for name in {each.name for each in fields(Drifted)} - {"layer", "unit", "other", "note"}:
        assert f"| {name} |" in PAGE, name
