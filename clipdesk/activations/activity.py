"""Whether latents are active in pictures: what ReLU, top-k or a threshold leave of them."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image

from clipdesk.activations.active import Activity
from clipdesk.activations.heatmaps import read_layers
from clipdesk.network.latents.source import LatentsOf, chosen
from clipdesk.network.layers import LayerInfo
from clipdesk.network.opened import OpenModel
from clipdesk.network.sparse import Sparse
from clipdesk.render.readable import Decoder
from clipdesk.render.targets import Target, Unit, terms_of


def activities_of(
    opened: OpenModel, targets: Sequence[Target], pictures: Sequence[Image.Image]
) -> list[dict[str, Activity]]:
    """What is left of the latents that targets name, each in its own picture as its file has it.

    Args:
        opened: The model.
        targets: What each picture shows.
        pictures: The pictures.

    Returns:
        For each picture by the latent's label; empty where the target names none.

    Raises:
        RenderError: the device has too little memory.
    """
    found: list[dict[str, Activity]] = [{} for _ in targets]
    wanted: dict[LayerInfo, list[tuple[int, int]]] = {}
    for row, target in enumerate(targets):
        for unit in (term.what for term in terms_of(target) if isinstance(term.what, Unit | Decoder)):
            info = opened.inspector.layers.get(unit.layer)
            if info is not None and isinstance(info.source, LatentsOf):
                wanted.setdefault(info, []).append((row, unit.index))
    for info, members in wanted.items():
        rows = sorted({row for row, _ in members})
        values = _latents_in(opened, info, [pictures[row] for row in rows])
        for row, index in members:
            found[row][f"{info.name}:{index}"] = _activity(values[rows.index(row)], index, info)
    return found


def _latents_in(opened: OpenModel, info: LayerInfo, pictures: Sequence[Image.Image]) -> list[Sparse]:
    """The latents of each picture that are not zero."""
    source = info.source
    found: list[Sparse] = []
    if isinstance(source, LatentsOf):
        for outputs in read_layers(opened, [source.base], pictures):
            values = chosen(outputs[source.base.name].float(), source.base, source.tokens)
            found += [source.latents.sparse(each[None]) for each in values]
    return found


def _activity(latents: Sparse, unit: int, info: LayerInfo) -> Activity:
    values = latents.values[(latents.places % latents.shape[2] == unit) & (latents.values != 0)]
    largest = float(values.max()) if len(values) else 0.0
    activation = info.source.latents.activation.name if isinstance(info.source, LatentsOf) else ""
    return Activity(value=round(largest, 6), places=len(values), positions=latents.shape[1], activation=activation)
