"""Find the CLIPs in what a checkpoint holds: the mapping that has the weights, and the prefix that all names share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

from clipdesk.errors import one_line
from clipdesk.models.checks import NotAState, Unclear
from clipdesk.models.pickles import Inert
from clipdesk.models.transformers_names import VISION

_NOTES = ("input_resolution", "context_length", "vocab_size")
"""Numbers that OpenAI's archives carry beside the weights; the weights' shapes say the same."""

_SCALES = ("logit_scale", "logit_bias")
_DEPTH, _MAPPINGS = 4, 2000
_AROUND_PARTS = frozenset(
    ("_orig_mod", "_fsdp_wrapped_module", "_fpw_module", "_checkpoint_wrapped_module", "_forward_module", "module")
)
"""Parts of names that wrappers of single modules leave inside them: torch.compile, FSDP, checkpointing, DDP."""
_AVERAGED = re.compile(r"(^|[._])(ema|swa|avg|averaged?|shadow|momentum|polyak)([._\d]|$)|_m$|ema$", re.IGNORECASE)
_TEXT = ("token_embedding.weight", "positional_embedding", "text_projection", "ln_final.weight", "transformer.")
_TEXT_OTHER = ("text.", "text_model.", "text_projection.")
_BARE = (
    ("conv1.weight", ("class_embedding", "attnpool.c_proj.weight"), "visual."),
    ("embeddings.patch_embedding.weight", ("encoder.layers.0.layer_norm1.weight",), VISION),
)
"""Of a vision tower without a prefix: a weight that each has, weights of which each has one, and the usual prefix."""


class Found(NamedTuple):
    """A CLIP in a checkpoint, or a vision tower alone.

    Attributes:
        label: What `?state=` calls it; empty where the names begin with nothing and no mapping is around them.
        state: Its weights, without the prefix, in the order of the file.
        whole: Whether it has a text tower, too.
        trained: Whether it is in the form that open_clip's training writes.
        run: The run's name in that form; empty where there is none.
        noted: Whether it carries the numbers that OpenAI's archives do.
        notes: What was taken off or left out, for people.
    """

    label: str
    state: dict[str, Tensor]
    whole: bool
    trained: bool
    run: str
    noted: bool
    notes: tuple[str, ...]


def find_clip(content: object, asked: str = "") -> Found:
    """The CLIP that a checkpoint holds.

    Of raw and averaged weights the raw ones are taken, and a whole CLIP rather than a tower alone.

    Args:
        content: What was in the file: a state dict, maybe in mappings and after prefixes, as training scripts write it.
        asked: The label of the one that is wanted; empty for the only one.

    Raises:
        Unclear: there are several, or none of that label.
        NotAState: there is none.
    """
    every = _distinct(_clips(content))
    if not every:
        raise _none(content)
    if asked:
        return _asked(every, asked)
    wholes = [each for each in every if each.whole] or every
    plain = [each for each in wholes if not _AVERAGED.search(each.label)] or wholes
    # A CLIP with others beside it, as its training keeps them, is the one whose names have no prefix.
    chosen = plain if len(plain) == 1 else [each for each in plain if _is_around(each, plain)] or plain
    if len(chosen) > 1:
        raise Unclear(f"holds {len(chosen)} CLIPs. Add one of them to its name: {_offers(chosen)}")
    others = [each for each in wholes if each is not chosen[0]]
    if not others:
        return chosen[0]
    taken = chosen[0].label or "the one without a prefix"
    return chosen[0]._replace(notes=(*chosen[0].notes, f"of several weights it has {taken}; others: {_offers(others)}"))


def is_usual(content: object, found: Found) -> bool:
    """Whether a CLIP of a checkpoint is the one that `find_clip` takes where nobody asks for one."""
    try:
        return find_clip(content).label == found.label
    except Unclear:
        return False


def _is_around(one: Found, every: list[Found]) -> bool:
    return all(not one.label or each is one or each.label.startswith(f"{one.label}.") for each in every)


def _asked(every: list[Found], asked: str) -> Found:
    fits = [each for each in every if each.label == asked] or [
        each for each in every if each.label.endswith(f".{asked}") or each.label.startswith(f"{asked}.")
    ]
    if len(fits) == 1:
        return fits[0]
    raise Unclear(f"has {'several' if fits else 'no'} weights '{one_line(asked)}'. It has: {_offers(every)}")


def _offers(every: list[Found]) -> str:
    labels = [f"?state={one_line(each.label, 60)}" for each in every if each.label]
    return ", ".join(labels[:6]) + (", ..." if len(labels) > 6 else "") or "one without a name"


def _distinct(found: Iterator[Found]) -> list[Found]:
    """Each set of weights once, whole ones first: the same tensors may stand under several names."""
    kept: dict[tuple[int, ...], Found] = {}
    for each in sorted(found, key=lambda one: not one.whole):
        tower = tuple(_place(value) for name, value in each.state.items() if name.startswith(("visual.", VISION)))
        if not any(set(tower) <= set(other) for other in kept):
            kept[tower] = each
    return list(kept.values())


def _place(value: Tensor) -> int:
    """Where a tensor's numbers are, by which the same one is known under another name."""
    return value.data_ptr() if value.layout is torch.strided and value.device.type == "cpu" else id(value)


def _clips(content: object) -> Iterator[Found]:
    for keys, mapping, around in _mappings(content):
        names = [name for name, value in mapping.items() if isinstance(name, str) and isinstance(value, Tensor)]
        for prefix, add in _prefixes(names):
            yield _found(keys, mapping, around, prefix, add)


def _mappings(content: object) -> Iterator[tuple[tuple[str, ...], Mapping[object, object], Mapping[object, object]]]:
    """Mappings in the checkpoint, outer ones first, each with the keys that lead to it and the one around it."""
    outer = _as_mapping(content)
    if outer is None:
        return
    waiting: list[tuple[tuple[str, ...], Mapping[object, object], Mapping[object, object]]] = [((), outer, {})]
    for _ in range(_MAPPINGS):
        if not waiting:
            return
        keys, mapping, around = waiting.pop(0)
        yield keys, mapping, around
        if len(keys) < _DEPTH:
            for key, value in mapping.items():
                inner = _as_mapping(value)
                if isinstance(key, str) and inner is not None:
                    waiting.append(((*keys, key), inner, mapping))


def _as_mapping(value: object) -> Mapping[object, object] | None:
    """A mapping as it is; of a list, the mappings in it by their numbers, as `torch.save((weights, settings))` does."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, list | tuple):
        found: dict[object, object] = {str(at): each for at, each in enumerate(value) if isinstance(each, Mapping)}
        return found or None
    return None


def _prefixes(names: list[str]) -> list[tuple[str, str]]:
    """What stands before the names of each CLIP, and what must be put before those of a bare vision tower."""
    there = set(names)
    found: dict[str, str] = {}
    for name in names:
        for root in ("visual.", VISION):
            at = 0 if name.startswith(root) else name.find(f".{root}") + 1
            if at > 0 or name.startswith(root):
                found.setdefault(name[:at], "")
                break
    for first, others, root in _BARE:
        for name in names:
            prefix = name[: -len(first)] if name.endswith(first) else None
            known = prefix is None or f"{prefix}".endswith(root) or (prefix and not prefix.endswith("."))
            if prefix is not None and not known and any(prefix + other in there for other in others):
                found.setdefault(prefix, root)
    return list(found.items())


def _found(
    keys: tuple[str, ...], mapping: Mapping[object, object], around: Mapping[object, object], prefix: str, add: str
) -> Found:
    state: dict[str, Tensor] = {}
    notes: list[str] = []
    noted = False
    unwrapped = ""
    for name, value in mapping.items():
        own = name[len(prefix) :] if isinstance(name, str) and name.startswith(prefix) else None
        if own in _NOTES or (isinstance(name, str) and name in _NOTES):
            noted = True
        elif own in _SCALES and not isinstance(value, Tensor):
            notes.append(f"'{own}' is not a tensor and was left out")
        elif own is not None and isinstance(value, Tensor):
            bare, mark = _without_marks(own)
            if mark and prefix + bare not in mapping:
                own, unwrapped = bare, mark
            state[add + own] = value.detach()
        elif not isinstance(name, str) or (not prefix and not isinstance(value, Tensor)):
            raise NotAState(f"'{one_line(name)}' in it is no weight but of the type {type(value).__name__}")
    if unwrapped:
        notes.insert(0, f"'{unwrapped}.' was taken out of the names")
    if keys:
        notes.insert(0, f"the weights are in {one_line('.'.join(keys))}")
    if prefix:
        notes.insert(0, f"'{one_line(prefix)}' was taken off the names")
    trained = keys == ("state_dict",) and "epoch" in around
    run = around.get("name") if trained else ""
    whole = any(name.startswith((*_TEXT, *_TEXT_OTHER)) for name in state)
    label = ".".join((*keys, prefix.rstrip("."))).rstrip(".") if prefix else ".".join(keys)
    return Found(label, state, whole, trained, run if isinstance(run, str) else "", noted, tuple(notes))


def _without_marks(name: str) -> tuple[str, str]:
    """A name without what wrappers have put inside it, and one of these parts; that is empty where there is none."""
    parts = name.split(".")
    marks = [part for part in parts if part in _AROUND_PARTS]
    return ".".join(part for part in parts if part not in _AROUND_PARTS), marks[0] if marks else ""


def _none(content: object) -> NotAState:
    """Why there is no CLIP."""
    if isinstance(content, type):
        return NotAState(f"it holds more than weights ({one_line(f'{content.__module__}.{content.__name__}')})")
    if isinstance(content, Inert):
        kind = f"{type(content).__module__}.{type(content).__name__}"
        return NotAState(
            f"it holds a whole object ({one_line(kind)}), not its weights. Save model.state_dict() instead"
        )
    if not isinstance(content, Mapping):
        return NotAState(f"it holds something else, of the type {type(content).__name__}")
    inner = list(_mappings(content))[-1][1] if content else {}
    if not inner:
        return NotAState("it holds nothing")
    return _no_tower(inner)


def _no_tower(mapping: Mapping[object, object]) -> NotAState:
    for name, value in mapping.items():
        if isinstance(value, Inert):
            return NotAState(
                f"'{one_line(name)}' in it is a whole object, not weights. Save model.state_dict() instead"
            )
        if not isinstance(name, str) or not isinstance(value, Tensor | int | float | str | None):
            return NotAState(f"'{one_line(name)}' in it is no weight but of the type {type(value).__name__}")
    names = [str(name) for name in mapping]
    if any("lora_" in name for name in names):
        return NotAState(
            "it holds only the LoRA adapters of a model. Merge them into the model, and save its state dict"
        )
    if any(name.endswith(("token_embedding.weight", "text_projection", "text_projection.weight")) for name in names):
        return NotAState("it holds only the text tower of a CLIP, and pictures need the vision tower")
    return NotAState("'positional_embedding' is missing, so it is of another network")
