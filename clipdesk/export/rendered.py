"""The rendered pictures of a layer's units, found in a folder of results."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from clipdesk.errors import UsageError
from clipdesk.export.folder import from_pictures
from clipdesk.export.png import SavedPicture
from clipdesk.export.recipe import Recipe
from clipdesk.render.targets import Unit

_SIDE = 320


@dataclass(frozen=True, eq=False)
class Rendered:
    """A rendered picture of a unit.

    Attributes:
        path: Its file.
        image: It, of at most 320 px.
        recipe: How it was made.
    """

    path: Path
    image: Image.Image
    recipe: Recipe


def rendered_units(
    folder: Path,
    weights: str,
    layer: str,
    units: Collection[int] | None = None,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> dict[int, Rendered]:
    """The newest picture of each unit that shows something of it; none if the folder has none or is not there.

    Args:
        folder: Where pictures are.
        weights: SHA-256 of the weights that they were rendered on.
        layer: Dotted name of the layer.
        units: Which units; all by default.
        progress: Told how many files have been read, and of how many.
    """

    def take(path: Path, picture: SavedPicture) -> tuple[int, Rendered] | None:
        target, recipe = picture.recipe.target, picture.recipe
        if type(target) is not Unit or target.layer != layer or (units is not None and target.index not in units):
            return None
        if recipe.weights != weights or not recipe.outcome.useful:
            return None
        small = picture.image.convert("RGB")
        small.thumbnail((_SIDE, _SIDE))
        return target.index, Rendered(path, small, recipe)

    try:
        found = from_pictures(folder, take, progress)
    except UsageError:
        return {}
    return dict(sorted(filter(None, found), key=lambda each: each[1].recipe.date))
