"""Targets as people type them, in the window and after an option: a plain text, or an expression with short names."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from clipdesk.errors import NotInModelError, UsageError, one_line
from clipdesk.models.learnt import caution
from clipdesk.network.layer_names import full_layer, short_label, short_layer, suggestion
from clipdesk.network.rectifiers import layer_before, rectifier_of
from clipdesk.render.expressions import begins_as_expression, is_expression, parse_target, text_target
from clipdesk.render.readable import Decoder, Direction, ImageTarget, Others
from clipdesk.render.targets import Combined, Readable, Target, Term, Text, Unit, terms_of

if TYPE_CHECKING:
    from clipdesk.models.names import ModelName
    from clipdesk.network.layers import LayerInfo

_LONGEST_SHOWN = 60
_OF_LAYERS = (Unit, Others, Decoder, Direction)
_ONLY_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def read_typed(text: str, layers: Collection[str] = ()) -> Target:
    """The target that a typed line asks for.

    Whatever looks like an expression is read as one; quotes force a text.

    Args:
        text: The line.
        layers: Names of the model's layers, by which short names are completed.

    Raises:
        UsageError: the line looks like an expression and cannot be read as one, or it is empty or too long.
    """
    text = text.strip()
    if "." in text and full_layer(text, layers) in layers:
        raise UsageError(f"{text} is a layer. Name one of its units: {text}:0")
    if not is_expression(text):
        return text_target(text)
    try:
        target = in_full(parse_target(text), layers)
    except UsageError as error:
        if begins_as_expression(text):
            raise
        raise UsageError(f"{error}. {_quotes_force(text)}") from None
    unknown = next((each for each in _layers_of(target) if each not in layers), None) if layers else None
    if unknown is not None and not begins_as_expression(text):
        raise NotInModelError(
            f"There is no layer '{unknown}'. {suggestion(unknown, list(layers))} {_quotes_force(text)}"
        )
    return target


def read_text(text: str) -> Text:
    """The text that was typed where only a text is asked for; quotes around it are taken off.

    Raises:
        UsageError: it looks like a unit or a sum, or it is empty or too long.
    """
    if _ONLY_QUOTED.fullmatch(text.strip()):
        return text_target(text.strip()[1:-1])
    if is_expression(text):
        shown = one_line(text, _LONGEST_SHOWN)
        raise UsageError(f"{shown} looks like a unit or a sum. Write it after --target. {_quotes_force(text)}")
    return text_target(text)


def in_full(target: Target, layers: Collection[str]) -> Target:
    """A target with the full names of its layers; names that the model does not have stay as they are."""
    if isinstance(target, Combined):
        return target.model_copy(update={"terms": tuple(_term_in_full(term, layers) for term in target.terms)})
    return target.model_copy(update={"layer": full_layer(target.layer, layers)}) if isinstance(target, Unit) else target


def in_words(target: Target) -> str:
    """What a target is, in words: ``unit 12 of visual.layer3``, ``the text 'a star' minus the text 'a circle'``."""
    terms = terms_of(target)
    first = terms[0]
    if len(terms) == 1 and first.weight < 0:
        return f"{_sized(first)}, negative"
    parts = [_sized(first) if first.weight > 0 else f"minus {_sized(first)}"]
    parts.extend(f"{'minus' if term.weight < 0 else 'plus'} {_sized(term)}" for term in terms[1:])
    return " ".join(parts)


class Advice(NamedTuple):
    """What to know of a target before it is rendered.

    Attributes:
        text: For the user.
        instead: The target that is advised in its place; None if there is none.
    """

    text: str
    instead: Target | None = None


def advice_on(target: Target, layers: Mapping[str, LayerInfo], model: ModelName | None = None) -> Advice | None:
    """What to know of a target before it is rendered, if there is anything.

    An embedded model has not learnt all words of a text. A negative target behind a rectifier cannot go far below 0,
    and the layer before it is offered.

    Args:
        target: The target.
        layers: The model's layers by their names.
        model: The model; None if it has no name.
    """
    terms = terms_of(target)
    said = caution(" ".join(term.what.text for term in terms if isinstance(term.what, Text)), model)
    return Advice(said) if said else _advice_on_rectified(terms, layers)


def _advice_on_rectified(terms: Sequence[Term], layers: Mapping[str, LayerInfo]) -> Advice | None:
    if any(term.weight > 0 for term in terms):
        return None
    units = [term.what for term in terms if isinstance(term.what, Unit)]
    # Of latents the pre-activation is rendered, which has no bound.
    found = [each for each in units if rectifier_of(each.layer, layers) and layers[each.layer].unit_kind != "latent"]
    if not found:
        return None
    first = found[0]
    reason = f"{rectifier_of(first.layer, layers)} keeps unit {first.index} of {short_layer(first.layer)} from going"
    before = {unit.layer: layer_before(unit.layer, layers) for unit in found}
    if None in before.values():
        return Advice(f"{reason} far below 0, so little can be shown")
    renamed = {old: new for old, new in before.items() if new is not None}
    instead = Combined(terms=tuple(_moved(term, renamed) for term in terms))
    return Advice(f"{reason} far below 0. The layer before can: {short_label(instead.label)}", instead)


def _moved(term: Term, renamed: Mapping[str, str]) -> Term:
    if not isinstance(term.what, Unit):
        return term
    layer = renamed.get(term.what.layer, term.what.layer)
    return term.model_copy(update={"what": term.what.model_copy(update={"layer": layer})})


def _quotes_force(text: str) -> str:
    mark = "'" if '"' in text else '"'
    return f"If it is a text, put it in quotes: {mark}{one_line(text.strip(), _LONGEST_SHOWN)}{mark}"


def _layers_of(target: Target) -> list[str]:
    return [each.what.layer for each in terms_of(target) if isinstance(each.what, _OF_LAYERS)]


def _term_in_full(term: Term, layers: Collection[str]) -> Term:
    if not isinstance(term.what, _OF_LAYERS):
        return term
    what = term.what.model_copy(update={"layer": full_layer(term.what.layer, layers)})
    return term.model_copy(update={"what": what})


def _sized(term: Term) -> str:
    """A term without its sign."""
    size = abs(term.weight)
    return f"{'' if size == 1 else f'{size:g} times '}{_read(term.what)}{_position(term)}"


def _read(what: Readable) -> str:
    if isinstance(what, Unit):
        return f"unit {what.index} of {what.layer}"
    if isinstance(what, Others):
        return f"the units of {what.layer} other than {what.index}"
    if isinstance(what, Decoder):
        return f"what latent {what.index} of {what.layer} writes"
    if isinstance(what, Direction):
        return f"the direction {one_line(what.name)} of {what.layer}"
    if isinstance(what, ImageTarget):
        return f"the image {one_line(what.label.removeprefix('image:')[1:-1])}"
    return f"the text '{one_line(what.text)}'"


def _position(term: Term) -> str:
    if term.at == "patches":
        return ""
    return {"max": " at its largest patch", "class": " at the class token"}.get(str(term.at), f" at position {term.at}")
