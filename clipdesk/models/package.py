"""OpenAI's package `clip`, imported without the parts that nobody here uses, and without its warnings."""

from __future__ import annotations

import warnings

from clipdesk.models.lazily import read_when_used

# clip uses torchvision's transforms only; its models and operators take torch's compiler along, some three seconds.
with (
    read_when_used("torchvision", "datasets", "io", "models", "ops"),
    warnings.catch_warnings(),
):
    # clip-anytorch imports pkg_resources, which warns of its own end.
    warnings.simplefilter("ignore")
    import clip
    from clip.clip import _MODELS as OFFICIAL_ADDRESSES
    from clip.model import CLIP, ModifiedResNet, VisionTransformer

__all__ = ["CLIP", "OFFICIAL_ADDRESSES", "ModifiedResNet", "VisionTransformer", "clip"]
