"""A separate screen with ClipDesk on it, used from outside the process: real keys, a real mouse, real pictures."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from PIL import Image, ImageGrab

from tests.e2e.accessible import CROWDED, Bus, Gone, Node

SIZE = (1600, 1000)
_TOOLS = ("Xvfb", "openbox", "xdotool", "dbus-daemon")
_SECONDS = 60.0
INSTALLED = (sys.executable, "-m", "clipdesk")
"""ClipDesk as this Python has it."""


def missing_tools() -> str:
    """The tools that this machine lacks, in words; empty if it has them all."""
    if not sys.platform.startswith("linux"):
        return "needs Linux"
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if not missing and not Path("/usr/share/dbus-1/accessibility-services").is_dir():
        missing = ["at-spi2-core"]
    return f"needs {', '.join(missing)}" if missing else ""


class Desktop:
    """ClipDesk in a window.

    Attributes:
        process: The program.
        home: Its user's home folder.
    """

    def __init__(
        self, start: Callable[[], subprocess.Popen[bytes]], environment: dict[str, str], bus: Bus, scale: float
    ) -> None:
        self.process, self.home = start(), Path(environment["HOME"])
        self._start = start
        self._environment = environment
        self._bus = bus
        self._scale = scale

    def kill_and_start_again(self) -> None:
        """Kill ClipDesk and start it again, as after a power cut."""
        self.process.kill()
        self.process.wait()
        self.process = self._start()

    def start_another(self) -> subprocess.Popen[bytes]:
        """Start a second ClipDesk beside the first."""
        return self._start()

    # Seeing

    def find(self, role: str, name: str = "", within: Node | None = None) -> Node | None:
        """The first visible object with this role whose name begins with `name`.

        Objects inside tables and trees are found only `within` them.
        """
        with suppress(Gone):
            for top in [within] if within else self._bus.applications():
                for node in top.walk(closed=() if within else CROWDED):
                    if node.role == role and node.name.startswith(name):
                        return node
        return None

    def wait_for(self, role: str, name: str = "", within: Node | None = None) -> Node:
        """Wait until `find` succeeds."""
        found: list[Node] = []

        def look() -> bool:
            node = self.find(role, name, within)
            found.extend([node] if node else [])
            return bool(found)

        self.until(look, f"a {role} '{name}'")
        return found[0]

    def until(self, condition: Callable[[], bool], what: str, seconds: float = _SECONDS) -> None:
        """Wait until a condition holds.

        Raises:
            TimeoutError: it does not, or the program has ended; a picture of the screen is saved.
        """
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end or self.process.poll() is not None:
                picture = self.home / "failure.png"
                self.picture().save(picture)
                raise TimeoutError(f"waited for {what}; {self._what_is_there()}: {picture}")
            time.sleep(0.05)

    def wait_until_active(self) -> None:
        """Wait until the main window gets the keys: after a dialog they go nowhere for a moment."""
        self.until(lambda: (frame := self.find("frame")) is not None and frame.active, "the window to be active")

    def _what_is_there(self) -> str:
        """Of a wait that was in vain: whether the program runs, and its windows."""
        if self.process.poll() is not None:
            return f"the program has ended with {self.process.returncode}"
        there: list[str] = []
        with suppress(Gone):
            for top in self._bus.applications():
                there += [f"{node.role} '{node.name}'{' active' * node.active}" for node in top.children()]
        return f"there are {', '.join(there) or 'no windows'}"

    def windows(self) -> int:
        """The number of ClipDesk's open windows."""
        with suppress(Gone):
            return sum(node.role == "frame" for top in self._bus.applications() for node in top.children())
        return 0

    def picture(self) -> Image.Image:
        """A picture of the screen."""
        return ImageGrab.grab(xdisplay=self._environment["DISPLAY"])

    def window_picture(self) -> Image.Image:
        """The part of the screen that is the window, without its frame."""
        left, top, width, height = self.wait_for("frame").frame
        scale = self._scale
        return self.picture().crop((left * scale, top * scale, (left + width) * scale, (top + height) * scale))

    def settle(self, looks: int = 1) -> None:
        """Wait until the screen rests: until so many looks, a fifth of a second apart, find it as it was before."""
        before, same = self.picture(), 0
        for _ in range(100):
            time.sleep(0.2)
            now = self.picture()
            same = same + 1 if now == before else 0
            if same == looks:
                return
            before = now

    # Doing

    def click(self, node: Node) -> None:
        """Click the middle of it."""
        self._xdotool("mousemove", *self._at(*node.center), "click", "1")

    def drag(self, first: Node, last: Node) -> None:
        """Press on one thing, move slowly, let go on another."""
        (x, y), (to_x, to_y) = first.center, last.center
        self._xdotool("mousemove", *self._at(x, y), "mousedown", "1")
        for step in range(1, 9):
            at = self._at(x + (to_x - x) * step // 8, y + (to_y - y) * step // 8)
            self._xdotool("mousemove", *at, "sleep", "0.05")
        self._xdotool("mouseup", "1")

    def press(self, *keys: str) -> None:
        """Press keys, e.g. ``ctrl+s``."""
        self._xdotool("key", "--clearmodifiers", *keys)

    def type(self, text: str) -> None:
        """Type a text."""
        self._xdotool("type", "--delay", "5", "--", text)

    def replace(self, field: Node, text: str) -> None:
        """Replace the text of a field."""
        self.click(field)
        self.press("ctrl+a")
        self.type(text)

    def _at(self, x: int, y: int) -> tuple[str, str]:
        return str(round(x * self._scale)), str(round(y * self._scale))

    def _xdotool(self, *words: str) -> None:
        subprocess.run(["xdotool", *words], env=self._environment, check=True, timeout=_SECONDS)


@contextmanager
def open_desktop(
    home: Path,
    *arguments: str,
    program: Sequence[str] = INSTALLED,
    scale: float = 1,
    size: tuple[int, int] = SIZE,
    **variables: str,
) -> Iterator[Desktop]:
    """Start a screen, a window manager, a session bus and ClipDesk; end them all afterwards.

    Args:
        home: The user's home folder; settings and pictures go there.
        arguments: Arguments of the command line.
        program: ClipDesk's command. Any but the installed one gets no variable of this process's, not even PATH.
        scale: Device pixels for each of Qt's.
        size: Width and height of the screen, in Qt's pixels.
        variables: More for the program's environment.
    """
    with ExitStack() as stack:
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("QT_", "XDG_", "WAYLAND"))},
            "HOME": str(home),
            "XDG_RUNTIME_DIR": str(home),
            "CLIPDESK_DATA": str(home / "data"),
            "QT_QPA_PLATFORM": "xcb",
            "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
            "QT_SCALE_FACTOR": str(scale),
            **variables,
        }
        width, height = (round(side * scale) for side in size)
        environment["DISPLAY"] = f":{_start_screen(stack, environment, width, height)}"
        environment["DBUS_SESSION_BUS_ADDRESS"] = address = _start_bus(stack, environment)
        # On a busy machine openbox was seen to be gone, and then no window is active ever again.
        _start(stack, environment, "sh", "-c", "until openbox; do sleep 0.2; done")
        # Before the program, so that it finds it.
        bus = Bus(address)
        stack.callback(bus.close)
        of_program = environment if program is INSTALLED else _without_inherited(environment)
        yield Desktop(lambda: _start(stack, of_program, *program, *arguments), environment, bus, scale)


def _without_inherited(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if os.environ.get(name) != value}


def _start(stack: ExitStack, environment: dict[str, str], *command: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def end() -> None:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    stack.callback(end)
    return process


def _start_screen(stack: ExitStack, environment: dict[str, str], width: int, height: int) -> int:
    """A virtual screen with a number that nobody else has."""
    screen = f"{width}x{height}x24"
    process = _start(stack, environment, "Xvfb", "-displayfd", "1", "-screen", "0", screen, "-nolisten", "tcp")
    return int(_first_line(process))


def _start_bus(stack: ExitStack, environment: dict[str, str]) -> str:
    return _first_line(_start(stack, environment, "dbus-daemon", "--session", "--nofork", "--print-address=1"))


def _first_line(process: subprocess.Popen[bytes]) -> str:
    if process.stdout is None:
        raise ValueError("nothing is read of this process")
    line = process.stdout.readline().decode().strip()
    if not line:
        raise RuntimeError(f"{process.args!r} did not start")
    return line
