"""The animation at the top of the README: ``python -m tests.e2e.forming docs/images/forming.webp``.

What it shows was chosen by looking at many pictures. Look at it at full size before it is committed.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from clipdesk import parse_target, save_animation
from clipdesk.jobs.events import Failure, Result
from clipdesk.jobs.frames import FrameRecorder
from clipdesk.jobs.job import Job
from clipdesk.jobs.runner import run_job, usual_group
from clipdesk.models.names import parse_name
from clipdesk.network.pool import default_pool
from clipdesk.render.presets import make_settings

Frames = list[NDArray[np.uint8]]

SHOWN = {
    '"a yellow star"': "demo",
    '"a red heart"': "demo",
    '"a green tree"': "demo",
    "visual.transformer.resblocks.5.mlp.gelu:556": "demo",
    "visual.layer4.0:400": "demo-rn",
    "visual.layer4.0:449": "demo-rn",
}
"""Targets, each with its model, from left to right."""
_SIDE, _GAP, _TEXT, _SIZE = 160, 8, 40, 13
_LONGEST = 24
"""Letters in a line of a label."""


def main() -> None:
    """Render them and write the animation to the file that is named on the command line."""
    formed: dict[str, Frames] = {}
    for model in dict.fromkeys(SHOWN.values()):
        formed |= _form(model, [target for target, its in SHOWN.items() if its == model])
    save_animation(list(_side_by_side([formed[target] for target in SHOWN])), sys.argv[1])
    print(f"{sys.argv[1]}  {Path(sys.argv[1]).stat().st_size / 1e6:.2f} MB")


def _form(name: str, targets: list[str]) -> dict[str, Frames]:
    """Frames of the forming pictures of all targets, in the preset `standard`."""
    opened = default_pool().open(parse_name(name))
    job = Job(model=opened.name, targets=tuple(parse_target(target) for target in targets), settings=make_settings())
    recorder = FrameRecorder(job.settings.iterations)
    formed: dict[str, Frames] = {}
    group_size = min(usual_group(opened, job), recorder.most(job, opened))
    for event in run_job(opened, job, group_size=group_size, wanted=recorder.wanted):
        if isinstance(event, Failure):
            sys.exit(event.reason)
        recorder.add(event)
        if isinstance(event, Result):
            formed[targets[job.targets.index(event.target)]] = recorder.take(event)
    return formed


def _side_by_side(formed: list[Frames]) -> Iterator[NDArray[np.uint8]]:
    font = ImageFont.load_default(_SIZE)
    for pictures in zip(*formed, strict=True):
        canvas = Image.new("RGB", (len(pictures) * (_SIDE + _GAP) - _GAP, _SIDE + _TEXT), "white")
        pen = ImageDraw.Draw(canvas)
        for i, (picture, target) in enumerate(zip(pictures, SHOWN, strict=True)):
            left = i * (_SIDE + _GAP)
            canvas.paste(Image.fromarray(picture).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS), (left, 0))
            name = f"neuron {target.split(':')[1]} of {SHOWN[target]}" if ":" in target else target
            label = textwrap.fill(name, _LONGEST)
            pen.text((left + _SIDE / 2, _SIDE + _TEXT / 2), label, "black", font, anchor="mm", align="center")
        yield np.asarray(canvas)


if __name__ == "__main__":
    main()
