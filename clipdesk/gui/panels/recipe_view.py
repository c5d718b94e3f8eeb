"""How a picture was made, as a table beside the gallery."""

from __future__ import annotations

import html
from datetime import datetime

from PySide6.QtWidgets import QTextBrowser

from clipdesk.gui.library import Entry
from clipdesk.network.layer_names import short_label
from clipdesk.render.settings import knob

_NO_RECIPE = "<p>Select a picture to see how it was made.</p>"


class RecipeView(QTextBrowser):
    """The recipe of one picture, and the worker that rendered it."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Recipe")
        self._entry: Entry | None = None

    def show_recipe(self, entry: Entry | None, worker: str = "") -> None:
        """Show a picture's recipe; how to see one if there is none.

        Args:
            entry: The picture.
            worker: Who rendered it, in words; empty where that is not known.
        """
        bar = self.verticalScrollBar()
        # Whoever has begun to read stays there.
        place = bar.value() if entry is self._entry else 0
        self._entry = entry
        self.setHtml(_NO_RECIPE if entry is None else recipe_html(entry, worker))
        bar.setValue(place)


def recipe_html(entry: Entry, worker: str = "") -> str:
    """A recipe as an HTML table; its values are escaped.

    Args:
        entry: The picture.
        worker: Who rendered it, in words; empty where that is not known.
    """
    recipe = entry.recipe
    rows: list[tuple[str, object]] = [
        ("Model", recipe.model),
        ("Target", entry.label),
        ("Activation", f"{recipe.activation.picture:.4g} (clean)"),
        ("In the last step", f"{recipe.activation.end:.4g} (under its random changes)"),
        ("Outcome", recipe.outcome_in_words),
        *((f"Latent {short_label(label)}", active.in_words) for label, active in recipe.active.items()),
        ("Steps", recipe.steps),
        ("Device", recipe.device),
        *([("Worker", worker)] if worker else []),
        ("Made", _local(recipe.date)),
    ]
    for name, value in recipe.settings.model_dump().items():
        rows.append((knob(name).label, knob(name).unset if value is None else value))
    rows.append(("File", entry.path.name))
    cells = "".join(
        f"<tr><td style='white-space: nowrap'>{html.escape(str(name))}&nbsp;&nbsp;</td>"
        f"<td>{html.escape(str(value))}</td></tr>"
        for name, value in rows
    )
    return f"<table>{cells}</table>"


def _local(date: str) -> str:
    """A date in ISO 8601 in this machine's time zone; any other text as it is."""
    try:
        return f"{datetime.fromisoformat(date).astimezone():%Y-%m-%d %H:%M}"
    except ValueError:
        return date
