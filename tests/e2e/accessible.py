"""The window as a screen reader finds it: AT-SPI over D-Bus."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jeepney import DBusAddress, Properties, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

_SECONDS = 10
_SCREEN = 0
_ACTIVE, _SHOWING = 1, 25
CROWDED = ("table", "tree", "menu bar", "combo box")
"""Roles of what has many things inside that are seldom looked for."""
_ROOT = "/org/a11y/atspi/accessible/root"


class Gone(Exception):
    """The object no longer exists."""


class Bus:
    """The bus that carries what applications say of their windows.

    Args:
        address: Address of the session bus.
    """

    def __init__(self, address: str) -> None:
        session = open_dbus_connection(address)
        where = new_method_call(DBusAddress("/org/a11y/bus", "org.a11y.Bus", "org.a11y.Bus"), "GetAddress")
        self._bus = open_dbus_connection(str(session.send_and_get_reply(where, timeout=_SECONDS).body[0]))
        session.close()

    @property
    def connection(self) -> DBusConnection:
        """The connection."""
        return self._bus

    def applications(self) -> list[Node]:
        """All applications that can be seen."""
        return Node(self, "org.a11y.atspi.Registry", _ROOT).children()

    def close(self) -> None:
        """Let go of the bus."""
        self._bus.close()


@dataclass(frozen=True)
class Node:
    """One accessible thing: a window, a button, a cell."""

    bus: Bus
    owner: str
    path: str

    def children(self) -> list[Node]:
        """The objects directly inside it."""
        return [Node(self.bus, *reference) for reference in self._call("Accessible", "GetChildren")]

    def walk(self, closed: tuple[str, ...] = CROWDED) -> Iterator[Node]:
        """It and all that shows inside it, but not inside of what has a role of `closed`."""
        yield self
        if self.role not in closed:
            for child in self.children():
                if child.showing:
                    yield from child.walk(closed)

    @property
    def name(self) -> str:
        """The name that a screen reader says."""
        place = DBusAddress(self.path, self.owner, "org.a11y.atspi.Accessible")
        reply = self.bus.connection.send_and_get_reply(Properties(place).get("Name"), timeout=_SECONDS)
        if not isinstance(reply.body[0], tuple):
            raise Gone(self.path)
        return str(reply.body[0][1])

    @property
    def role(self) -> str:
        """Its role, e.g. ``push button``."""
        return str(self._call("Accessible", "GetRoleName"))

    @property
    def showing(self) -> bool:
        """True if it is on the screen."""
        return self._has(_SHOWING)

    @property
    def active(self) -> bool:
        """True of a window that gets the keys."""
        return self._has(_ACTIVE)

    def _has(self, state: int) -> bool:
        return bool(self._call("Accessible", "GetState")[0] >> state & 1)

    @property
    def frame(self) -> tuple[int, int, int, int]:
        """Left, top, width and height on the screen, in Qt's units."""
        left, top, width, height = self._call("Component", "GetExtents", _SCREEN, signature="u")
        return left, top, width, height

    @property
    def center(self) -> tuple[int, int]:
        """The point of a click on it."""
        left, top, width, height = self.frame
        return left + width // 2, top + height // 2

    def cell(self, row: int, column: int) -> Node:
        """A cell of a table."""
        return Node(self.bus, *self._call("Table", "GetAccessibleAt", row, column, signature="ii"))

    def _call(self, interface: str, method: str, *body: object, signature: str | None = None) -> Any:  # noqa: ANN401
        place = DBusAddress(self.path, self.owner, f"org.a11y.atspi.{interface}")
        message = new_method_call(place, method, signature, body)
        reply = self.bus.connection.send_and_get_reply(message, timeout=_SECONDS)
        # An object that no longer exists answers with an error, whose body is a text.
        if len(reply.body) != 1 or (isinstance(reply.body[0], str) and method != "GetRoleName"):
            raise Gone(self.path)
        return reply.body[0]
