"""Run before anything else in a bundle: on Windows torch's libraries must be loaded before Qt's (pytorch#166628)."""

from clipdesk.gui.windows import load_torch_libraries

load_torch_libraries()
