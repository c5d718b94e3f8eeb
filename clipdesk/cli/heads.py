"""What attention heads write, in words. Takes torch along."""

from __future__ import annotations

from clipdesk.activations.contributions import head_contributions, sampled_pictures
from clipdesk.activations.directions import vocabulary_of
from clipdesk.activations.questions.heads import text_span
from clipdesk.activations.storing import read_thumbnail
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
        pictures = sampled_pictures(asked.survey, lambda place: read_thumbnail(asked.folder, place), progress)
        written = head_contributions(asked.opened, layer, head, pictures, progress)
    found = text_span(written, vocabulary, count=count)
    rows: list[dict[str, object]] = [
        {"word": each.concept, "explained": float(f"{each.explained:.6g}")} for each in found
    ]
    if as_json:
        say_json({"layer": layer, "head": head, "reading": "span", "pictures": len(pictures), "words": rows})
        return
    title = f"What {short_layer(layer)}:{head} writes, from {len(pictures):,} sampled pictures"
    show(rows, key=("word", "explained"), title=title, as_json=False)
