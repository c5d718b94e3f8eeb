"""Bring latents and a network together: which layer they read, at which tokens, and whether they fit."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from torch import nn

from clipdesk.errors import UsageError, nearest, one_line
from clipdesk.models.latents_names import LatentsName
from clipdesk.network.inspector import ROOT, LayerInspector
from clipdesk.network.latents.algebra import Latents, Norm, Tokens
from clipdesk.network.latents.fitting import Fit, Pairing, activations_at, best_pairing
from clipdesk.network.latents.hooks import blocks_of, layer_named
from clipdesk.network.latents.source import layer_of
from clipdesk.network.layer_names import short_layer
from clipdesk.network.layers import LayerInfo

log = logging.getLogger(__name__)

_VERSION = 2
"""Of what is kept of a fit; a change in how it is measured raises it."""
_FEW = 16
"""Scenes that all layers are tried with, where it is open which one is meant."""
_GOOD = 0.5
"""With so high an R² elsewhere, no other norms and tokens are tried."""


def paired(
    network: nn.Module,
    inspector: LayerInspector,
    latents: Latents,
    *,
    said: LatentsName | None = None,
    weights: str | None = None,
    kept: Path | None = None,
) -> Pairing:
    """Latents with the layer of a network that they read.

    Args:
        network: The network, frozen.
        inspector: Its layers.
        latents: The latents, on the network's device.
        said: What the user says of them.
        weights: Checksum of the network's weights.
        kept: Folder that keeps fits that were measured, by checksums.

    Raises:
        UsageError: the network has no layer that they could be of, or they fit none; says what fits better.
    """
    said = said or LatentsName("")
    latents = _as_said(latents, said)
    file = _file_of(kept, latents, said, weights)
    found = None if file is None else _read(file, latents, inspector)
    if found is None:
        found = _measured(network, inspector, latents, said)
        if file is not None:
            _write(file, found)
    log.info("latents %s at %s: %s", latents.name, found.text, found.fit)
    return found


def with_pairings(inspector: LayerInspector, pairings: Iterable[Pairing]) -> LayerInspector:
    """The layers of a network and, below each that they read, those of latents."""
    for pairing in pairings:
        name = f"{pairing.base.name}.latents"
        there = sum(each == name or each.startswith(f"{name}_") for each in inspector.layers)
        layer = layer_of(pairing.latents, pairing.base, pairing.tokens, f"{name}_{there + 1}" if there else name)
        inspector = inspector.with_layers({pairing.base.name: [layer]})
    return inspector


def unusual_of(
    inspector: LayerInspector, latents: Latents, found: Pairing, said: LatentsName | None
) -> tuple[str, ...]:
    """How latents are read, layer, tokens, norm and bias, where the user says otherwise than their file; else nothing.

    Args:
        inspector: The layers of the network.
        latents: The latents as their file has them.
        found: What came of them.
        said: What the user says of them.
    """
    if said is None:
        return ()
    own = layer_named(latents.layer, inspector.layers) if latents.layer else None
    read = found.latents
    otherwise = (
        (said.layer and (own is None or own.name != found.base.name))
        or (said.tokens and latents.tokens is not found.tokens)
        or (said.norm and latents.norm is not read.norm)
        # Where the file leaves it open, the fit decides, and may decide otherwise.
        or (said.bias and (latents.unsure or latents.subtracted is not read.subtracted))
    )
    bias = "subtracted" if read.subtracted else "added"
    return (found.base.name, found.tokens.value, read.norm.value, bias) if otherwise else ()


def _as_said(latents: Latents, said: LatentsName) -> Latents:
    return replace(
        latents.subtracting(said.bias == "subtracted") if said.bias else latents,
        layer=said.layer or latents.layer,
        tokens=Tokens(said.tokens) if said.tokens else latents.tokens,
        norm=Norm(said.norm) if said.norm else latents.norm,
        unsure=latents.unsure and not said.bias,
    )


def _measured(network: nn.Module, inspector: LayerInspector, latents: Latents, said: LatentsName) -> Pairing:
    base = _base(inspector, latents)
    if base is None:
        # A few scenes tell the layer; the fit is that of all of them.
        candidates = list(_candidates(inspector, latents))
        found = best_pairing(latents, activations_at(network, candidates, _FEW), candidates)
        if found is None:
            raise UsageError(_no_layer(inspector, latents))
        base = found.base
    own = best_pairing(latents, activations_at(network, [base]), [base])
    if own is None:
        raise UsageError(
            f"{_who(latents)} is of a layer with {latents.width} units, and {short_layer(base.name)} has {base.units}. "
            "It is of another model, or of another layer"
        )
    if own.fit.r2 < 0 and not said.anyway:
        raise UsageError(_wrong(network, inspector, own))
    return own


def _base(inspector: LayerInspector, latents: Latents) -> LayerInfo | None:
    """The layer that the file, or the user, says; None where nobody does."""
    if not latents.layer:
        return None
    found = layer_named(latents.layer, inspector.layers)
    if found is None:
        names = [short_layer(each.name) for each in _candidates(inspector, latents)]
        if not names:
            raise UsageError(_no_layer(inspector, latents))
        raise UsageError(
            f"{_who(latents)} reads '{one_line(latents.layer)}', and this model has no such layer. It may be of "
            f"another model; else write its layer after its name: ?layer=LAYER. {nearest(latents.layer, names)}"
        )
    return found


def _candidates(inspector: LayerInspector, latents: Latents) -> Iterator[LayerInfo]:
    """The layers that autoencoders are usually trained on, as far as they have the width."""
    for block in blocks_of(inspector.layers):
        inside = (inspector.layers.get(f"{block.name}.{part}") for part in ("mlp", "mlp.gelu", "mlp.act"))
        yield from (info for info in (block, *inside) if info and info.reason is None and info.units == latents.width)
    root = inspector.layers[ROOT]
    if root.units == latents.width:
        yield root
    if not blocks_of(inspector.layers):
        yield from (
            node.info
            for node in inspector.tree.walk()
            if node.info.layout is not None and node.info.layout.is_map and node.info.units == latents.width
        )


def _no_layer(inspector: LayerInspector, latents: Latents) -> str:
    blocks = blocks_of(inspector.layers)
    theirs = f"whose blocks have {blocks[0].units}" if blocks else "which has no such layer"
    return f"{_who(latents)} is of layers with {latents.width} units. It is of another model than this one, {theirs}"


def _wrong(network: nn.Module, inspector: LayerInspector, own: Pairing) -> str:
    """What is wrong with a pairing whose latents rebuild less than a constant would, and what fits better."""
    candidates = list(_candidates(inspector, own.latents))
    values = activations_at(network, candidates, _FEW)
    better = best_pairing(own.latents, values, candidates)
    if better is None or better.fit.r2 < _GOOD:
        # Many times as many, which takes long for a large one.
        better = best_pairing(own.latents, values, candidates, any_norm=True)
    start = f"{_who(own.latents)} does not fit {own.text}: R² is {own.fit.r2:.2f}"
    if better is None or better.fit.r2 <= max(0.0, own.fit.r2):
        trained = f", such as {own.latents.model}" if own.latents.model else ""
        return (
            f"{start}. It fits no layer of this model: it is of another model{trained}, or its activations were scaled "
            "by constants that its file does not have. To use it anyway, write ?anyway after its name"
        )
    options = [f"layer={short_layer(better.base.name)}"]
    options += [f"tokens={better.tokens.value}"] if better.tokens is not own.latents.tokens else []
    options += [f"norm={better.latents.norm.value}"] if better.latents.norm is not own.latents.norm else []
    changed = better.latents.subtracted is not own.latents.subtracted
    options += [f"bias={'subtracted' if better.latents.subtracted else 'added'}"] if changed else []
    return f"{start}. {better.text} fits better, with {better.fit.r2:.2f}: write ?{'&'.join(options)} after its name"


def _who(latents: Latents) -> str:
    return f"The sparse autoencoder {latents.name or 'given'}"


def _file_of(folder: Path | None, latents: Latents, said: LatentsName, weights: str | None) -> Path | None:
    if folder is None or weights is None or not latents.sha256:
        return None
    text = f"{_VERSION} {weights} {latents.sha256} {said.options}"
    return folder / f"{hashlib.sha256(text.encode()).hexdigest()}.json"


def _read(file: Path, latents: Latents, inspector: LayerInspector) -> Pairing | None:
    """What was measured before; None where there is nothing that could be used."""
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        base = layer_named(latents.layer or str(values["layer"]), inspector.layers)
        if base is None or base.name != values["layer"] or base.units != latents.width:
            return None
        now = replace(latents, norm=Norm(values["norm"])).subtracting(bool(values["subtracted"]))
        fit = Fit(float(values["r2"]), float(values["l0"]), float(values["dead"]), int(values["tokens_seen"]))
        return Pairing(now, base, Tokens(values["tokens"]), fit)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(file: Path, found: Pairing) -> None:
    values = {
        "layer": found.base.name,
        "tokens": found.tokens.value,
        "norm": found.latents.norm.value,
        "subtracted": found.latents.subtracted,
        "r2": found.fit.r2,
        "l0": found.fit.l0,
        "dead": found.fit.dead,
        "tokens_seen": found.fit.tokens,
    }
    # A cache that cannot be written is measured again.
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(f".{os.getpid()}.partial")
        partial.write_text(json.dumps(values), encoding="utf-8")
        os.replace(partial, file)
