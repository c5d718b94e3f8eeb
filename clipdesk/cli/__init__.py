"""The command line. Commands import torch only when they run, so that ``clipdesk --help`` answers at once."""

from clipdesk.cli.entry import main

__all__ = ["main"]
