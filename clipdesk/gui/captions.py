"""What stands under a picture on the canvas: its name, and the activation at the step that is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clipdesk.export.recipe import Outcome

if TYPE_CHECKING:
    from clipdesk.gui.tracks import Track


def caption(label: str, track: Track, step: int | None) -> str:
    """A picture's name and its activation.

    Args:
        label: The name.
        track: The picture.
        step: The step that is shown; None for the newest.
    """
    reached = activation_at(track, step)
    return label if reached is None else f"{label}   {reached:.3g}"


def activation_at(track: Track, step: int | None) -> float | None:
    """The activation of the finished picture, or the curve's at a step; None where neither is known."""
    if step is None and track.recipe is not None:
        return track.recipe.activation.picture
    return track.curve.at(step)


def note(track: Track) -> str:
    """What became of a finished picture, if that is anything else than done."""
    recipe = track.recipe
    return "" if recipe is None or recipe.outcome is Outcome.DONE else recipe.outcome_in_words
