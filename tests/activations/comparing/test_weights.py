"""Weights that have moved are told for units that have some."""

from __future__ import annotations

import numpy as np

from clipdesk.activations.comparing.weights import weight_changes
from clipdesk.network.opened import OpenModel
from tests.activations.comparing.models import HIDDEN, MLP, other
from tests.clips import openais


def test_the_rows_of_a_rectifier_are_those_of_the_layer_before_it() -> None:
    first, second = openais(), other(openais())
    found = weight_changes(OpenModel.of(first), OpenModel.of(second), HIDDEN)
    rows = [each.get_parameter(f"{MLP}.c_fc.weight").detach().double().numpy() for each in (first, second)]
    assert found is not None
    assert np.allclose(found, np.linalg.norm(rows[1] - rows[0], axis=1) / np.linalg.norm(rows[0], axis=1))


def test_a_residual_stream_and_heads_have_no_weights_of_their_own() -> None:
    model = OpenModel.of(openais())
    for layer in ("visual.transformer.resblocks.1", "visual.transformer.resblocks.1.attn.heads", "visual"):
        assert weight_changes(model, model, layer) is None
