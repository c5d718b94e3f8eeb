"""ClipDesk shows what single neurons of a CLIP vision model look for.

The public Python API. Everything is imported on first use, so that ``import clipdesk`` is instant and loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from clipdesk.errors import ClipDeskError, RenderError, UsageError
    from clipdesk.export.animation import save_animation
    from clipdesk.inspector import LayerInspector
    from clipdesk.jobs.visualizer import FeatureVisualizer
    from clipdesk.models.loading import load_model
    from clipdesk.render.capture import NeuronActivationHook
    from clipdesk.render.settings import RenderSettings
    from clipdesk.render.targets import Text, Unit

_HOMES = {
    "ClipDeskError": "clipdesk.errors",
    "FeatureVisualizer": "clipdesk.jobs.visualizer",
    "LayerInspector": "clipdesk.inspector",
    "NeuronActivationHook": "clipdesk.render.capture",
    "RenderError": "clipdesk.errors",
    "RenderSettings": "clipdesk.render.settings",
    "Text": "clipdesk.render.targets",
    "Unit": "clipdesk.render.targets",
    "UsageError": "clipdesk.errors",
    "load_model": "clipdesk.models.loading",
    "save_animation": "clipdesk.export.animation",
}

__all__ = [
    "ClipDeskError",
    "FeatureVisualizer",
    "LayerInspector",
    "NeuronActivationHook",
    "RenderError",
    "RenderSettings",
    "Text",
    "Unit",
    "UsageError",
    "load_model",
    "save_animation",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'clipdesk' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
