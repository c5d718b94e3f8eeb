"""Menus, tool bar, and the list of everything that can be done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QHeaderView,
    QMenu,
    QTableWidget,
    QTableWidgetItem,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from clipdesk.gui.actions import fill_bar, make_action
from clipdesk.gui.theme import CHOICES, Theme
from clipdesk.models.catalogue import CATALOGUE
from clipdesk.models.listing import short_name

if TYPE_CHECKING:
    from clipdesk.gui.main_window import MainWindow


class Menus(QObject):
    """The window's own actions, its menu bar and tool bar, with those of the panels among them."""

    def __init__(self, window: MainWindow, theme: Theme | None) -> None:
        super().__init__(window)
        self._window = window
        self._make_actions()
        self._file_menu()
        self._model_menu()
        self._render_menu()
        self._picture_menu()
        self._view_menu(theme)
        self._help_menu()
        self._tool_bar()

    def _make_actions(self) -> None:
        window, standard = self._window, QKeySequence.StandardKey
        tip = "Save the picture shown alone, or all shown, with the recipe inside"
        self.save = make_action(window, "&Save picture …", "content_save", standard.Save, tip)
        self.save.setIconText("Save")
        self.animation = make_action(window, "Save &animation …", "animation_outline", "Ctrl+Shift+M")
        tip = "Write a choice of pictures into a folder, with a look at their names first"
        self.export = make_action(window, "&Export pictures …", "export_variant", "Ctrl+Alt+E", tip)
        tip = "Make a picture again from the PNG that ClipDesk made of it; the same as dropping that onto the window"
        self.again = make_action(window, "Render &from a recipe …", "reload", "Ctrl+Alt+O", tip)
        tip = "Where every finished picture is kept"
        self.folder = make_action(window, "&Results folder …", "folder_search_outline", "Ctrl+Shift+O", tip)
        self.keep = make_action(window, "&Keep every finished picture", keys="Ctrl+Shift+K", checkable=True)
        self.quit = make_action(window, "&Quit", keys=standard.Quit)
        tip = "All models, with size, licence and where they are"
        self.choose = make_action(window, "C&hoose model …", "format_list_bulleted", "Ctrl+Alt+M", tip)
        self.checkpoint = make_action(window, "Open &checkpoint …", "folder_open_outline", standard.Open)
        self.render = make_action(window, "&Render", "play", "Ctrl+R", "Render the selected neurons")
        tip = "Queue the selected neurons without looking at them"
        self.batch = make_action(window, "Add to &batch", "playlist_plus", "Ctrl+B", tip)
        self.stop = make_action(window, "S&top", "stop", "Ctrl+.", "Stop after this step and keep what was reached")
        self.reset = make_action(window, "&Reset layout", "restore", "Ctrl+Alt+0")
        self.palette = make_action(window, "&Command palette …", "console_line", "Ctrl+K")
        self.shortcuts = make_action(window, "&Keyboard shortcuts", "keyboard_outline", "F1")
        self.welcome = make_action(window, "&Welcome", keys="Shift+F1")
        self.about = make_action(window, "&About ClipDesk")

    def _menu(self, title: str, *groups: Sequence[QAction]) -> QMenu:
        menu = self._window.menuBar().addMenu(title)
        menu.setToolTipsVisible(True)
        for i, group in enumerate(groups):
            if i:
                menu.addSeparator()
            menu.addActions(list(group))
        return menu

    def _file_menu(self) -> None:
        curves = self._window.curves
        self._menu(
            "&File",
            (self.save, self.animation, self.export, curves.csv_action, curves.png_action),
            (self.again, self.folder, self.keep),
            (self.quit,),
        )

    def _model_menu(self) -> None:
        menu = self._menu("&Model", (self.choose, self.checkpoint))
        self.recent = menu.addMenu("&Recently used")
        self.recent.setToolTipsVisible(True)
        menu.addSeparator()
        self.models = QActionGroup(self)
        for model in CATALOGUE.values():
            action = menu.addAction(f"{model.name}: {model.description}")
            action.setCheckable(True)
            action.setData(model.name)
            action.setToolTip(f"{model.megabytes} MB, pictures of {model.input_size} px")
            self.models.addAction(action)
        self.show_recent()

    def show_model(self, name: str) -> None:
        """Tick the open model."""
        for action in self.models.actions():
            action.setChecked(action.data() == name)
        self.show_recent()

    def show_recent(self) -> None:
        """Fill the list of models that were opened last."""
        self.recent.clear()
        names = self._window.preferences.recent_models
        self.recent.setEnabled(bool(names))
        for name in names:
            # A file's name may have an ampersand, which would be a key.
            action = self.recent.addAction(short_name(name).replace("&", "&&"))
            action.setToolTip(name)
            action.triggered.connect(lambda _checked=False, name=name: self._window.opening.open(name))

    def _render_menu(self) -> None:
        window = self._window
        self._menu(
            "&Render",
            (self.render, self.batch, self.stop),
            (window.queue.pause_all_action, *window.queue.run_actions, window.queue.clear_action),
            window.queue.others.actions_shown,
            window.parameters.actions_shown,
        )

    def _picture_menu(self) -> None:
        window = self._window
        self._menu(
            "&Picture",
            window.canvas.actions_shown,
            (window.curves.hold_action, window.curves.drop_action, window.curves.log_action),
            window.gallery.actions_shown,
        )

    def _view_menu(self, theme: Theme | None) -> None:
        window = self._window
        toggles = [dock.toggleViewAction() for dock in window.docks.values()]
        for i, toggle in enumerate(toggles, start=1):
            toggle.setShortcut(QKeySequence(f"Alt+Shift+{i}"))
        menu = self._menu("&View", toggles)
        go = menu.addMenu("&Go to")
        for i, (name, place) in enumerate(window.places().items(), start=1):
            action = go.addAction(name)
            action.setShortcut(QKeySequence(f"Alt+{i}"))
            action.triggered.connect(_goer(window, name, place))
        if theme is not None:
            themes = menu.addMenu("&Theme")
            group = QActionGroup(self)
            for choice in CHOICES:
                action = themes.addAction(f"{choice.capitalize()} theme")
                action.setShortcut(QKeySequence(f"Ctrl+Alt+{choice[0].upper()}"))
                action.setCheckable(True)
                action.setChecked(choice == theme.choice)
                action.triggered.connect(lambda _checked=False, choice=choice: theme.choose(choice))
                group.addAction(action)
        menu.addSeparator()
        menu.addAction(self.reset)

    def _help_menu(self) -> None:
        self._menu("&Help", (self.palette, self.shortcuts, self.welcome), (self.about,))

    def _tool_bar(self) -> None:
        bar = QToolBar("Tool bar", self._window)
        bar.setObjectName("Tool bar")
        bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        fill_bar(bar, [self.render, self.batch, self.stop, self.save])
        self._window.addToolBar(bar)

    def everything(self) -> list[QAction]:
        """All actions of all menus, each once."""
        return list(_walk(menu for action in self._window.menuBar().actions() if (menu := _menu_of(action))))


class ShortcutList(QDialog):
    """Every command with its keys."""

    def __init__(self, actions: Sequence[QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        rows = [
            (action.text().replace("&", "").removesuffix(" …"), keys)
            for action in actions
            if (keys := ", ".join(key.toString(QKeySequence.SequenceFormat.NativeText) for key in action.shortcuts()))
        ]
        rows += _MORE_KEYS
        self.table = QTableWidget(len(rows), 2)
        self.table.setAccessibleName("Keyboard shortcuts")
        self.table.setHorizontalHeaderLabels(["Command", "Keys"])
        self.table.verticalHeader().hide()
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                self.table.setItem(row, column, QTableWidgetItem(text))
        layout = QVBoxLayout(self)
        layout.addWidget(self.table)
        width = self.fontMetrics().averageCharWidth()
        self.resize(80 * width, 36 * self.fontMetrics().height())


_MORE_KEYS = [
    ("In the neuron table: render the selection", "Return"),
    ("In the neuron table: add the selection to the batch", "B"),
    ("In the architecture tree: copy the layer's name", "Ctrl+C"),
    ("On the canvas: another picture", "Arrow keys"),
    ("On the canvas: one picture alone, or all", "Return"),
    ("On the canvas: back to all, fitted", "Esc"),
    ("In the gallery: move to trash", "Del"),
]


def _goer(window: MainWindow, name: str, place: QWidget) -> Callable[[], None]:
    def go() -> None:
        dock = window.docks.get(name)
        if dock is not None:
            dock.show()
            dock.raise_()
        target = place if place.isVisible() or dock is None else _first_control(dock)
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    return go


def _first_control(dock: QWidget) -> QWidget:
    """What can be used in a dock whose list is not there yet."""
    controls = (w for w in dock.findChildren(QWidget) if w.isVisible() and w.focusPolicy() & Qt.FocusPolicy.TabFocus)
    return next(controls, dock)


def _menu_of(action: QAction) -> QMenu | None:
    menu = action.menu()
    return menu if isinstance(menu, QMenu) else None


def _walk(menus: Iterator[QMenu]) -> Iterator[QAction]:
    for menu in menus:
        for action in menu.actions():
            below = _menu_of(action)
            if below is not None:
                yield from _walk(iter([below]))
            elif not action.isSeparator():
                yield action
