"""What tells pictures apart, in words: captions for a comparison. Plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from clipdesk.errors import UsageError
from clipdesk.models.names import parse_name, short_name
from clipdesk.network.layer_names import short_label
from clipdesk.render.presets import NOT_RECIPE, preset_of, preset_title
from clipdesk.render.settings import RenderSettings, knob

if TYPE_CHECKING:
    from clipdesk.gui.tracks import Track

_MOST = 3
"""Settings that are named where no preset says it all."""
_OWN = "own settings"
_SEPARATOR = " \N{MIDDLE DOT} "
KEPT, OTHER = f"A{_SEPARATOR}", f"B{_SEPARATOR}"
"""What the captions of the two sides of a comparison begin with."""
_LEFT_OUT = NOT_RECIPE | {"iterations"}
"""Settings that are not named: seed and steps are told by themselves, and the others change no picture."""


def captions(tracks: Sequence[Track]) -> list[str]:
    """A caption for each picture: what it shows, and what is not alike in all of them.

    Args:
        tracks: The pictures, under way or done.
    """
    names = [short_label(track.target.label) for track in tracks]
    differing = [part for part in _parts(tracks) if len(set(part)) > 1]
    return [_SEPARATOR.join(words) for words in zip(names, *differing, strict=True)]


def labels_of(tracks: Sequence[Track]) -> list[str]:
    """The pictures' short names, or captions where several have one name; A is the one that is kept for comparison."""
    labels = [f"{KEPT}{track.label}" if track.compared else track.label for track in tracks]
    return labels if len(set(labels)) == len(labels) else captions(tracks)


def _parts(tracks: Sequence[Track]) -> Iterator[list[str]]:
    """What can be said of the pictures, one thing of all of them at a time."""
    if all(track.model for track in tracks):
        yield [_model(track.model) for track in tracks]
    settings = [made for track in tracks if (made := track.made_with) is not None]
    known = len(settings) == len(tracks)
    if known:
        yield [f"seed {made.seed}" for made in settings]
    yield [f"{track.reached} steps" for track in tracks]
    if known:
        yield from _settings(settings)


def _settings(settings: Sequence[RenderSettings]) -> Iterator[list[str]]:
    presets = [_preset(made) for made in settings]
    yield [preset_in_words(made) for made in settings]
    if None not in presets:
        return
    names = [name for name in RenderSettings.model_fields if name not in _LEFT_OUT]
    changed = [name for name in names if len({getattr(made, name) for made in settings}) > 1]
    for name in changed[:_MOST]:
        shown, values = knob(name), [getattr(made, name) for made in settings]
        yield [f"{shown.label.lower()} {shown.unset if value is None else value}" for value in values]


def preset_in_words(settings: RenderSettings) -> str:
    """The preset that settings are, with any number of steps, or that they are the user's own."""
    preset = _preset(settings)
    return _OWN.capitalize() if preset is None else preset_title(preset)


# Captions of a picture under way are made for each of its frames.
@lru_cache(maxsize=64)
def _preset(settings: RenderSettings) -> str | None:
    return preset_of(settings, whatever=_LEFT_OUT)


@lru_cache(maxsize=64)
def _model(name: str) -> str:
    try:
        return short_name(parse_name(name))
    except UsageError:
        # A recipe may be of a model whose name this version does not know.
        return name
