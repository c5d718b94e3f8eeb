"""The menu bar and the tool bar: the window's commands, and among them those of the panels."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QDockWidget, QMenu, QMenuBar, QToolBar, QWidget

from clipdesk.gui.actions import fill_bar
from clipdesk.gui.theme import CHOICES, Theme

if TYPE_CHECKING:
    from clipdesk.gui.commands import Commands
    from clipdesk.gui.layout import Place
    from clipdesk.gui.panels.canvas import Canvas
    from clipdesk.gui.panels.curves import CurvesPanel
    from clipdesk.gui.panels.gallery import GalleryPanel
    from clipdesk.gui.panels.parameters import ParametersPanel
    from clipdesk.gui.panels.queue import QueuePanel
    from clipdesk.gui.panels.unit_page import UnitPage
    from clipdesk.gui.panels.wall import WallPanel

_DIGITS = 10
Groups = Sequence[Sequence[QAction]]
"""Actions of a menu; a line separates each group from the next."""


class PanelActions(NamedTuple):
    """What the panels add to the window's menus.

    Attributes:
        exports: For the File menu.
        render: Groups for the Render menu.
        picture: Groups for the Picture menu.
        unit: Groups for the Unit menu.
    """

    exports: Sequence[QAction]
    render: Groups
    picture: Groups
    unit: Groups

    @classmethod
    def of(
        cls,
        queue: QueuePanel,
        parameters: ParametersPanel,
        canvas: Canvas,
        curves: CurvesPanel,
        gallery: GalleryPanel,
        unit: UnitPage,
        wall: WallPanel,
    ) -> PanelActions:
        """Collect them."""
        in_queue = (queue.pause_all_action, *queue.run_actions, queue.clear_action)
        in_curves = (curves.hold_action, curves.drop_action, curves.log_action)
        return cls(
            exports=(curves.csv_action, curves.png_action),
            render=(in_queue, queue.others.actions_shown, parameters.actions_shown),
            picture=(canvas.actions_shown, in_curves, (*gallery.actions_shown, gallery.recipe_action)),
            unit=((*unit.actions_shown, unit.write_action), unit.out_actions, wall.actions_shown),
        )


def build_menus(
    bar: QMenuBar,
    commands: Commands,
    models: QMenu,
    panels: PanelActions,
    docks: Mapping[str, QDockWidget],
    places: Mapping[str, Place],
    theme: Theme | None,
) -> None:
    """Fill a menu bar.

    Args:
        bar: The menu bar.
        commands: The window's own actions.
        models: The Model menu.
        panels: The panels' actions.
        docks: Docks to show and hide, by title.
        places: Where the keyboard can go, by name.
        theme: Light or dark; None where the user cannot choose.
    """
    save = (commands.save, commands.animation, commands.export, *panels.exports)
    results = (commands.again, commands.folder, commands.keep)
    _add_menu(bar, "&File", (save, results, (commands.quit,)))
    bar.addMenu(models)
    _add_menu(bar, "&Render", ((commands.render, commands.batch, commands.stop), *panels.render))
    _add_menu(bar, "&Picture", panels.picture)
    _add_menu(bar, "&Unit", ((commands.find,), *panels.unit))
    view = _add_menu(bar, "&View", (_toggles(docks.values()),))
    _add_places(view.addMenu("&Go to"), places)
    if theme is not None:
        _add_themes(view.addMenu("&Theme"), theme)
    view.addSeparator()
    view.addActions([commands.search, commands.full_screen, commands.reset])
    _add_menu(bar, "&Help", ((commands.palette, commands.shortcuts, commands.welcome), (commands.about,)))


def make_tool_bar(commands: Commands, parent: QWidget) -> QToolBar:
    """The window's tool bar."""
    bar = QToolBar("Tool bar", parent)
    bar.setObjectName("Tool bar")
    bar.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
    fill_bar(bar, [commands.render, commands.batch, commands.stop, commands.save])
    return bar


def all_actions(bar: QMenuBar) -> list[QAction]:
    """All actions of all menus of a bar, each once; those that open a menu are left out."""
    return list(dict.fromkeys(action for actions in actions_by_menu(bar).values() for action in actions))


def actions_by_menu(bar: QMenuBar) -> dict[str, list[QAction]]:
    """All actions of all menus of a bar, by the title of their menu, such as ``View: Go to``."""
    found: dict[str, list[QAction]] = {}
    for action in bar.actions():
        if (menu := _menu_of(action)) is not None:
            _collect(menu, "", found)
    return found


def _add_menu(bar: QMenuBar, title: str, groups: Groups) -> QMenu:
    menu = bar.addMenu(title)
    menu.setToolTipsVisible(True)
    for i, group in enumerate(groups):
        if i:
            menu.addSeparator()
        menu.addActions(list(group))
    return menu


def _toggles(docks: Iterable[QDockWidget]) -> list[QAction]:
    toggles = [dock.toggleViewAction() for dock in docks]
    for i, toggle in enumerate(toggles, start=1):
        toggle.setShortcut(QKeySequence(f"Alt+Shift+{i}"))
    return toggles


def _add_places(menu: QMenu, places: Mapping[str, Place]) -> None:
    for i, (name, place) in enumerate(places.items(), start=1):
        action = menu.addAction(name)
        if i <= _DIGITS:
            action.setShortcut(QKeySequence(f"Alt+{i % _DIGITS}"))
        action.triggered.connect(_goer(place))


def _add_themes(menu: QMenu, theme: Theme) -> None:
    group = QActionGroup(menu)
    for choice in CHOICES:
        action = menu.addAction(f"{choice.capitalize()} theme")
        action.setShortcut(QKeySequence(f"Ctrl+Alt+{choice[0].upper()}"))
        action.setCheckable(True)
        action.setChecked(choice == theme.choice)
        action.triggered.connect(lambda _checked=False, choice=choice: theme.choose(choice))
        group.addAction(action)


def _goer(place: Place) -> Callable[[], None]:
    """A function that gives the keyboard to a place, after showing its panel."""

    def go() -> None:
        place.show()
        target = place.widget if place.widget.isVisible() else _first_control(place.panel)
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    return go


def _first_control(panel: QWidget) -> QWidget:
    """The first control that can be used in a panel whose main one is not shown yet."""
    controls = (w for w in panel.findChildren(QWidget) if w.isVisible() and w.focusPolicy() & Qt.FocusPolicy.TabFocus)
    return next(controls, panel)


def _menu_of(action: QAction) -> QMenu | None:
    menu = action.menu()
    return menu if isinstance(menu, QMenu) else None


def _collect(menu: QMenu, above: str, found: dict[str, list[QAction]]) -> None:
    title = f"{above}{': ' if above else ''}{menu.title().replace('&', '')}"
    found[title] = []
    for action in menu.actions():
        below = _menu_of(action)
        if below is not None:
            _collect(below, title, found)
        elif not action.isSeparator():
            found[title].append(action)
