"""The window: the only place that imports Qt.

On Windows torch's libraries must be loaded before Qt's, or torch fails to import later (pytorch#166628). So the lowest
of them is loaded here, before any module of this package can import Qt; the rest comes behind the open window.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from clipdesk.gui.windows import load_torch_libraries

    load_torch_libraries()
