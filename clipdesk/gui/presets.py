"""Presets: the ones that come with ClipDesk, and the user's own, kept between sessions."""

from __future__ import annotations

import json
import logging

from pydantic import ValidationError
from PySide6.QtCore import QSettings

from clipdesk.errors import UsageError
from clipdesk.render.presets import PRESETS, Preset, preset_title
from clipdesk.render.settings import RenderSettings

log = logging.getLogger(__name__)

_KEY = "presets"


class PresetStore:
    """Reads and writes the user's presets; one that is damaged or from another version is logged and left out."""

    def __init__(self, settings: QSettings) -> None:
        self._settings = settings
        self._own: dict[str, Preset] = {}
        try:
            kept = json.loads(str(settings.value(_KEY, "{}")))
        except ValueError:
            kept = {}
        for name, values in kept.items() if isinstance(kept, dict) else ():
            try:
                self._own[name] = Preset(RenderSettings.model_validate(values), "Your own preset")
            except ValidationError as error:
                log.warning("preset %s is left out: %s", name, error)

    def all(self) -> dict[str, Preset]:
        """Every preset by name, ClipDesk's first."""
        return {**PRESETS, **self._own}

    def is_own(self, name: str) -> bool:
        """Whether a preset is the user's."""
        return name in self._own

    def save(self, name: str, settings: RenderSettings) -> None:
        """Keep settings under a name; they replace the user's older preset of that name.

        Raises:
            UsageError: the name is empty or one of ClipDesk's, or what the window calls it.
        """
        name = name.strip()
        taken = {*PRESETS, *(preset_title(each).casefold() for each in PRESETS)}
        if not name or name.casefold() in taken:
            raise UsageError(f"A preset of yours cannot be called '{name}'. Choose another name")
        self._own[name] = Preset(settings, "Your own preset")
        self._write()

    def delete(self, name: str) -> None:
        """Forget a preset of the user's."""
        self._own.pop(name, None)
        self._write()

    def _write(self) -> None:
        own = {name: preset.settings.model_dump() for name, preset in self._own.items()}
        self._settings.setValue(_KEY, json.dumps(own))
