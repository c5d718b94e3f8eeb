"""What cannot be seen in a network's weights, the number of attention heads and the activation: where it is known from.

A network with other heads or another activation than it was trained with still runs, and its pictures are those of a
network that does not exist. So heads are never guessed for OpenAI's and open_clip's names, and what was taken is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from clipdesk.models.checks import NotAState, Unclear
from clipdesk.models.configs import Config, read_configs
from clipdesk.models.geometry import Geometry, Heads

GELU, QUICK_GELU = "gelu", "quickgelu"
UNSAID = "OpenAI's models have it; nothing in the file says which it was trained with"
"""Why QuickGELU is taken where there is no hint at all."""
_HEAD = 64
"""Channels of a head in all of OpenAI's models."""

_TRANSFORMERS = {(12, 768, 32, 512, 12), (12, 768, 16, 512, 12), (24, 1024, 14, 768, 12)}
_RESNETS = {
    *(((3, 4, 6, 3), 64, None, 512, 12), ((3, 4, 23, 3), 64, None, 512, 12), ((4, 6, 10, 6), 80, None, 640, 12)),
    *(((6, 8, 18, 8), 96, None, 768, 12), ((3, 15, 36, 10), 128, None, 1024, 12)),
}
_EMBEDDED = {(6, 192, 16, 128, 2), ((1, 2, 2, 1), 16, None, 128, 2)}
_OPENAIS = _TRANSFORMERS | _RESNETS | _EMBEDDED
"""Blocks, width and patch of the vision tower, width and blocks of the text tower."""
_VOCABULARY = 49_408

_TRUSTED_WIDTH = 1024
"""Widest of OpenAI's transformers. Wider ones are open_clip's, whose heads are not 64 wide; its first versions wrote
names in OpenAI's order."""
_NARROW = 768
"""Every published CLIP in transformers' names whose tower is narrower has heads of 64; the wider ones differ."""

_QUICK = re.compile(r"quick[-_]?gelu", re.IGNORECASE)
_QUICK_RUN = "the name of its training run's folder says so"
_RUN = re.compile(r"(^|-)model_", re.IGNORECASE)


class Asked(NamedTuple):
    """What the user says of a checkpoint, after the ``?`` behind its name.

    Attributes:
        activation: ``gelu`` or ``quickgelu``; empty for what the file's form says.
        state: Which of several weights to take; empty for the usual ones.
        heads: Attention heads of the vision tower; 0 for what is known.
    """

    activation: str = ""
    state: str = ""
    heads: int = 0


NOTHING_ASKED = Asked()


class Clues(NamedTuple):
    """What is known of a checkpoint beside the shapes of its weights.

    Attributes:
        path: The file or folder.
        names: Names of the weights, in the order of the file; empty where that order says nothing.
        transformers: Whether they were transformers' names.
        noted: Whether OpenAI's conversion has left its numbers in it.
        archive: Whether it is a TorchScript archive.
        trained: Whether open_clip's training has written it.
        run: The name of the training run; empty where there is none.
        config: What a configuration beside it says, if it is of the same width.
        unread: Name of a file beside it that should be its configuration, but is not; empty where there is none.
    """

    path: Path
    names: Sequence[str] = ()
    transformers: bool = False
    noted: bool = False
    archive: bool = False
    trained: bool = False
    run: str = ""
    config: Config | None = None
    unread: str = ""


def check_width(geometry: Geometry) -> None:
    """Check that heads of 64 can share a network's widths, for all whose heads nobody has named.

    Raises:
        NotAState: they cannot.
    """
    wide = 32 * geometry.width if isinstance(geometry.layers, tuple) else geometry.width
    widths = (wide, geometry.text_width) if geometry.text_width else (wide,)
    for each in widths:
        if each < _HEAD or each % _HEAD:
            raise NotAState(f"a width of {each} cannot be shared among attention heads of 64")


def heads_of(geometry: Geometry, clues: Clues, asked: Asked) -> tuple[Heads, str] | None:
    """The numbers of attention heads, and where they are known from; None where nothing says them.

    Raises:
        Unclear: those that are asked for, or that the configuration says, do not share the width evenly.
    """
    wide = 32 * geometry.width if isinstance(geometry.layers, tuple) else geometry.width
    config = clues.config
    text = max(1, geometry.text_width // _HEAD)
    if config is not None and config.text_heads:
        _check_shared(geometry.text_width, config.text_heads, config)
        text = config.text_heads
    if asked.heads:
        _check_shared(wide, asked.heads)
        return Heads(asked.heads, text), "as asked for"
    if config is not None and config.heads and not config.unlike:
        _check_shared(wide, config.heads, config)
        return Heads(config.heads, text), f"as {config.name} says"
    usual = Heads(wide // _HEAD, text)
    if _is_openais(geometry):
        return usual, "it has the shapes of one of OpenAI's or of the embedded models"
    if wide % _HEAD == 0 and geometry.width <= _TRUSTED_WIDTH:
        if clues.noted or _order(clues.names) == "OpenAI":
            return usual, "OpenAI's class has written it, whose heads are 64 wide"
        if clues.transformers and geometry.width < _NARROW and not clues.unread:
            return usual, "every published CLIP in transformers' names of such a width has heads of 64"
    return None


def unusual_of(geometry: Geometry, clues: Clues, asked: Asked) -> tuple[str, ...]:
    """What is asked for and differs from what is known without it, as it is written after the name of a file."""
    activation, heads = asked.activation, asked.heads
    found = [activation] if activation and activation != activation_of_file(clues, NOTHING_ASKED)[0] else []
    return (*found, *([f"heads={heads}"] if heads and heads != _known_heads(geometry, clues) else []))


def _known_heads(geometry: Geometry, clues: Clues) -> int:
    """The heads of the vision tower where nobody asks for a number; 0 where it is not opened then, or otherwise."""
    if clues.config is not None and clues.config.unlike:
        return 0
    try:
        known = heads_of(geometry, clues, NOTHING_ASKED)
    except Unclear:
        return 0
    return 0 if known is None else known[0].vision


def _check_shared(width: int, heads: int, config: Config | None = None) -> None:
    if width % heads:
        said = f"the {heads:,} heads of {config.name}" if config is not None else f"{heads:,} heads"
        raise Unclear(f"has a width of {width:,}, which {said} cannot share evenly")


def unknown_heads(geometry: Geometry, clues: Clues, architectures: Sequence[str], *, searched: bool) -> Unclear:
    """The error for a network whose heads nobody has named.

    Args:
        geometry: Its form.
        clues: What is known of it.
        architectures: Those of open_clip whose weights have its names and shapes.
        searched: Whether open_clip is installed, so that they could be looked for.
    """
    if architectures:
        return fitting_architectures(clues.path, architectures)
    width = geometry.width
    usual = (
        f"?heads={max(1, width // _HEAD)}' for heads of 64" if width <= _TRUSTED_WIDTH else "?heads=16' for 16 of them"
    )
    unread = f" {clues.unread} beside it is damaged, or that of another model." if clues.unread else ""
    install = "" if searched else ", or install clipdesk[open-clip] to look through its architectures"
    return Unclear(
        f"holds a CLIP of width {width:,}, and its weights do not say how many attention heads it has, nor how it "
        f"pools its patches.{unread} If it has OpenAI's form, add the heads to its name, such as "
        f"'{clues.path.name}{usual}; otherwise put open_clip_config.json or config.json beside it{install}"
    )


def fitting_architectures(path: Path, architectures: Sequence[str]) -> Unclear:
    """The error for a file that one of open_clip's architectures fits."""
    if len(architectures) == 1:
        return Unclear(
            f"holds weights of open_clip's {architectures[0]}. Open it as 'open_clip:{architectures[0]}/[{path}]'"
        )
    return Unclear(
        f"holds weights that fit {len(architectures)} of open_clip's architectures: {', '.join(architectures)}. Open "
        f"it as the one that it was trained as, such as 'open_clip:{architectures[0]}/[{path.name}]'"
    )


def activation_of_file(clues: Clues, asked: Asked) -> tuple[str, str]:
    """The activation, ``gelu`` or ``quickgelu``, and why that one is taken."""
    if asked.activation:
        return asked.activation, "as asked for"
    config = clues.config
    if config is not None and config.activation:
        return config.activation, f"as {config.name} says"
    if _QUICK.search(clues.run) or _QUICK.search(clues.path.name):
        return QUICK_GELU, "its name says so"
    if clues.archive or clues.noted:
        return QUICK_GELU, "it is in the form of OpenAI's archives"
    if clues.trained:
        named = "whose name does not say quickgelu" if _RUN.search(clues.run) else "which uses it unless told otherwise"
        return GELU, f"open_clip's training has written it, {named}"
    if _in_quick_run(clues.path):
        return QUICK_GELU, _QUICK_RUN
    order = _order(clues.names)
    if order == "OpenAI":
        return QUICK_GELU, "OpenAI's class has written it"
    if order == "open_clip" or clues.path.name.startswith("open_clip_"):
        return GELU, "open_clip has written it, which uses it unless told otherwise"
    if clues.transformers and not clues.unread:
        return QUICK_GELU, "transformers' CLIPs have it unless their config.json says otherwise"
    return QUICK_GELU, UNSAID


def hinted_activation(path: Path, run: str, configs: tuple[Path, ...]) -> tuple[str, str]:
    """The activation that a file's surroundings say, and where; both empty where they say nothing.

    Args:
        path: The file.
        run: The name of its training run; empty where there is none.
        configs: Configurations beside it.
    """
    config = next((each for each in read_configs(configs) if each.activation), None)
    if config is not None:
        return config.activation, f"as {config.name} says"
    if _QUICK.search(run) or _QUICK.search(path.name):
        return QUICK_GELU, "its name says so"
    if not run and _in_quick_run(path):
        return QUICK_GELU, _QUICK_RUN
    return "", ""


def _in_quick_run(path: Path) -> bool:
    """Whether the folder of its training run says so; open_clip's training writes into RUN/checkpoints."""
    return path.parent.name == "checkpoints" and _QUICK.search(path.parent.parent.name) is not None


def _is_openais(geometry: Geometry) -> bool:
    g = geometry
    if g.text_width:
        return g.vocabulary == _VOCABULARY and (g.layers, g.width, g.patch, g.text_width, g.text_layers) in _OPENAIS
    return (g.layers, g.width, g.patch) in {known[:3] for known in _OPENAIS}


def _order(names: Sequence[str]) -> str:
    """Whose class has written the names: OpenAI's and open_clip's list the parts of a block in another order."""
    parts: tuple[str, ...] = ("ln_1", "attn", "ln_2", "mlp")
    first = {part: next((at for at, name in enumerate(names) if f"resblocks.0.{part}." in name), -1) for part in parts}
    if -1 in first.values():
        return ""
    order = sorted(parts, key=first.__getitem__)
    known = {("attn", "ln_1", "mlp", "ln_2"): "OpenAI", parts: "open_clip"}
    return known.get(tuple(order), "")
