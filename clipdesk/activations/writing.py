"""What the latents of a sparse autoencoder of the image embedding write, in words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch.nn.functional import normalize

from clipdesk.activations.questions.vocabulary import Vocabulary
from clipdesk.errors import UsageError
from clipdesk.network.inspector import ROOT
from clipdesk.network.latents.source import LatentsOf
from clipdesk.network.opened import OpenModel

COUNT = 5


def words_of_decoder(
    opened: OpenModel, layer: str, latent: int, vocabulary: Callable[[], Vocabulary], *, count: int = COUNT
) -> list[tuple[str, float]]:
    """The concepts whose embeddings have the largest cosine with a latent's direction of the decoder.

    Only at the image embedding are directions and texts in one space. Source: Rao et al. 2024, "Discover-then-Name"
    (arXiv:2407.14499).

    Args:
        opened: The model with its sparse autoencoder.
        layer: Dotted name of a layer of latents.
        latent: Index of the latent.
        vocabulary: Reads the concepts, once it is known that they are needed.
        count: How many concepts, at most.

    Returns:
        Each concept with its cosine, the largest first.

    Raises:
        UsageError: there is no such latent, or it does not write into the image embedding.
    """
    source = opened.inspector.check_unit(layer, latent).source
    if not isinstance(source, LatentsOf) or source.base.name != ROOT:
        raise UsageError(
            f"{layer}:{latent} does not write into the image embedding, so its direction has no words. Latents of a "
            "sparse autoencoder of the layer 'visual' do"
        )
    direction = normalize(source.latents.decoder[latent].float(), dim=0).cpu().numpy()
    concepts = vocabulary()
    cosines = concepts.means @ direction
    order = np.argsort(-cosines, kind="stable")[:count].tolist()
    return [(concepts.concepts[each], float(cosines[each])) for each in order]
