"""State dicts in OpenAI's form: whether one is a CLIP's, and the model that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, cast

from torch import Tensor, nn

from clipdesk.models.checks import Damaged, NotAState, Unclear, check_finite, check_fit, check_tensors
from clipdesk.models.configs import Config, read_configs
from clipdesk.models.evidence import (
    GELU,
    NOTHING_ASKED,
    Asked,
    Clues,
    activation_of_file,
    check_width,
    fitting_architectures,
    heads_of,
    unknown_heads,
    unusual_of,
)
from clipdesk.models.geometry import Geometry, Heads, VisionTower, built, geometry_of, hidden_of
from clipdesk.models.names import has_open_clip
from clipdesk.models.package import CLIP
from clipdesk.models.repairs import repaired, without_others
from clipdesk.models.transformers_names import is_siglip, is_transformers
from clipdesk.models.wrappers import Found, find_clip, is_usual

_ANY = Path("checkpoint")
_OTHER_FORM = "If open_clip has trained it in a form of its own, put its open_clip_config.json beside it"


class Content(NamedTuple):
    """What was read of a model's files, before anything is known of it.

    Attributes:
        value: What they hold, as it was read.
        size: Their size in bytes.
        path: The file or folder that the user has named.
        configs: Files beside the weights that may say the network's form.
        ordered: Whether its mappings are in the order in which a program has put them there.
        archive: Whether it comes from a TorchScript archive.
    """

    value: object
    size: int
    path: Path = _ANY
    configs: tuple[Path, ...] = ()
    ordered: bool = True
    archive: bool = False


class Taken(NamedTuple):
    """A network, and what was decided on the way to it.

    Attributes:
        network: In evaluation mode, with float32 weights.
        notes: What was taken off, left out or taken for granted, a clause each.
        activation: Why it has the activation that it has.
        unusual: As `Loaded.unusual`.
    """

    network: nn.Module
    notes: tuple[str, ...]
    activation: str
    unusual: tuple[str, ...] = ()


def model_of(found: object, file_bytes: int) -> CLIP:
    """`network_of` for what a file of OpenAI's form holds; see there."""
    return cast("CLIP", network_of(Content(found, file_bytes)).network)


def network_of(content: Content, asked: Asked = NOTHING_ASKED) -> Taken:
    """The network of a state dict as files hold it.

    As `clip.model.build_model`, which first fills a whole model with random numbers and rounds all to float16. But the
    weights may be in mappings and after prefixes, as training scripts write them; a vision tower may stand alone; and
    what the shapes do not say is taken from `evidence`, or the file is refused.

    Args:
        content: The files.
        asked: What the user says of it.

    Raises:
        Unclear: it is a CLIP, but not known how it is to be built.
        NotAState: it is none of a CLIP, or its weights claim more than the file holds.
    """
    found = find_clip(content.value, asked.state)
    check_tensors(found.state, content.size)
    state, notes = repaired(found.state)
    unusual = state_asked(content, found, asked)
    try:
        if is_siglip(found.state):
            raise NotAState("it is a SigLIP, whose form is not OpenAI's")
        taken = _openais(content, found, state, asked, notes)
        return taken._replace(unusual=(*unusual, *taken.unusual))
    except (Unclear, Damaged):
        raise
    except NotAState as error:
        other = _of_config(content, state)
        if other is not None:
            return other._replace(notes=(*found.notes, *notes, *other.notes), unusual=unusual)
        names = _architectures(state)
        if names:
            raise fitting_architectures(content.path, names) from None
        if _is_near(found.state) and not content.configs:
            raise NotAState(f"{error}. {_OTHER_FORM}") from None
        raise


def _openais(content: Content, found: Found, state: dict[str, Tensor], asked: Asked, notes: list[str]) -> Taken:
    if not found.whole:
        state = {name: value for name, value in state.items() if name.startswith("visual.")}
        notes = [*notes, "it is a vision tower alone, so texts cannot be rendered"]
    geometry = geometry_of(state, whole=found.whole)
    clues = _clues(content, found, geometry)
    if not (asked.heads or (clues.config is not None and clues.config.heads)):
        check_width(geometry)
    if clues.config is not None and clues.config.unlike and not asked.heads:
        raise NotAState(f"{clues.config.name} says another form than OpenAI's: {clues.config.unlike}")
    given = sum(value.numel() for value in state.values())
    # A few may be missing, which is said below; but nothing is built that the file could not hold a good part of.
    if geometry.numbers > 4 * given:
        raise NotAState(f"its shapes are those of a network of {geometry.numbers:,} numbers, and it holds {given:,}")
    heads, known_from = heads_of(geometry, clues, asked) or (None, "")
    network = built(geometry, heads or Heads(1, 1), hidden_of(state))
    wanted = network.state_dict()
    state, left = without_others(state, wanted)
    check_fit(state, wanted)
    if heads is None:
        raise unknown_heads(geometry, clues, _architectures(state), searched=has_open_clip())
    network.load_state_dict(state, assign=True)
    network = network.float().eval()
    check_finite(network.state_dict())
    activation, why = activation_of_file(clues, asked)
    if activation == GELU:
        _use_gelu(network)
    _normalise(network, clues.config)
    said = f"{heads.vision} attention heads: {known_from}"
    return Taken(network, (*found.notes, *notes, *left, said), why, unusual_of(geometry, clues, asked))


def state_asked(content: Content, found: Found, asked: Asked) -> tuple[str, ...]:
    """Which of several weights were asked for, where they are not those that are taken without being asked for."""
    return (f"state={found.label}",) if asked.state and not is_usual(content.value, found) else ()


def _is_near(state: Mapping[str, Tensor]) -> bool:
    """Whether weights have both towers in open_clip's names, if not in one of its known forms."""
    blocks = any(name.startswith(("visual.transformer.resblocks.", "visual.trunk.")) for name in state)
    return blocks and any(name.startswith(("transformer.", "text.")) for name in state)


def _clues(content: Content, found: Found, geometry: Geometry) -> Clues:
    configs = read_configs(content.configs)
    form = geometry.width, geometry.layers, geometry.patch
    config = next((each for each in configs if each.is_of(*form)), None)
    transformers = is_transformers(found.state)
    unread = content.configs[0].name if content.configs and config is None else ""
    return Clues(
        content.path,
        tuple(found.state) if content.ordered and not transformers else (),
        transformers,
        found.noted,
        content.archive,
        found.trained,
        found.run,
        config,
        unread,
    )


def _use_gelu(network: nn.Module) -> None:
    for module in list(network.modules()):
        if hasattr(module, "gelu"):
            module.gelu = nn.GELU()


def _normalise(network: CLIP | VisionTower, config: Config | None) -> None:
    """Note what is to be done to a picture's channels where open_clip notes it."""
    if config is not None and config.mean is not None:
        vars(network.visual).update(image_mean=config.mean, image_std=config.std)


def _architectures(state: Mapping[str, Tensor]) -> list[str]:
    """Names of open_clip's architectures that these weights fit; none where it is not installed."""
    if not has_open_clip():
        return []
    names: list[str] = _with_open_clip().fitting(state)
    return names


def _of_config(content: Content, state: dict[str, Tensor]) -> Taken | None:
    """The network that open_clip's configuration beside the weights describes; None where there is none."""
    config = next((each for each in read_configs(content.configs) if each.open_clip), None)
    if config is None:
        return None
    if not has_open_clip():
        raise Unclear(
            f"has {config.name} beside it, whose form is not OpenAI's: {config.unlike or 'other weights'}. To open it, "
            "install clipdesk[open-clip]"
        )
    network, left = _with_open_clip().described(config, state)
    return Taken(network, (*left, f"its form is that of {config.name}"), f"as {config.name} says")


def _with_open_clip() -> ModuleType:
    # Only where it is there; its package takes long to load.
    from clipdesk.models import architectures

    return architectures
