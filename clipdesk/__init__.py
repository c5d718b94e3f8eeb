"""ClipDesk shows what single neurons of a CLIP vision model look for.

The public Python API. Everything is imported on first use, so that ``import clipdesk`` is instant and loads no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from clipdesk.version import __version__ as __version__

if TYPE_CHECKING:
    from clipdesk.activations.attention import attention_maps
    from clipdesk.activations.checking.picture import check_picture
    from clipdesk.activations.checking.second import SecondReader
    from clipdesk.activations.comparing.comparison import Comparison
    from clipdesk.activations.comparing.making import compare
    from clipdesk.activations.contributions import head_contributions
    from clipdesk.activations.directions import image_direction, text_directions
    from clipdesk.activations.making import survey
    from clipdesk.activations.measuring import rank_of_picture
    from clipdesk.activations.questions.clusters import clusters
    from clipdesk.activations.questions.counterparts import counterparts
    from clipdesk.activations.questions.examples import examples
    from clipdesk.activations.questions.find import find, like
    from clipdesk.activations.questions.similar import similar
    from clipdesk.activations.questions.unit import unit_answers
    from clipdesk.activations.storing import open_survey
    from clipdesk.activations.survey import Survey
    from clipdesk.errors import ClipDeskError, RenderError, UsageError
    from clipdesk.export.animation import save_animation
    from clipdesk.export.png import read_recipe, save_picture
    from clipdesk.imagesets.opening import open_image_set
    from clipdesk.jobs.visualizer import FeatureVisualizer
    from clipdesk.models.loading import load_model
    from clipdesk.network.capture import NeuronActivationHook
    from clipdesk.network.inspector import LayerInspector
    from clipdesk.network.pool import open_model
    from clipdesk.render.expressions import parse_target
    from clipdesk.render.readable import Decoder, Direction, Others
    from clipdesk.render.settings import RenderSettings
    from clipdesk.render.targets import Combined, Term, Text, Unit
    from clipdesk.render.together import render_difference

_HOMES = {
    "ClipDeskError": "clipdesk.errors",
    "Combined": "clipdesk.render.targets",
    "Comparison": "clipdesk.activations.comparing.comparison",
    "Decoder": "clipdesk.render.readable",
    "Direction": "clipdesk.render.readable",
    "FeatureVisualizer": "clipdesk.jobs.visualizer",
    "LayerInspector": "clipdesk.network.inspector",
    "NeuronActivationHook": "clipdesk.network.capture",
    "Others": "clipdesk.render.readable",
    "RenderError": "clipdesk.errors",
    "RenderSettings": "clipdesk.render.settings",
    "SecondReader": "clipdesk.activations.checking.second",
    "Survey": "clipdesk.activations.survey",
    "Term": "clipdesk.render.targets",
    "Text": "clipdesk.render.targets",
    "Unit": "clipdesk.render.targets",
    "UsageError": "clipdesk.errors",
    "attention_maps": "clipdesk.activations.attention",
    "check_picture": "clipdesk.activations.checking.picture",
    "clusters": "clipdesk.activations.questions.clusters",
    "compare": "clipdesk.activations.comparing.making",
    "counterparts": "clipdesk.activations.questions.counterparts",
    "examples": "clipdesk.activations.questions.examples",
    "find": "clipdesk.activations.questions.find",
    "head_contributions": "clipdesk.activations.contributions",
    "image_direction": "clipdesk.activations.directions",
    "like": "clipdesk.activations.questions.find",
    "load_model": "clipdesk.models.loading",
    "open_image_set": "clipdesk.imagesets.opening",
    "open_model": "clipdesk.network.pool",
    "open_survey": "clipdesk.activations.storing",
    "parse_target": "clipdesk.render.expressions",
    "rank_of_picture": "clipdesk.activations.measuring",
    "read_recipe": "clipdesk.export.png",
    "save_animation": "clipdesk.export.animation",
    "render_difference": "clipdesk.render.together",
    "save_picture": "clipdesk.export.png",
    "similar": "clipdesk.activations.questions.similar",
    "survey": "clipdesk.activations.making",
    "text_directions": "clipdesk.activations.directions",
    "unit_answers": "clipdesk.activations.questions.unit",
}

__all__ = [
    "ClipDeskError",
    "Combined",
    "Comparison",
    "Decoder",
    "Direction",
    "FeatureVisualizer",
    "LayerInspector",
    "NeuronActivationHook",
    "Others",
    "RenderError",
    "RenderSettings",
    "SecondReader",
    "Survey",
    "Term",
    "Text",
    "Unit",
    "UsageError",
    "attention_maps",
    "check_picture",
    "clusters",
    "compare",
    "counterparts",
    "examples",
    "find",
    "head_contributions",
    "image_direction",
    "like",
    "load_model",
    "open_image_set",
    "open_model",
    "open_survey",
    "parse_target",
    "rank_of_picture",
    "read_recipe",
    "render_difference",
    "save_animation",
    "save_picture",
    "similar",
    "survey",
    "text_directions",
    "unit_answers",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'clipdesk' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
