"""What attention heads and latents write, in words. Takes torch along."""

from __future__ import annotations

from clipdesk.activations.contributions import written_by
from clipdesk.activations.directions import vocabulary_of
from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.activations.writing import words_of_decoder
from clipdesk.cli.asked import Asked
from clipdesk.cli.bars import counting
from clipdesk.cli.opening import open_with_bar
from clipdesk.cli.output import say_json
from clipdesk.cli.terminal import show
from clipdesk.models.names import ModelName
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


def words_of_latent(model: ModelName, unit: tuple[str, int], concepts: str | None, count: int, as_json: bool) -> None:
    """Print the words whose embeddings point where a latent of the image embedding writes.

    Args:
        model: The model with its sparse autoencoder.
        unit: The layer of latents and the index of the latent.
        concepts: The list of words.
        count: Number of words, at most.
        as_json: Whether to print JSON.

    Raises:
        UsageError: there is no such latent, or it does not write into the image embedding.
    """
    opened = open_with_bar(model, "cpu")
    layer, index = opened.inspector.check_unit(*unit).name, unit[1]

    def vocabulary() -> Vocabulary:
        with counting("Texts") as progress:
            return vocabulary_of(opened, concepts, progress=progress)

    found = words_of_decoder(opened, layer, index, vocabulary, count=count)
    rows: list[dict[str, object]] = [{"word": word, "cosine": float(f"{cosine:.6g}")} for word, cosine in found]
    if as_json:
        say_json({"layer": layer, "latent": index, "reading": "decoder", "words": rows})
        return
    show(rows, key=("word", "cosine"), title=f"What {short_layer(layer)}:{index} writes", as_json=False)
