"""Parts of the documentation site that are generated from the program itself; a hook of mkdocs.

The command reference comes from click, the tables of settings and presets from RenderSettings.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import click

from clipdesk.cli.entry import cli
from clipdesk.render.presets import DEFAULT_PRESET, PRESETS
from clipdesk.render.settings import RenderSettings, knob, limits, option_name

ROOT = Path(__file__).resolve().parent.parent


def on_page_markdown(markdown: str, **_: object) -> str:
    """Replace a mark in a page by its generated part."""
    parts = {"commands": written_commands, "settings": written_settings}
    return re.sub(r"<!-- (commands|settings): .*? -->", lambda mark: parts[mark[1]](), markdown)


def on_post_build(config: Mapping[str, Any]) -> None:
    """Add the icon."""
    shutil.copy(ROOT / "resources" / "icons" / "clipdesk.png", Path(config["site_dir"]) / "icon.png")


def written_commands() -> str:
    """Every command with its options; options for settings are in the table of settings."""
    return "\n".join(_commands("clipdesk", cli, 2))


def _commands(path: str, command: click.Command, level: int) -> Iterator[str]:
    context = click.Context(command, info_name=path)
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    about = (command.help or "").replace("\b", "").strip()
    yield f"{'#' * level} {path}\n\n{about}\n\n```text\n{usage}\n```\n"
    yield from _options(command, context)
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _commands(f"{path} {name}", command.commands[name], level + (level < 3))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    settings = {option.name for option in command.params} >= set(RenderSettings.model_fields)
    rows = [
        record
        for option in command.params
        if not (settings and option.name in RenderSettings.model_fields)
        and (record := option.get_help_record(context)) is not None
    ]
    if rows:
        yield _table(("option", "what it does"), [(f"`{name}`", about) for name, about in rows])
    if settings:
        yield "Each of the [settings](settings.md) is an option too.\n"


def written_settings() -> str:
    """The settings by group, and the values of the presets."""
    names = list(RenderSettings.model_fields)
    header = ("setting", "option", "values", "default", "what it does")
    groups = [
        f"## {group}\n\n{_table(header, [_setting(name) for name in names if knob(name).group == group])}"
        for group in dict.fromkeys(knob(name).group for name in names)
    ]
    return "\n".join([*groups, _presets()])


def _setting(name: str) -> tuple[str, ...]:
    value, bounds, unit = getattr(PRESETS[DEFAULT_PRESET].settings, name), limits(name), knob(name).unit
    shown = knob(name).unset if value is None else f"`{value:g}`" if bounds else f"`{value}`"
    allowed = f"{bounds[0]:g} to {bounds[1]:g} {unit}" if bounds else _choices(name)
    about = RenderSettings.model_fields[name].description or ""
    return knob(name).label, f"`{option_name(name)}`", allowed, shown, about[:1].upper() + about[1:]


def _choices(name: str) -> str:
    words = knob(name).choices or get_args(RenderSettings.model_fields[name].annotation)
    more = ["a file"] if knob(name).files else []
    return ", ".join([*(f"`{word}`" for word in words), *more]) or "a text"


def _presets() -> str:
    bare = RenderSettings().model_dump()
    rows = []
    for name, preset in PRESETS.items():
        values = preset.settings.model_dump()
        own = [f"{key} {value}" for key, value in values.items() if value != bare[key]]
        rows.append((f"`{name}`", ", ".join(own) or "nothing"))
    about = "What each sets that differs from a setting's own default."
    return f"## What the presets set\n\n{about}\n\n{_table(('preset', 'sets'), rows)}"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(map(_cell, row))} |\n" for row in [header, ("---",) * len(header), *rows])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
