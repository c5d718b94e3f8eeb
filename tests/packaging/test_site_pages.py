"""The documentation lists exactly the commands and settings of the program."""

from __future__ import annotations

import site_pages
from clipdesk.cli.entry import cli
from clipdesk.render.presets import PRESETS
from clipdesk.render.settings import RenderSettings, option_name


def test_every_command_and_option_is_described() -> None:
    page = site_pages.written_commands()
    for name, command in cli.commands.items():
        assert f"## clipdesk {name}\n" in page
        for option in command.params:
            if option.name not in RenderSettings.model_fields and not getattr(option, "hidden", False):
                assert option.opts[0] in page or option.human_readable_name in page
    assert "### clipdesk queue retry\n" in page


def test_every_setting_and_preset_is_in_the_tables() -> None:
    page = site_pages.on_page_markdown("# Settings\n\n<!-- settings: here -->\n", page=None)
    assert page.startswith("# Settings\n\n## Picture\n")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    for name in RenderSettings.model_fields:
        assert any(f"`{option_name(name)}`" in row for row in rows), name
    assert all(any(row.startswith(f"| `{name}` |") for row in rows) for name in PRESETS)
    assert len({row.count(" | ") for row in rows if "`--" in row}) == 1
