"""The question before a picture is saved, where the canvas leaves open which one, or at which step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMessageBox, QWidget

from clipdesk.gui.exporter import Source
from clipdesk.gui.words import shortened

if TYPE_CHECKING:
    from clipdesk.gui.library import Entry
    from clipdesk.gui.panels.canvas import Canvas


@dataclass(frozen=True)
class Answer:
    """Something that can be saved.

    Attributes:
        text: What it is, in a few words.
        source: The picture; None for all of them.
    """

    text: str
    source: Source | None


def answers(canvas: Canvas) -> list[Answer]:
    """What saving what the canvas shows may mean, the likeliest first; one answer if there is no doubt."""
    finished = [track for track in canvas.visible() if Source.of_track(track) is not None]
    if not finished:
        return []
    track = canvas.current if canvas.current in finished else finished[0]
    name, step = shortened(track.label), track.earlier(canvas.step)
    found = []
    if step is not None:
        found.append(Answer(f"{name}, step {step}", Source.of_track(track, step)))
    found.append(Answer(f"{name}, finished" if step is not None else name, Source.of_track(track)))
    if len(finished) > 1:
        found.append(Answer(f"All {len(finished)} finished", None))
    return found


def answers_of_gallery(selected: Sequence[Entry]) -> list[Answer]:
    """The same for the pictures that are selected in the gallery."""
    found = [Answer(shortened(entry.label), Source.of_entry(entry)) for entry in selected]
    return found if len(found) < 2 else [Answer(f"All {len(found)} selected", None)]


def ask_which(parent: QWidget, choices: list[Answer]) -> Answer | None:
    """Ask which picture is to be saved; None if the user cancels."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Save picture")
    box.setText("Which picture shall be saved?")
    # In the order in which they are given, whatever the desktop's custom is.
    buttons = [box.addButton(choice.text, QMessageBox.ButtonRole.YesRole) for choice in choices]
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(buttons[0])
    box.exec()
    clicked = box.clickedButton()
    return next((choice for choice, button in zip(choices, buttons, strict=True) if button is clicked), None)
