"""What SAELens trains: it fits, goes on where it was, and opens again there and here. Needs the extra clipdesk[sae]."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from clipdesk.activations.autoencoders.settings import Kind, TrainingSettings
from clipdesk.activations.autoencoders.trainer import Weights
from clipdesk.network.latents.activations import Threshold, TopK
from clipdesk.network.latents.algebra import Latents
from clipdesk.network.latents.fitting import fit_of
from clipdesk.network.latents.opening import read_latents
from clipdesk.network.latents.sae_lens import write_sae_lens

pytest.importorskip("sae_lens", reason="the extra clipdesk[sae] is not installed")

from clipdesk.activations.autoencoders.saelens import SaeLensTrainer

WIDTH, LATENTS = 16, 32
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def rows() -> Tensor:
    """Sums of a few of 24 directions, far from zero and far from the size 1."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(24, WIDTH, generator=generator), dim=1)
    on = (torch.rand(4096, 24, generator=generator) < 0.1).float() * (1 + torch.rand(4096, 24, generator=generator))
    return 20 * on @ directions + 7


def settings(kind: Kind, steps: int = 300) -> TrainingSettings:
    return TrainingSettings(layer="visual", kind=kind, active=4, steps=steps, batch=256, rate=5e-3)


def trained(kind: Kind, rows: Tensor, trainer: SaeLensTrainer | None = None, steps: int = 300) -> SaeLensTrainer:
    trainer = trainer or SaeLensTrainer(settings(kind), rows, LATENTS, torch.device("cpu"))
    generator = torch.Generator().manual_seed(1)
    batches = [rows[torch.randint(len(rows), (256,), generator=generator)] for _ in range(300)]
    while trainer.step < steps:
        trainer.advance(batches[trainer.step])
    return trainer


def latents_of(weights: Weights) -> Latents:
    threshold = weights.threshold
    activation = TopK(4) if threshold is None else Threshold(torch.tensor([threshold]))
    return Latents(weights.encoder, weights.bias, weights.decoder, weights.decoder_bias, activation, layer="visual")


@pytest.fixture(autouse=True)
def _own_random_numbers() -> Iterator[None]:
    before = torch.get_rng_state()
    yield
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("kind", ["matryoshka", "topk"])
def test_it_fits_and_sae_lens_opens_it(kind: Kind, rows: Tensor, tmp_path: Path) -> None:
    from sae_lens import SAE

    latents = latents_of(trained(kind, rows).weights())
    fit = fit_of(latents, rows)
    assert fit.r2 > 0.8
    assert fit.l0 < 5
    assert torch.allclose(latents.decoder.norm(dim=1), torch.ones(LATENTS), atol=1e-4)

    theirs = SAE.load_from_disk(write_sae_lens(latents, tmp_path / "sae"))
    with torch.no_grad():
        found = theirs.encode(rows)
        assert torch.allclose(found, latents.encode(rows), atol=1e-4 * float(found.max()))
        assert torch.allclose(theirs.decode(found), latents.rebuilt(rows), atol=1e-3)
    again = read_latents(tmp_path / "sae")
    assert torch.allclose(again.encode(rows), latents.encode(rows), atol=1e-4 * float(found.max()))


@pytest.mark.parametrize("kind", ["matryoshka", "topk"])
def test_its_own_file_says_the_same(kind: Kind, rows: Tensor, tmp_path: Path) -> None:
    """What SAELens saves by itself, which the weights here are taken out of, is of rows of its own size."""
    trainer = trained(kind, rows, steps=50)
    trainer.sae.save_inference_model(tmp_path / "theirs")
    latents, theirs = latents_of(trainer.weights()), read_latents(tmp_path / "theirs")
    size = trainer.size
    assert torch.allclose(latents.encode(rows), size * theirs.encode(rows / size), atol=1e-3)
    assert torch.allclose(latents.rebuilt(rows), size * theirs.rebuilt(rows / size), atol=1e-3)


@pytest.mark.parametrize("kind", ["matryoshka", "topk"])
def test_it_goes_on_from_a_checkpoint_as_if_nothing_had_been(kind: Kind, rows: Tensor, tmp_path: Path) -> None:
    whole = trained(kind, rows, steps=120).weights()
    trained(kind, rows, steps=70).write(tmp_path / "state")
    other = SaeLensTrainer(settings(kind).model_copy(update={"seed": 9}), rows, LATENTS, torch.device("cpu"))
    other.read(tmp_path / "state")
    assert other.step == 70
    again = trained(kind, rows, other, steps=120).weights()
    for one, two in zip(whole[:4], again[:4], strict=True):
        assert torch.allclose(one, two, atol=1e-4)
    assert whole.threshold == pytest.approx(again.threshold, abs=1e-4)


def test_the_seed_says_all(rows: Tensor) -> None:
    one, two = (trained("topk", rows, steps=20).weights().encoder for _ in range(2))
    assert torch.allclose(one, two, atol=1e-5)
    other = SaeLensTrainer(settings("topk").model_copy(update={"seed": 1}), rows, LATENTS, torch.device("cpu"))
    assert not torch.allclose(one, trained("topk", rows, other, steps=20).weights().encoder, atol=1e-2)
