"""SAELens does the training: the only module that imports it, for five seconds, with transformers and datasets.

Why this library, of those that train such autoencoders, is in docs/training-latents.md.

SAELens has what a training here needs: trainers of both kinds, a step that one can call (`SAETrainer.step`), a state
that can be kept and taken up, and the form that others open. It is heavy, so it is the extra ``clipdesk[sae]``; what it
has trained is read without it.
"""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
import torch
from sae_lens import (
    MatryoshkaBatchTopKTrainingSAE,
    MatryoshkaBatchTopKTrainingSAEConfig,
    TopKTrainingSAE,
    TopKTrainingSAEConfig,
)
from sae_lens.config import SAETrainerConfig
from sae_lens.training.sae_trainer import SAETrainer
from torch import Tensor

from clipdesk.activations.autoencoders.settings import TrainingSettings
from clipdesk.activations.autoencoders.trainer import Weights

_STATE = "autoencoder.safetensors"
_WARM_UP = 200
_DEAD_AFTER = 50
"""Steps after which a latent that no token has activated is given something to do."""
_AUXILIARY = 1.0
"""Weight of the loss that does so. With Gao et al.'s 1/32 half of the latents of `demo` died."""


class SaeLensTrainer:
    """A sparse autoencoder in training; a `Trainer`.

    Args:
        settings: What it is trained with.
        sample: Some of the rows, from which their mean and size are taken, (rows, width).
        latents: How many there are to be.
        device: Where to compute.

    Attributes:
        sae: It, in SAELens' own form, for rows that are divided by `size`.
        size: What a value of a row is divided by, so that its root mean square is 1.
    """

    def __init__(self, settings: TrainingSettings, sample: Tensor, latents: int, device: torch.device) -> None:
        width = sample.shape[1]
        self.size = float(sample.norm(dim=1).mean()) / width**0.5
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            self.sae = _fresh(settings, width, latents, device)
        with torch.no_grad():
            self.sae.b_dec.copy_(sample.mean(dim=0) / self.size)
        config = SAETrainerConfig(
            total_training_samples=settings.steps * settings.batch,
            train_batch_size_samples=settings.batch,
            lr=settings.rate,
            lr_end=settings.rate / 100,
            lr_warm_up_steps=min(_WARM_UP, settings.steps // 10),
            lr_decay_steps=settings.steps // 4,
            device=str(device),
            dead_feature_window=_DEAD_AFTER,
        )
        self._trainer = SAETrainer(config, self.sae, iter(()))

    @property
    def step(self) -> int:
        """Steps done."""
        return self._trainer.n_training_steps

    def advance(self, rows: Tensor) -> None:
        """Do a step on some rows, (rows, width)."""
        self._trainer.maybe_reset_sparsity()
        self._trainer.step(rows / self.size)
        self._trainer.n_training_steps += 1

    def write(self, folder: Path) -> None:
        """Write all that a later process needs to go on."""
        folder.mkdir(parents=True, exist_ok=True)
        state = {name: value.detach().cpu().contiguous() for name, value in self.sae.state_dict().items()}
        safetensors.torch.save_file(state, folder / _STATE)
        self._trainer.save_trainer_state(folder)

    def read(self, folder: Path) -> None:
        """Go on from what `write` has written.

        Raises:
            OSError, RuntimeError, KeyError, ValueError: it cannot be read, or is of another training.
        """
        self.sae.load_state_dict(safetensors.torch.load_file(folder / _STATE))
        self._trainer.load_trainer_state(folder)

    def weights(self) -> Weights:
        """What it has learnt so far, in the layer's own units."""
        state = {name: value.detach().cpu().clone() for name, value in self.sae.state_dict().items()}
        # Makes the decoder's rows as long as 1, and a threshold of what batch top-k has learnt.
        self.sae.process_state_dict_for_saving_inference(state)
        decoder_bias = self.size * state["b_dec"]
        threshold = state.get("threshold")
        return Weights(
            encoder=state["W_enc"],
            bias=self.size * state["b_enc"] - decoder_bias @ state["W_enc"],
            decoder=state["W_dec"],
            decoder_bias=decoder_bias,
            threshold=None if threshold is None else self.size * float(threshold[0]),
        )


def _fresh(settings: TrainingSettings, width: int, latents: int, device: torch.device) -> TopKTrainingSAE:
    if settings.kind == "topk":
        return TopKTrainingSAE(
            TopKTrainingSAEConfig(
                d_in=width, d_sae=latents, k=settings.active, aux_loss_coefficient=_AUXILIARY, device=str(device)
            )
        )
    return MatryoshkaBatchTopKTrainingSAE(
        MatryoshkaBatchTopKTrainingSAEConfig(
            d_in=width,
            d_sae=latents,
            k=settings.active,
            aux_loss_coefficient=_AUXILIARY,
            device=str(device),
            matryoshka_widths=[latents // 4, latents // 2, latents],
        )
    )
