"""What is maximised, as a function of the captured layers: one number for each picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from typing_extensions import Self

from clipdesk.errors import UsageError
from clipdesk.network.inspector import LayerInspector
from clipdesk.network.latents.source import turned
from clipdesk.network.layers import LayerInfo
from clipdesk.render.readable import Decoder
from clipdesk.render.readers import OWN_TEXTS, READERS, Score
from clipdesk.render.sources import Sources
from clipdesk.render.targets import Position, Target, Term, Unit, check_length, terms_of


class ResolvedTerm(NamedTuple):
    """A term that has been checked against a model, and the layer that it reads there."""

    term: Term
    info: LayerInfo


@dataclass(frozen=True)
class ResolvedTarget:
    """A target that has been checked against a model: all its layers, units, positions, texts and files are there."""

    target: Target
    terms: tuple[ResolvedTerm, ...]


def resolve(
    targets: Sequence[Target], inspector: LayerInspector, sources: Sources
) -> tuple[list[ResolvedTarget], list[tuple[Target, UsageError]]]:
    """Check targets against a model; each distinct term is checked once, and each file read once.

    Args:
        targets: What is asked for.
        inspector: The model's inspector.
        sources: Reads the files that targets name, and keeps them for `render`.

    Returns:
        The targets that can be rendered, and those that cannot with the error; both in the order of `targets`.
    """
    checked: dict[Term, LayerInfo | UsageError] = {}
    sound: list[ResolvedTarget] = []
    failed: list[tuple[Target, UsageError]] = []
    for target in targets:
        try:
            check_length(target)
        except UsageError as error:
            failed.append((target, error))
            continue
        terms: list[ResolvedTerm] = []
        for term in terms_of(target):
            if term not in checked:
                checked[term] = _checked(term, inspector, sources)
            found = checked[term]
            if isinstance(found, UsageError):
                failed.append((target, found))
                break
            terms.append(ResolvedTerm(term, found))
        else:
            sound.append(ResolvedTarget(target, tuple(terms)))
    return sound, failed


def resolved(
    targets: Sequence[Target | ResolvedTarget], inspector: LayerInspector, sources: Sources
) -> list[ResolvedTarget]:
    """Targets of which some may have been resolved before, all resolved.

    Raises:
        UsageError: a target cannot be rendered.
    """
    new = list(dict.fromkeys(target for target in targets if not isinstance(target, ResolvedTarget)))
    sound, failed = resolve(new, inspector, sources)
    if failed:
        raise failed[0][1]
    of = {each.target: each for each in sound}
    return [target if isinstance(target, ResolvedTarget) else of[target] for target in targets]


def check_target(target: Target, inspector: LayerInspector) -> None:
    """Check that a target can be rendered.

    Raises:
        UsageError: the model has no such layer, unit or position, a direction has another length than the layer, a text
            is too long, or an image cannot be read.
    """
    resolved([target], inspector, Sources())


def check_layer(term: Term, layers: Mapping[str, LayerInfo]) -> LayerInfo:
    """The layer that a term reads, for callers that have the table of layers but not the network.

    Args:
        term: What is read, and at which position; texts and images are not looked at.
        layers: The model's layers, by name.

    Raises:
        UsageError: the model has no such layer, unit or position, or a direction has another length than the layer.
    """
    return READERS[type(term.what)].check(term.what, term.at, layers)


def _checked(term: Term, inspector: LayerInspector, sources: Sources) -> LayerInfo | UsageError:
    """The layer that a term reads, or why it cannot be read."""
    try:
        READERS[type(term.what)].check_contents(term.what, inspector, sources)
        return check_layer(term, inspector.layers)
    except UsageError as error:
        return error


_OF_ONE = (Unit, Decoder)
"""Terms that read one unit of their layer."""
_Groups = dict[tuple[type, LayerInfo, Position], list[tuple[int, Term]]]
"""Terms that are read alike, each with the row of its picture, by kind, layer and position."""


def _narrowed(groups: _Groups, turning: bool) -> _Groups:
    """The same terms, each read in no more of its layer's units than are asked for, where that is less work.

    Args:
        groups: The terms.
        turning: As for `Objective`.
    """
    asked: dict[LayerInfo, set[int]] = {}
    for (_, info, _), members in groups.items():
        asked.setdefault(info, set()).update(term.what.index for _, term in members if isinstance(term.what, _OF_ONE))
    whole = {info for kind, info, _ in groups if kind not in _OF_ONE}
    of = {info: info if info in whole else info.narrowed(units) for info, units in asked.items()}
    if turning:
        of = {info: turned(narrow) for info, narrow in of.items()}
    return {(kind, of[info], at): members for (kind, info, at), members in groups.items()}


class Objective:
    """Scores a batch of pictures, each for its own target.

    Args:
        targets: A target for each picture.
        model: A CLIP.
        sources: The files that the targets name.
        turning: Whether the gradient of latents is that which turns the activations; `RenderSettings.latent_gradient`.
        own_texts: Whether a text is what is its own, without what all texts share; `RenderSettings.text_direction`.

    Raises:
        UsageError: there is no target, or a file has changed since it was checked.
    """

    def __init__(
        self,
        targets: Sequence[ResolvedTarget],
        model: nn.Module,
        sources: Sources,
        *,
        turning: bool = True,
        own_texts: bool = False,
    ) -> None:
        if not targets:
            raise UsageError("There is nothing to render: name at least one unit or text")
        self._count = len(targets)
        self._device = next(model.parameters()).device
        # Terms that are read alike are read at once: one group for each kind, layer and position.
        groups: _Groups = {}
        for row, target in enumerate(targets):
            for term, info in target.terms:
                groups.setdefault((type(term.what), info, term.at), []).append((row, term))
        groups = _narrowed(groups, turning)
        self.layers = list(dict.fromkeys(info for _, info, _ in groups))
        """The layers that it reads."""
        self._readings: list[tuple[LayerInfo, Tensor, Tensor | None, Tensor, Score]] = []
        for (kind, info, at), members in groups.items():
            rows = torch.tensor([row for row, _ in members], device=self._device)
            weights = torch.tensor([term.weight for _, term in members], device=self._device)
            # No copy where all pictures are read.
            some = None if rows.tolist() == list(range(self._count)) else rows
            reader = OWN_TEXTS.get(kind, READERS[kind]) if own_texts else READERS[kind]
            score = reader.bind([term.what for _, term in members], info, at, model, sources)
            self._readings.append((info, rows, some, weights, score))

    @classmethod
    def of(
        cls,
        targets: Sequence[Target | ResolvedTarget],
        model: nn.Module,
        inspector: LayerInspector,
        sources: Sources | None = None,
    ) -> Self:
        """The objective of targets that may not have been resolved.

        Raises:
            UsageError: there is no target, or one cannot be rendered.
        """
        sources = sources or Sources()
        return cls(resolved(targets, inspector, sources), model, sources)

    def __call__(self, outputs: Mapping[str, Tensor]) -> Tensor:
        """From the captured outputs, (pictures, positions, units) each, the pictures' scores, (pictures,)."""
        scores = torch.zeros(self._count, device=self._device)
        for info, rows, some, weights, score in self._readings:
            output = outputs[info.name]
            scores = scores.index_add(0, rows, weights * score(output if some is None else output[some]))
        return scores
