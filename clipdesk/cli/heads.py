"""What attention heads write, in words. Takes torch along."""

from __future__ import annotations

from clipdesk.activations.attention import attention_maps, is_of_heads
from clipdesk.activations.contributions import head_contributions, sampled_pictures
from clipdesk.activations.directions import vocabulary_of
from clipdesk.activations.questions.heads import COUNT, SpanWord, text_span
from clipdesk.activations.questions.unit import UnitAnswers
from clipdesk.activations.showing import ShownPictures
from clipdesk.activations.storing import read_thumbnail
from clipdesk.cli.asked import Asked
from clipdesk.cli.bars import counting
from clipdesk.cli.output import say, say_json
from clipdesk.cli.terminal import show
from clipdesk.errors import UsageError
from clipdesk.export.previews import Previews
from clipdesk.export.unit_page import HeadAnswers
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
    found, pictures = written_by(asked, layer, head, concepts, count)
    rows: list[dict[str, object]] = [
        {"word": each.concept, "explained": float(f"{each.explained:.6g}")} for each in found
    ]
    if as_json:
        say_json({"layer": layer, "head": head, "reading": "span", "pictures": pictures, "words": rows})
        return
    title = f"What {short_layer(layer)}:{head} writes, from {pictures:,} sampled pictures"
    show(rows, key=("word", "explained"), title=title, as_json=False)


def written_by(
    asked: Asked, layer: str, head: int, concepts: str | None, count: int
) -> tuple[tuple[SpanWord, ...], int]:
    """The concepts that span what a head writes, and the number of pictures that they rest on."""
    with counting("Texts") as progress:
        vocabulary = vocabulary_of(asked.opened, concepts, progress=progress)
    with counting("Pictures") as progress:
        pictures = sampled_pictures(asked.survey, lambda place: read_thumbnail(asked.folder, place), progress)
        written = head_contributions(asked.opened, layer, head, pictures, progress)
    return text_span(written, vocabulary, count=count), len(pictures)


def head_answers(asked: Asked, found: UnitAnswers, concepts: str | None, previews: Previews) -> HeadAnswers | None:
    """What else a page says of an attention head: what it looks at and what it writes; None for other units."""
    if not is_of_heads(asked.opened.inspector.visualizable(found.layer)):
        return None
    try:
        words, _ = written_by(asked, found.layer, found.unit, concepts, COUNT)
    except UsageError as error:
        # Not known of all towers, and not without thumbnails.
        say(f"Note: {error}", err=True)
        words = ()
    shown = ShownPictures(asked.folder, asked.survey, asked.opened.side) if previews.allowed else None
    top = [] if shown is None else [shown.read(each.picture) for each in found.examples.top]
    pictures = [each for each in top if each is not None]
    try:
        maps = attention_maps(asked.opened, found.layer, found.unit, pictures)
    except UsageError as error:
        say(f"Note: {error}", err=True)
        return HeadAnswers(words)
    return HeadAnswers(words, tuple(maps.over(number, each) for number, each in enumerate(pictures)))
