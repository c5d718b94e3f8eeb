"""What attention heads write, in words. Takes torch along."""

from __future__ import annotations

from clipdesk.activations.contributions import written_by
from clipdesk.activations.directions import vocabulary_of
from clipdesk.cli.asked import Asked
from clipdesk.cli.bars import counting
from clipdesk.cli.output import say_json
from clipdesk.cli.terminal import show
from clipdesk.network.layer_names import short_layer


def words_of_head(asked: Asked, layer: str, head: int, concepts: str | None, count: int, as_json: bool) -> None:
    """Print the concepts that span what a head writes into the embedding.

    Args:
        asked: The survey.
        layer: Dotted name of a layer of heads.
        head: Index of the head.
        concepts: The list of words.
        count: Number of words, at most.
        as_json: Whether to print JSON.
    """
    with counting("Texts") as progress:
        vocabulary = vocabulary_of(asked.opened, concepts, progress=progress)
    with counting("Pictures") as progress:
        found, pictures = written_by(
            asked.opened, asked.folder, asked.survey, layer, head, vocabulary, count=count, progress=progress
        )
    rows: list[dict[str, object]] = [
        {"word": each.concept, "explained": float(f"{each.explained:.6g}")} for each in found
    ]
    if as_json:
        say_json({"layer": layer, "head": head, "reading": "span", "pictures": pictures, "words": rows})
        return
    title = f"What {short_layer(layer)}:{head} writes, from {pictures:,} sampled pictures"
    show(rows, key=("word", "explained"), title=title, as_json=False)
