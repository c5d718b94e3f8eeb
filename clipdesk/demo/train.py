"""Train the embedded models: ``python -m clipdesk.demo.train --model demo``.

Small CLIPs in OpenAI's state-dict format, trained on the pictures that `clipdesk.scenes.compositions` draws. Three
losses are summed:

* the contrastive loss of CLIP (Radford et al. 2021, arXiv:2103.00020); captions name only some of a picture's factors,
  so every picture for which a caption is true counts as its match,
* the same for the bare prompts of each factor ("a star", "a red object", ...),
* a linear head that reads the four factors off the embedding; it speeds up the start and is not kept.

A transformer may also learn from a trained ResNet; see `clipdesk.demo.guidance`.

The shipped models see their pictures under strong Gaussian noise. Late in the training they see each batch twice more,
each time moved further along the loss's gradient ("free" adversarial training, Shafahi et al. 2019, arXiv:1904.12843):
the gradients of such networks draw things that people can recognise (Engstrom et al. 2019, arXiv:1906.00945; Kaur et
al. 2019, arXiv:1910.08640).
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import clip
import numpy as np
import torch
import torch.nn.functional as F
from clip.model import CLIP
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from clipdesk.demo.evaluate import draw_written_names, written_accuracy, zero_shot_accuracy
from clipdesk.demo.export import export_state_dict, save_model, token_subset
from clipdesk.demo.guidance import Guidance
from clipdesk.demo.losses import contrastive_loss, held_out_pairs, kept_out, naming_loss, true_captions
from clipdesk.demo.pictures import HALF, augment, learn_pushed, shifted
from clipdesk.demo.recipes import EMBEDDING, RECIPES, TrainingRecipe, build_model
from clipdesk.network.normalization import normalized
from clipdesk.scenes.captions import FACTORS, prompt
from clipdesk.scenes.dataset import CAPTIONS_PER_SCENE, CONTEXT, Kind, Scenes, draw_scenes
from clipdesk.scenes.scenes import SHAPE_NAMES

TRAIN_SEED, TEST_SEED = 1, 2
WEIGHT_DECAY = 0.05
NOISY_FROM = 0.6
"""Share of the training over which the noise grows to its full strength, unless the weights were trained with it."""
WARM_UP = 20_000
"""Number of pictures over which the learning rate rises."""
# On a CPU the plain attention is faster than the fused one for 65 tokens, and chunks of 64 pictures stay in its caches.
ATTENTION = [SDPBackend.MATH] if not torch.cuda.is_available() else [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]
CHUNK = 64 if not torch.cuda.is_available() else 4_096
OUTLINES = ("circle", "square", "triangle", "star", "heart", "cross", "hexagon", "crescent", "arrow", "fish")
"""Shapes that differ only in their outline. They are the hardest to tell apart, so they are shown twice as often."""
MOST_SHIFT = 5
"""Largest shift of a picture in pixels. A transformer reads pictures on a grid, and must not learn that grid."""


@dataclass(frozen=True)
class TrainingSet:
    """The training pictures as the loop needs them; token numbers count only the words that captions use."""

    sets: tuple[Scenes, Scenes]  # compositions, then lone names; the rows below cover both in this order
    tokens: Tensor  # (count, captions, context)
    specs: Tensor  # (count, captions, 2, 4)
    says: Tensor  # (count, captions): the written word that a caption mentions
    things: Tensor  # (count, 3, 4)
    words: Tensor  # (count,)
    prompts: Tensor  # (44, context)


@dataclass(frozen=True)
class Batch:
    """The pictures and captions of one batch, on the training device."""

    pixels: Tensor  # (n, 3, 128, 128) in [0, 1]
    tokens: Tensor
    specs: Tensor
    says: Tensor
    things: Tensor
    words: Tensor


def prepare(scenes: Scenes, names: Scenes) -> tuple[TrainingSet, Tensor]:
    """Tokenise the captions of compositions and of lone names.

    Returns:
        The set, and the token numbers that it uses, in CLIP's vocabulary.
    """
    captions_of_all = scenes.captions + names.captions
    prompts = clip.tokenize([prompt(factor, value) for factor, values in FACTORS.items() for value in values], CONTEXT)
    texts = [c.text for captions in captions_of_all for c in captions]
    unique = sorted(set(texts))
    place = {text: i for i, text in enumerate(unique)}
    table = clip.tokenize(unique, CONTEXT)
    used = token_subset(torch.cat([table, prompts]))
    tokens = torch.searchsorted(used, table.long())[torch.tensor([place[t] for t in texts])]
    specs = torch.tensor([c.specs for captions in captions_of_all for c in captions])
    says = torch.tensor([c.word for captions in captions_of_all for c in captions])
    return (
        TrainingSet(
            (scenes, names),
            tokens.view(-1, CAPTIONS_PER_SCENE, CONTEXT),
            specs.view(-1, CAPTIONS_PER_SCENE, 2, 4),
            says.view(-1, CAPTIONS_PER_SCENE),
            torch.from_numpy(np.concatenate([scenes.things, names.things])),
            torch.from_numpy(np.concatenate([scenes.words, names.words])),
            torch.searchsorted(used, prompts.long()),
        ),
        used,
    )


class Trainer:
    """The training loop's state: model, head, optimiser, and the number of images seen.

    Args:
        data: The training set.
        words: Size of its vocabulary.
        recipe: Architecture and training of the model.
        seed: Seed of the weights, of the order of the pictures and of their noise.
        device: Device to train on.
        begun: True if the weights come from a model that was trained with noise.
        teacher: A trained model that guides this one; see `Guidance`.
    """

    def __init__(
        self,
        data: TrainingSet,
        words: int,
        recipe: TrainingRecipe,
        seed: int,
        device: torch.device,
        *,
        begun: bool = False,
        teacher: CLIP | None = None,
    ) -> None:
        self.data = data
        self.recipe = recipe
        self.seed = seed
        self.device = device
        self.begun = begun
        self.seen = 0
        self.rng = np.random.default_rng(seed)
        self.model = build_model(recipe, words, seed).to(device).train()
        self.head = nn.Linear(EMBEDDING, sum(map(len, FACTORS.values()))).to(device)
        outlines = [SHAPE_NAMES.index(shape) for shape in OUTLINES]
        scenes, names = data.sets
        often = 1.0 + np.isin(scenes.things[:, :2, 0], outlines).any(axis=1)
        alone = np.full(len(names.images), recipe.reading / len(names.images))
        self.chances = np.concatenate([(1 - recipe.reading) * often / often.sum(), alone])
        self.held_out = held_out_pairs().to(device)
        self.guidance = Guidance(teacher.to(device), self.model) if teacher is not None else None
        learning = [self.model, self.head]
        if self.guidance is not None:
            learning.append(self.guidance.mappings.to(device))
        self.optimizer = _optimizer([p for part in learning for p in part.parameters()])

    def begin_with(self, exported: dict[str, Tensor], used: Tensor) -> None:
        """Replace the random weights by those of a model file; the head stays random."""
        state = {name: value.float() if value.is_floating_point() else value for name, value in exported.items()}
        state["token_embedding.weight"] = state["token_embedding.weight"][used]
        state["positional_embedding"] = state["positional_embedding"][: self.model.context_length]
        self.model.load_state_dict(state)

    def state(self) -> dict[str, Any]:
        """The state that `resume` needs to continue later."""
        return {
            "model": self.model.state_dict(),
            "head": self.head.state_dict(),
            **({} if self.guidance is None else {"guidance": self.guidance.mappings.state_dict()}),
            "optimizer": self.optimizer.state_dict(),
            "seen": self.seen,
        }

    def resume(self, state: dict[str, Any]) -> None:
        """Continue from a `state`. The order of the pictures differs from that of an uninterrupted training."""
        self.model.load_state_dict(state["model"])
        self.head.load_state_dict(state["head"])
        if self.guidance is not None:
            self.guidance.mappings.load_state_dict(state["guidance"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.seen = state["seen"]
        self.rng = np.random.default_rng([self.seed, self.seen])

    def step(self, batch: int, total: int) -> float:
        """Train on one batch of the `total` pictures, and again on its pushed copies; returns the first loss."""
        progress = self.seen / total
        noise = self.recipe.noise * (1.0 if self.begun else min(1.0, progress / NOISY_FROM))
        chosen = self._next(batch)
        push = self.recipe.push if progress >= self.recipe.pushed_from else 0.0
        pixels = augment(chosen.pixels, noise, self.rng)
        return learn_pushed(lambda shown: self._update(shown, chosen, total), pixels, push, self.rng)

    def _update(self, pixels: Tensor, batch: Batch, total: int) -> float:
        """One optimiser step; leaves the loss's gradient in `pixels` if these require one."""
        rate = min(1.0, self.seen / WARM_UP, max(0.0, (1 - self.seen / total) / 0.4))
        loss = self._loss(pixels, batch)
        self.optimizer.zero_grad(set_to_none=True)
        for group in self.optimizer.param_groups:
            group["lr"] = self.recipe.rate * rate
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(max=math.log(100))
        self.seen += len(pixels)
        return float(loss.detach())

    def _next(self, size: int) -> Batch:
        data, device = self.data, self.device
        rows = np.sort(self.rng.choice(len(self.chances), size, p=self.chances))
        pick = torch.from_numpy(self.rng.integers(CAPTIONS_PER_SCENE, size=size))
        # The rows are sorted: those of the first set come first.
        first = len(data.sets[0].images)
        parts = [data.sets[0].images[rows[rows < first]], data.sets[1].images[rows[rows >= first] - first]]
        images = torch.from_numpy(shifted(np.concatenate(parts), MOST_SHIFT, self.rng)).to(device)
        tokens, specs, says = (part[rows, pick].to(device) for part in (data.tokens, data.specs, data.says))
        pixels = images.permute(0, 3, 1, 2).float() / 255
        return Batch(pixels, tokens, specs, says, data.things[rows].to(device), data.words[rows].to(device))

    def _loss(self, pixels: Tensor, batch: Batch) -> Tensor:
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=HALF), sdpa_kernel(ATTENTION):
            features = torch.cat([self.model.visual(chunk) for chunk in torch.split(normalized(pixels), CHUNK)]).float()
            texts = self.model.encode_text(torch.cat([batch.tokens, self.data.prompts.to(self.device)])).float()
        logits = self.model.logit_scale.exp() * F.normalize(features, dim=-1) @ F.normalize(texts, dim=-1).T
        captions, prompts = logits[:, : len(batch.tokens)], logits[:, len(batch.tokens) :]
        match = true_captions(batch.things, batch.words, batch.specs, batch.says)
        loss = contrastive_loss(captions, match, kept_out(batch.things, batch.specs, self.held_out))
        for guesses in (prompts, self.head(features)):
            loss = loss + naming_loss(guesses, batch.things, self.held_out)
        return loss if self.guidance is None else loss + self.guidance.loss(batch.pixels)


def _optimizer(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)


def train(arguments: argparse.Namespace) -> None:
    """Draw the scenes, train, report, and write the model file after every report."""
    recipe, seed = RECIPES[arguments.model], arguments.seed
    work: Path = arguments.work_dir / (arguments.run or arguments.model)
    changes = {name: getattr(arguments, name) for name in ("rate", "noise", "push", "reading", "pushed_from")}
    recipe = replace(recipe, **{name: value for name, value in changes.items() if value is not None})
    total: int = arguments.images or recipe.images
    work.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    cache = arguments.work_dir / "scenes"
    scenes = draw_scenes(arguments.scenes, TRAIN_SEED, Kind.COMPOSED, cache=cache)
    lone = draw_scenes(arguments.names, TRAIN_SEED, Kind.NAMES, cache=cache)
    test, names = draw_scenes(1_000, TEST_SEED, Kind.HELD_OUT), draw_written_names(TEST_SEED)
    data, used = prepare(scenes, lone)
    print(f"{arguments.scenes} scenes and {arguments.names} names in {time.monotonic() - started:.0f} s", flush=True)
    teacher = None if arguments.teacher is None else _opened(arguments.teacher)
    device, begun = torch.device(arguments.device), arguments.start is not None
    trainer = Trainer(data, len(used), recipe, seed, device, begun=begun, teacher=teacher)
    if arguments.start is not None:
        trainer.begin_with(torch.load(arguments.start, weights_only=True), used)
    state_file = work / "state.pt"
    if state_file.exists():
        trainer.resume(torch.load(state_file, weights_only=True, map_location=device))
        print(f"continuing after {trainer.seen} images from {state_file}", flush=True)
    output: Path = arguments.output or work / f"{arguments.model}.pt"
    started, first, losses = time.monotonic(), trainer.seen, list[float]()
    while trainer.seen < total:
        losses.append(trainer.step(arguments.batch, total))
        if trainer.seen < total and len(losses) % arguments.report_every:
            continue
        save_model(export_state_dict(trainer.model.state_dict(), used, seed), output)
        save_model(trainer.state(), state_file)
        opened = _opened(output)
        report = {
            "images": trainer.seen,
            "loss": round(float(np.mean(losses[-arguments.report_every :])), 3),
            "images_per_second": round((trainer.seen - first) / (time.monotonic() - started)),
            **{factor: round(share, 3) for factor, share in zero_shot_accuracy(opened, test).items()},
            "written": round(written_accuracy(opened, names)["all"], 3),
        }
        print(json.dumps(report), flush=True)


def _opened(path: Path) -> CLIP:
    model: CLIP = clip.load(str(path), device="cpu")[0]
    return model.float()


def parsed(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the arguments of `train`, by default those of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m clipdesk.demo.train", description="Train one of ClipDesk's embedded models."
    )
    parser.add_argument("--model", choices=list(RECIPES), default="demo", help="model to train")
    parser.add_argument("--run", help="name of the folder in the work directory; default: the model's name")
    parser.add_argument("--output", type=Path, help="model file to write; default: in the work directory")
    parser.add_argument("--work-dir", type=Path, default=Path("build/demo"), help="drawn scenes and resumable state")
    parser.add_argument("--scenes", type=int, default=100_000, help="training scenes to draw")
    parser.add_argument("--names", type=int, default=60_000, help="written names to draw")
    parser.add_argument("--images", type=int, help="total number of training images, instead of the recipe's")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--start", type=Path, help="model file to begin with")
    parser.add_argument("--rate", type=float, help="peak learning rate instead of the recipe's, e.g. 3e-4 with --start")
    parser.add_argument("--noise", type=float, help="strength of the noise instead of the recipe's")
    parser.add_argument("--reading", type=float, help="share of written names instead of the recipe's")
    parser.add_argument("--push", type=float, help="largest adversarial push instead of the recipe's")
    parser.add_argument("--pushed-from", type=float, help="share of the images after which pictures are pushed")
    parser.add_argument("--teacher", type=Path, help="model file of a trained ResNet that guides a transformer")
    parser.add_argument("--report-every", type=int, default=150, help="steps between reports")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args(words)


if __name__ == "__main__":
    train(parsed())
