"""A unit's page: one HTML file with all that a survey says of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image

from clipdesk.activations.checking.check import Check
from clipdesk.activations.questions.against import Against
from clipdesk.activations.questions.examples import Example, top_of
from clipdesk.activations.questions.find import Found
from clipdesk.activations.questions.heads import SpanWord
from clipdesk.activations.questions.ranking import Rank
from clipdesk.activations.questions.unit import QUANTILES, UnitAnswers
from clipdesk.activations.questions.words import Label
from clipdesk.activations.survey import Survey
from clipdesk.errors import one_line
from clipdesk.export.command import render_command
from clipdesk.export.histogram import Mark, histogram
from clipdesk.export.page_parts import answers_page, escaped, picture, section, table, webp
from clipdesk.export.previews import Previews
from clipdesk.export.rendered import Rendered
from clipdesk.links import Link
from clipdesk.network.layer_names import short_layer

_SIDE, _QUALITY = 112, 84
_RENDERED_SIDE = 320
_LONGEST_LABEL = 60
_LOOKS = (
    "Its top pictures, in colour where the attention of the class token goes, or of all tokens where there is none."
)
_WRITES = "The texts that span what the head adds to the embedding, each with the share of the variance along it."


@dataclass(frozen=True, eq=False)
class Origin:
    """Where a page's answers are from.

    Attributes:
        model: What the model is asked for by.
        name: The survey's name.
        survey: The survey.
        previews: Its pictures.
    """

    model: str
    name: str
    survey: Survey
    previews: Previews

    def link(self, layer: str, unit: int | None = None) -> str:
        """The link to a unit or a layer, as the value of an attribute."""
        return escaped(Link(self.model, layer, unit), 10_000)

    @property
    def about(self) -> str:
        """The model, the pictures and the survey in a line of HTML."""
        pictures = f"{len(self.survey.pictures):,} pictures"
        return f"{escaped(self.model)} · {pictures} · survey {escaped(self.name)}"


@dataclass(frozen=True, eq=False)
class RankedPicture:
    """A unit's rendered picture, where its activation is among those of the survey's pictures, and its check."""

    rendered: Rendered
    rank: Rank
    check: Check | None = None


@dataclass(frozen=True, eq=False)
class HeadAnswers:
    """What else there is to say of an attention head.

    Attributes:
        words: What it writes into the embedding.
        looks: Its attention over the unit's top pictures, in their order; fewer where pictures may not be shown.
    """

    words: tuple[SpanWord, ...]
    looks: tuple[Image.Image, ...] = ()


def unit_page(
    origin: Origin,
    answers: UnitAnswers,
    rendered: RankedPicture | None = None,
    head: HeadAnswers | None = None,
) -> bytes:
    """A unit's page as HTML.

    Args:
        origin: Where the answers are from.
        answers: What the survey says.
        rendered: The unit's rendered picture, if there is one.
        head: What else there is to say of an attention head.
    """
    tiles = _Tiles(origin)
    parts = [
        _first(answers, rendered, tiles),
        _histogram(answers, rendered),
        _words(answers, tiles),
        _head(head),
        _numbers(answers),
        _range(answers, tiles),
        _kinds(answers, tiles),
        _similar(answers, origin),
    ]
    title = f"{short_layer(answers.layer)}:{answers.unit}"
    return answers_page(title, _header(origin, answers), "\n".join(filter(None, parts)))


def number(value: float) -> str:
    """A number for people; a dash where it is not defined."""
    return f"{value:.3g}" if math.isfinite(value) else "-"


def in_words(labels: Sequence[Label]) -> str:
    """The words of a unit with their scores, as HTML; weak ones are marked."""
    return ", ".join(
        f'<span class="soft">{escaped(each.concept)} (weak)</span>'
        if each.weak
        else f'{escaped(each.concept)} <span class="soft">{number(each.pearson)}</span>'
        for each in labels
    )


class _Tiles:
    """Pictures of the survey with the unit's activation in them."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin

    def of(self, examples: Iterable[Example]) -> str:
        items = "".join(f"<li>{self._tile(each)}</li>" for each in examples)
        return f'<ul class="tiles">{items}</ul>' if items else ""

    def _tile(self, example: Example) -> str:
        # A photo's name says as much as the photo, so without photos there is its class only.
        known = self._origin.survey.pictures[example.picture]
        shown = self._origin.previews.allowed
        label = one_line(known.label or (known.place[-_LONGEST_LABEL:] if shown else ""), _LONGEST_LABEL)
        image = picture(self._origin.previews.read(example.picture, _SIDE), label)
        alike = f" +{len(example.alike)} alike" if example.alike else ""
        return f"{image}{number(example.value + 0.0)}{alike}{f'<span>{escaped(label)}</span>' if label else ''}"


def _header(origin: Origin, answers: UnitAnswers) -> str:
    command = escaped(render_command(origin.model, answers.layer, answers.unit), 10_000)
    unseen = "" if origin.previews.allowed else "<p>The photos are not in this page.</p>"
    return (
        f"<p>{origin.about} · {answers.pooling} · {escaped(answers.layer)}</p>{unseen}"
        f'<p class="links"><a href="{origin.link(answers.layer, answers.unit)}">Open in ClipDesk</a>'
        f"<code>{command}</code></p>"
    )


def _first(answers: UnitAnswers, rendered: RankedPicture | None, tiles: _Tiles) -> str:
    shown = ""
    if rendered is not None:
        image = picture(webp(rendered.rendered.image, _RENDERED_SIDE, _QUALITY), "The rendered picture")
        activation = f"<b>{number(rendered.rank.value)}: {escaped(rendered.rank.in_words)}</b>"
        said = "the activation of the picture itself, without the transforms of the render"
        checked = "" if rendered.check is None else _verdict(rendered.check)
        shown = f'<figure class="rendered">{image}<figcaption>{activation}{said}{checked}</figcaption></figure>'
    words = "".join(
        f'<li class="{"weak" if each.weak else ""}">{escaped(each.concept)} '
        f'<span class="soft">{"weak" if each.weak else number(each.pearson)}</span></li>'
        for each in answers.labels
    )
    listed = f'<ul class="words">{words}</ul>' if words else ""
    top = answers.examples.top
    best = section("Top pictures", tiles.of(top), note="" if top else "No picture excites it.")
    return f'<div class="first">{shown}<div>{listed}{best}</div></div>'


def _verdict(check: Check) -> str:
    read = "" if check.seen is None else f" {escaped(check.seen.reader)} has read it, too."
    return f"<b>{escaped(check.beside_rank, 2_000)}.</b>{read}"


def _histogram(answers: UnitAnswers, rendered: RankedPicture | None) -> str:
    marks: list[Mark] = [] if rendered is None else [("rendered", rendered.rank.value)]
    note = f"Activations in {answers.count:,} pictures; the height of a bar is the root of their number."
    return section("Histogram", f'<div class="wide">{histogram(answers.histogram, marks)}</div>', note=note)


def _words(answers: UnitAnswers, tiles: _Tiles) -> str:
    if answers.words is None or not answers.labels:
        return ""
    rows = [
        (escaped(each.concept), number(each.weight), number(each.pearson), number(each.auprc), "weak" * each.weak)
        for each in answers.labels
    ]
    body = table(("word", "weight", "Pearson", "AUPRC", ""), rows)
    note = f"Read by {escaped(answers.words.reader)}, scored on {answers.words.held:,} pictures that were held out."
    return section("Words", f'<div class="wide">{body}</div>{_against(answers.against, tiles)}', note=note)


def _head(head: HeadAnswers | None) -> str:
    if head is None:
        return ""
    looks = "".join(f"<li>{picture(webp(each, _SIDE, _QUALITY), 'attention')}</li>" for each in head.looks)
    seen = section("What it looks at", f'<ul class="tiles">{looks}</ul>', note=_LOOKS) if looks else ""
    rows = [(escaped(each.concept), f"{each.explained:.1%}") for each in head.words]
    return seen + (section("What it writes", table(("word", "explained"), rows), note=_WRITES) if rows else "")


def _against(found: Against | None, tiles: _Tiles) -> str:
    if found is None:
        return ""
    word, said = escaped(found.concept), []
    if found.without:
        share = f"{found.without_share:.0%} of the top pictures show “{word}” less than pictures do on average."
        said.append(f"<h3>{share}</h3>{tiles.of(found.without)}")
    if found.silent:
        share = f"{found.silent_share:.0%} of the pictures that show “{word}” most hardly excite the unit."
        said.append(f"<h3>{share}</h3>{tiles.of(found.silent)}")
    if found.opposite:
        shunned = ", ".join(f"{escaped(concept)} {number(value)}" for concept, value in found.opposite)
        said.append(f"<h3>It is least active for: {shunned}</h3>")
    return "".join(said)


def _numbers(answers: UnitAnswers) -> str:
    numbers = answers.numbers
    names = ("density", "selectivity", "clarity", "monosemanticity", "kurtosis", "maximum", "redundancy")
    facts = [(name, getattr(numbers, name)) for name in names]
    facts += [("mean", numbers.mean), ("standard deviation", numbers.deviation)]
    facts += [("smallest", numbers.least), ("largest", numbers.most)]
    facts += [(f"{share:.1%} below", value) for share, value in zip(QUANTILES, numbers.quantiles, strict=True)]
    facts += [("polysemanticity", answers.clusters.polysemanticity)]
    listed = "".join(f"<div><dt>{name}</dt><dd>{number(value)}</dd></div>" for name, value in facts)
    note = "The unit is dead." if numbers.dead else "The unit is dense." if numbers.dense else ""
    return section("Numbers", f'<dl class="facts">{listed}</dl>', note=note)


def _range(answers: UnitAnswers, tiles: _Tiles) -> str:
    rows = [
        f"<h3>{number(each.low)} to {number(each.high)}, {each.share:.1%} of the sampled pictures</h3>"
        f"{tiles.of(each.examples)}"
        for each in reversed(answers.examples.bins)
    ]
    rows.append(f"<h3>bottom</h3>{tiles.of(answers.examples.bottom)}")
    return section("From top to bottom", "".join(rows))


def _kinds(answers: UnitAnswers, tiles: _Tiles) -> str:
    groups = answers.clusters.groups
    if len(groups) < 2:
        return ""
    values = {each.picture: each for each in top_of(answers.statistics)}
    rows = "".join(
        f"<h3>{len(group)} pictures</h3>{tiles.of(values[index] for index in group[:6])}" for group in groups
    )
    return section(f"Its top pictures are of {len(groups)} kinds", rows)


def _similar(answers: UnitAnswers, origin: Origin) -> str:
    def listed(found: Sequence[Found]) -> str:
        rows = [
            (
                f'<a href="{origin.link(each.layer, each.unit)}">{escaped(short_layer(each.layer))}:{each.unit}</a>',
                number(each.correlation),
            )
            for each in found
        ]
        return table(("unit", "correlation"), rows)

    within, across = answers.similar.within, answers.similar.across
    body = f"<h3>in its layer</h3>{listed(within)}" if within else ""
    body += f"<h3>in other layers</h3>{listed(across)}" if across else ""
    return section("Similar units", body, note="Links open ClipDesk.") if body else ""
