"""Train ``photo`` or ``photo-small`` on photographs: ``python -m clipdesk.demo.photos FOLDER --model photo``.

The folder has one folder of photographs for each category, and the category's name is the caption. `photo` has the
network of `demo-rn` and began with its weights (`--start resources/models/demo-rn.pt`); both are in OpenAI's format. A
batch is compared with a prompt of each category, in wording that is drawn anew for each batch: CLIP's contrastive loss
where every caption is there once. Photographs are few, so they are cropped, turned, mirrored and mixed (Zhang et al.
2018, arXiv:1710.09412); they are noisy from the start and, those of `photo` after the first eighth of the training,
pushed, for the reasons that `clipdesk.demo.train` gives. The weights that are kept are a mean over the last steps
(Polyak and Juditsky 1992).
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import clip
import numpy as np
import torch
import torch.nn.functional as F
from clip.model import CLIP
from torch import Tensor, nn
from torch.nn.functional import normalize

from clipdesk.demo.average import follow
from clipdesk.demo.export import export_state_dict, save_model, token_subset
from clipdesk.demo.photographs import Batches, Photographs, read_photographs
from clipdesk.demo.pictures import HALF, learn_pushed
from clipdesk.demo.recipes import PHOTOS, TrainingRecipe, build_model
from clipdesk.network.normalization import normalized
from clipdesk.scenes.dataset import CONTEXT

WORDINGS = (
    "a photo of {}",
    "a picture of {}",
    "{}",
    "a close-up of {}",
    "an old photo of {}",
    "a bright photo of {}",
    "a small photo of {}",
    "a cropped photo of {}",
)
"""How a category is said; the first one is how it is asked for."""
WEIGHT_DECAY = 0.05
WARM_UP = 20_000
SMOOTHING = 0.1


class PhotoTrainer:
    """The training loop's state.

    Args:
        photographs: The training set.
        recipe: Architecture and training.
        seed: Of the weights, the order, the crops and the noise.
        total: Pictures to be seen in all, those that are shown again included.
        device: Device to train on.
    """

    def __init__(
        self, photographs: Photographs, recipe: TrainingRecipe, seed: int, total: int, device: torch.device
    ) -> None:
        self.recipe, self.total, self.device = recipe, total, device
        self.seen = 0
        self.rng = np.random.default_rng(seed)
        self.batches = Batches(photographs, recipe.side, device)
        prompts = clip.tokenize([w.format(name) for w in WORDINGS for name in photographs.categories], CONTEXT)
        self.used = token_subset(prompts)
        self.prompts = torch.searchsorted(self.used, prompts.long()).view(len(WORDINGS), -1, CONTEXT).to(device)
        self.model = build_model(recipe, len(self.used), seed).to(device).train()
        spread_texts(self.model, self.prompts.flatten(0, 1))
        self.mean = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        groups = [
            {"params": [p for p in self.model.parameters() if p.ndim >= 2], "weight_decay": WEIGHT_DECAY},
            {"params": [p for p in self.model.parameters() if p.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)

    def begin_with(self, exported: dict[str, Tensor]) -> None:
        """Begin with the weights of a model file; a text tower of another width stays as it is."""
        state = {name: value.float() if value.is_floating_point() else value for name, value in exported.items()}
        own = self.model.state_dict()
        if state["ln_final.weight"].shape == own["ln_final.weight"].shape:
            state["token_embedding.weight"] = state["token_embedding.weight"][self.used]
            state["positional_embedding"] = state["positional_embedding"][: self.model.context_length]
        else:
            state = {**own, **{name: value for name, value in state.items() if name.startswith("visual.")}}
        if (places := "visual.attnpool.positional_embedding") in state:
            state[places] = _moved_places(state[places], own[places])
        self.model.load_state_dict(state)
        self.mean = {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def state(self) -> dict[str, Any]:
        """What `resume` needs to go on later."""
        return {
            "model": self.model.state_dict(),
            "mean": self.mean,
            "optimizer": self.optimizer.state_dict(),
            "seen": self.seen,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from a `state`, in another order than without the interruption."""
        self.model.load_state_dict(state["model"])
        self.mean = state["mean"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.seen = state["seen"]
        self.rng = np.random.default_rng([0, self.seen])

    def step(self, batch: int) -> float:
        """Train on a batch, and late in the training again on its pushed copies; the first loss."""
        pixels, truth = self.batches.draw(batch, self.recipe.noise, self.rng)
        late = self.recipe.push > 0 and self.seen >= self.recipe.pushed_from * self.total
        return learn_pushed(
            lambda shown: self._update(shown, truth), pixels, self.recipe.push if late else 0.0, self.rng
        )

    def _update(self, pixels: Tensor, truth: Tensor) -> float:
        """One optimiser step; leaves the loss's gradient in `pixels` if these require one."""
        share = self.seen / self.total
        rate = min(1.0, self.seen / WARM_UP) * 0.5 * (1 + np.cos(np.pi * min(1.0, share)))
        prompts = self.prompts[self.rng.integers(len(self.prompts))]
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=HALF):
            shown = normalized(pixels).contiguous(memory_format=torch.channels_last)
            features = self.model.visual(shown).float()
            texts = self.model.encode_text(prompts).float()
        logits = self.model.logit_scale.exp() * normalize(features, dim=-1) @ normalize(texts, dim=-1).T
        loss = F.cross_entropy(logits, (1 - SMOOTHING) * truth + SMOOTHING / truth.shape[1])
        self.optimizer.zero_grad(set_to_none=True)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate * float(rate)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.seen += len(pixels)
        self._average()
        return float(loss.detach())

    def _average(self) -> None:
        with torch.no_grad():
            self.model.logit_scale.clamp_(max=float(np.log(100)))
        follow(self.mean, self.model.state_dict(), 0.002 if self.seen > WARM_UP else 0.1)


def _moved_places(places: Tensor, wanted: Tensor) -> Tensor:
    """An attention pool's embedding of positions for a map of another side; (1 + side * side, width) in and out."""
    old, new = (math.isqrt(len(each) - 1) for each in (places, wanted))
    maps = places[1:].T.reshape(1, -1, old, old)
    moved = F.interpolate(maps, (new, new), mode="bilinear", align_corners=True)
    return torch.cat([places[:1], moved.flatten(2)[0].T])


@torch.no_grad()
def spread_texts(model: CLIP, prompts: Tensor) -> None:
    """Shift the last bias of a new text tower so that the mean of the prompts' embeddings is zero.

    At first all prompts share most of their embeddings. ``photo-small`` was trained so, and learned no faster by it.

    Args:
        model: A CLIP.
        prompts: Token numbers, (prompts, context).
    """
    shared = torch.linalg.lstsq(model.text_projection.T, model.encode_text(prompts).mean(dim=0)[:, None]).solution
    model.get_parameter("ln_final.bias").sub_(shared[:, 0])


@torch.no_grad()
def named_share(model: CLIP, photographs: Photographs, *, noise: float = 0.0, seed: int = 0) -> float:
    """Share of photographs whose category's prompt is nearest to them by cosine similarity, in [0, 1].

    Args:
        model: A CLIP in float32.
        photographs: The photographs.
        noise: Standard deviation of Gaussian noise, as a share of the pixel range.
        seed: Of the noise.
    """
    texts = clip.tokenize([WORDINGS[0].format(name) for name in photographs.categories])
    directions = normalize(model.encode_text(texts), dim=-1)
    generator, right = torch.Generator().manual_seed(seed), 0
    for start in range(0, len(photographs.images), 100):
        images = torch.from_numpy(photographs.images[start : start + 100]).permute(0, 3, 1, 2).float() / 255
        side = model.visual.input_resolution
        pixels = F.interpolate(images, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
        pixels = pixels + noise * torch.randn(pixels.shape, generator=generator)
        guesses = (model.encode_image(normalized(pixels)) @ directions.T).argmax(dim=1)
        right += int((guesses.numpy() == photographs.labels[start : start + 100]).sum())
    return right / len(photographs.images)


def train(arguments: argparse.Namespace) -> None:
    """Train, report, and write the model file after every report."""
    changes = {name: getattr(arguments, name) for name in ("rate", "noise", "push", "pushed_from")}
    recipe = replace(PHOTOS[arguments.model], **{name: value for name, value in changes.items() if value is not None})
    work = arguments.work_dir or Path("build/demo") / arguments.model
    photographs, apart = read_photographs(arguments.folder)
    trainer = PhotoTrainer(photographs, recipe, arguments.seed, arguments.images or recipe.images, torch.device("cpu"))
    print(f"{len(photographs.images)} photographs to train on, {len(apart.images)} kept apart", flush=True)
    if arguments.start is not None:
        trainer.begin_with(torch.load(arguments.start, weights_only=True))
    state_file, output = work / "state.pt", work / f"{arguments.model}.pt"
    if state_file.exists():
        trainer.resume(torch.load(state_file, weights_only=True))
    started, first, losses = time.monotonic(), trainer.seen, list[float]()
    while trainer.seen < trainer.total:
        losses.append(trainer.step(arguments.batch))
        if trainer.seen < trainer.total and len(losses) % arguments.report_every:
            continue
        save_model(export_state_dict(trainer.mean, trainer.used, arguments.seed), output)
        save_model(trainer.state(), state_file)
        model = clip.load(str(output), device="cpu")[0].float()
        report = {
            "images": trainer.seen,
            "loss": round(float(np.mean(losses[-arguments.report_every :])), 3),
            "images_per_second": round((trainer.seen - first) / (time.monotonic() - started)),
            "named": round(named_share(model, apart), 3),
            "named_under_noise": round(named_share(model, apart, noise=0.25), 3),
        }
        print(json.dumps(report), flush=True)


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the arguments of `train`, by default those of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m clipdesk.demo.photos", description="Train a small CLIP on photographs in folders."
    )
    parser.add_argument("folder", type=Path, help="a folder of photographs for each category")
    parser.add_argument("--model", choices=list(PHOTOS), default="photo", help="model to train")
    parser.add_argument("--work-dir", type=Path, help="model file and state; default: build/demo and the model's name")
    parser.add_argument("--start", type=Path, help="model file to begin with")
    parser.add_argument("--images", type=int, help="total number of training pictures, instead of the recipe's")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, help="peak learning rate instead of the recipe's")
    parser.add_argument("--noise", type=float, help="strength of the noise instead of the recipe's")
    parser.add_argument("--push", type=float, help="largest adversarial push instead of the recipe's")
    parser.add_argument("--pushed-from", type=float, help="share of the images after which pictures are pushed")
    parser.add_argument("--report-every", type=int, default=300, help="steps between reports")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(words)


if __name__ == "__main__":
    train(parsed())
