"""What each thing that only terms read says of itself."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from clipdesk.render.readable import Decoder, Direction, ImageTarget, Others, ReadableBase


@pytest.mark.parametrize(
    ("readable", "label", "reads", "files"),
    [
        (ImageTarget(path="/photos/cat.png"), "image:[cat.png]", ("visual",), ("/photos/cat.png",)),
        (Others(layer="visual.conv1", index=3), "others(visual.conv1:3)", ("visual.conv1",), ()),
        (Decoder(layer="visual.latents", index=3), "decoder(visual.latents:3)", ("visual.latents",), ()),
        (
            Direction(layer="visual.conv1", vector=(1.0, 0.5), name="v.npy"),
            "visual.conv1:[v.npy]",
            ("visual.conv1",),
            (),
        ),
    ],
)
def test_each_says_what_it_is_and_what_it_needs(
    readable: ReadableBase, label: str, reads: tuple[str, ...], files: tuple[str, ...]
) -> None:
    assert (readable.label, readable.reads, readable.files) == (label, reads, files)


@pytest.mark.parametrize("vector", [(), (0.0, 0.0), (1.0, float("inf")), (float("nan"),), (1e39,)])
def test_a_direction_points_somewhere(vector: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        Direction(layer="visual", vector=vector, name="v")


def test_a_direction_has_the_digits_of_float32() -> None:
    assert Direction(layer="visual", vector=(0.1, 1 / 3), name="v").vector == (0.100000001, 0.333333343)
