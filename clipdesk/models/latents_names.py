"""Names of sparse autoencoders: a file, a folder or a repository, with what a person says of it. Imports no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from clipdesk.errors import UsageError, one_line
from clipdesk.models.catalogue import SHOWPIECES
from clipdesk.paths import resource

HUB_PREFIX = "hf:"
SHIPPED = "shipped"
"""The place of the sparse autoencoder that comes with ClipDesk, of an embedded model."""
TOKENS = ("all", "patches", "class")
NORMS = ("none", "center", "layer_norm", "rescale")
USUAL = ("sae_weights.safetensors", "weights.pt", "sae.pt", "ae.pt")
"""Names that the weights have in folders of the libraries, best first."""
SAYABLE = (
    "?layer=LAYER, ?tokens=all|patches|class, ?norm=none|center|layer_norm|rescale, ?bias=subtracted|added, ?anyway"
)
"""What may follow the place of a sparse autoencoder, joined by ``&``."""

_REPOSITORY = re.compile(r"hf:([\w.-]+/[\w.-]+)(?:/([\w./-]+))?")
_OPTION = r"(?:layer=[\w.-]+|tokens=\w+|norm=\w+|bias=\w+|anyway)"
_OPTIONS = re.compile(rf"(?P<place>.+)\?(?P<options>{_OPTION}(?:&{_OPTION})*)", re.DOTALL)


@dataclass(frozen=True)
class LatentsName:
    """Where a sparse autoencoder is, with what the user says of it; what is empty, its file and its fit say.

    Attributes:
        place: A file or a folder with its full path; ``hf:OWNER/NAME``, maybe with a path inside the repository; or
            ``shipped``.
        layer: The layer that it reads.
        tokens: The tokens that it was trained on.
        norm: What is done to a token's activations first.
        bias: ``subtracted`` or ``added``: whether the decoder bias is taken off the activations first.
        anyway: Whether it is taken though it does not fit.
    """

    place: str
    layer: str = ""
    tokens: str = ""
    norm: str = ""
    bias: str = ""
    anyway: bool = False

    @property
    def repository(self) -> tuple[str, str] | None:
        """The repository of the Hugging Face Hub and the path inside; None for a file or folder of this disk."""
        found = _REPOSITORY.fullmatch(self.place)
        return None if found is None or Path(self.place).exists() else (found[1], found[2] or "")

    @property
    def options(self) -> str:
        """What the user says of it, as it is written after the place."""
        said = [f"{name}={value}" for name in _VALUES if (value := getattr(self, name))]
        return "&".join([*said, *(["anyway"] if self.anyway else [])])

    def __str__(self) -> str:
        return f"{self.place}?{self.options}" if self.options else self.place


_VALUES: dict[str, tuple[str, ...]] = {
    "layer": (),
    "tokens": TOKENS,
    "norm": NORMS,
    "bias": ("subtracted", "added"),
}
"""What can be said with a value, and the values; any where there are none."""


def parse_latents(text: str) -> LatentsName:
    """Read the name of a sparse autoencoder as people and recipes write it; a path is made absolute.

    Raises:
        UsageError: there is no place, or what follows it says nothing.
    """
    if not text.strip():
        raise UsageError("The name of a sparse autoencoder is empty. Name a file, a folder or hf:OWNER/NAME")
    place, options = text, ""
    found = _OPTIONS.fullmatch(text)
    if found is not None and not Path(text).exists():
        place, options = found["place"], found["options"]
    elif "?" in text and not Path(text).exists():
        said = text.rpartition("?")[2]
        raise UsageError(f"'?{one_line(said)}' after a sparse autoencoder says nothing. It can be {SAYABLE}")
    if place != SHIPPED and (not _REPOSITORY.fullmatch(place) or Path(place).exists()):
        place = str(Path(place).expanduser().absolute())
    values = dict(option.split("=") for option in options.split("&") if "=" in option)
    for key, value in values.items():
        if _VALUES[key] and value not in _VALUES[key]:
            raise UsageError(f"'{key}={value}' of a sparse autoencoder is none of {', '.join(_VALUES[key])}")
    layer, tokens, norm, bias = (values.get(key, "") for key in _VALUES)
    return LatentsName(place, layer, tokens, norm, bias, "anyway" in options.split("&"))


def short_latents(name: LatentsName) -> str:
    """Its name without the folders of its file; for a file of the name that all have, that of its folder."""
    if name.repository or name.place == SHIPPED:
        return str(name)
    path = Path(name.place)
    return str(replace(name, place=path.parent.name if path.name in USUAL and path.parent.name else path.name))


def shipped_latents(model: str) -> Path | None:
    """Where the sparse autoencoder of an embedded model is; None for a model that none was shipped for."""
    folder = resource("latents") / model
    return folder if model in SHOWPIECES and folder.is_dir() else None


def on_this_disk(name: LatentsName, model: str) -> Path | None:
    """The file or folder of a sparse autoencoder; None for one of a repository.

    Args:
        name: The sparse autoencoder.
        model: The name of the model that it is for.

    Raises:
        UsageError: it is not there.
    """
    if name.repository is not None:
        return None
    if name.place == SHIPPED:
        shipped = shipped_latents(model)
        if shipped is None:
            those = " and ".join(each for each in SHOWPIECES if shipped_latents(each)) or "none"
            raise UsageError(f"No sparse autoencoder was shipped for {one_line(model)}, but for {those}")
        return shipped
    try:
        there = Path(name.place).exists()
    except (OSError, ValueError):
        there = False
    if there:
        return Path(name.place)
    raise UsageError(
        f"There is no sparse autoencoder '{one_line(name.place, 300)}'. Name a file, a folder or hf:OWNER/NAME"
    )
