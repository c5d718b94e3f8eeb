"""The button that chooses which second model reads pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu, QStyleOptionToolButton, QToolButton
from typing_extensions import override

from clipdesk.gui.plain import plain_tip

if TYPE_CHECKING:
    from clipdesk.gui.surveys.readers import ReaderChoice

_NONE = "Check thoroughly by …"


class ReaderButton(QToolButton):
    """Opens a menu, which is filled each time: models come and go. It is an arrow once a model is known.

    Signals:
        wanted: The menu opens; `show_choices` is to follow at once.
        chosen: The name of a model.
        file_asked: The user wants to choose a checkpoint.
    """

    wanted = Signal()
    chosen = Signal(str)
    file_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Second model")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._menu = QMenu(self)
        self.setMenu(self._menu)
        self._menu.aboutToShow.connect(self.wanted)
        # A menu without an action is not opened.
        self.show_choices(())

    @override
    def initStyleOption(self, option: QStyleOptionToolButton) -> None:
        super().initStyleOption(option)
        # The mark of a menu would be a second arrow, or lie over the text.
        option.features &= ~QStyleOptionToolButton.ToolButtonFeature.HasMenu

    def show_reader(self, name: str, tip: str) -> None:
        """Show which model it is.

        Args:
            name: Its short name; empty if none is known.
            tip: What there is to know.
        """
        style = Qt.ToolButtonStyle
        self.setToolButtonStyle(style.ToolButtonIconOnly if name else style.ToolButtonTextOnly)
        self.setArrowType(Qt.ArrowType.DownArrow if name else Qt.ArrowType.NoArrow)
        self.setText("" if name else _NONE)
        self.setAccessibleDescription(name or "none")
        self.setToolTip(plain_tip(tip, wrap=True))

    def show_choices(self, choices: Sequence[ReaderChoice]) -> None:
        """Show what can be chosen, in sections, and below that a file can be."""
        self._menu.clear()
        section = ""
        for choice in choices:
            if choice.section != section:
                section = choice.section
                self._menu.addSection(section)
            # An ampersand in a file's name would mark a key.
            action = self._menu.addAction(choice.text.replace("&", "&&"))
            action.setCheckable(True)
            action.setChecked(choice.chosen)
            action.triggered.connect(lambda _checked=False, name=str(choice.name): self.chosen.emit(name))
        self._menu.addSeparator()
        self._menu.addAction("Open checkpoint …").triggered.connect(self.file_asked)
