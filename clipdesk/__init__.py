"""ClipDesk shows what single neurons of a CLIP vision model look for.

The public Python API. Everything is imported on first use, so that ``import clipdesk`` is instant and loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from clipdesk.version import __version__ as __version__

if TYPE_CHECKING:
    from clipdesk.errors import ClipDeskError, RenderError, UsageError
    from clipdesk.export.animation import save_animation
    from clipdesk.jobs.visualizer import FeatureVisualizer
    from clipdesk.models.loading import load_model
    from clipdesk.network.capture import NeuronActivationHook
    from clipdesk.network.inspector import LayerInspector
    from clipdesk.network.opened import open_model
    from clipdesk.render.expressions import parse_target
    from clipdesk.render.settings import RenderSettings
    from clipdesk.render.targets import Combined, Direction, Others, Term, Text, Unit

_HOMES = {
    "ClipDeskError": "clipdesk.errors",
    "Combined": "clipdesk.render.targets",
    "Direction": "clipdesk.render.targets",
    "FeatureVisualizer": "clipdesk.jobs.visualizer",
    "LayerInspector": "clipdesk.network.inspector",
    "NeuronActivationHook": "clipdesk.network.capture",
    "Others": "clipdesk.render.targets",
    "RenderError": "clipdesk.errors",
    "RenderSettings": "clipdesk.render.settings",
    "Term": "clipdesk.render.targets",
    "Text": "clipdesk.render.targets",
    "Unit": "clipdesk.render.targets",
    "UsageError": "clipdesk.errors",
    "load_model": "clipdesk.models.loading",
    "open_model": "clipdesk.network.opened",
    "parse_target": "clipdesk.render.expressions",
    "save_animation": "clipdesk.export.animation",
}

__all__ = [
    "ClipDeskError",
    "Combined",
    "Direction",
    "FeatureVisualizer",
    "LayerInspector",
    "NeuronActivationHook",
    "Others",
    "RenderError",
    "RenderSettings",
    "Term",
    "Text",
    "Unit",
    "UsageError",
    "load_model",
    "open_model",
    "parse_target",
    "save_animation",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'clipdesk' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
