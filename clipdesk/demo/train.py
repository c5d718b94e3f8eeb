"""Train the embedded model: ``python -m clipdesk.demo.train``.

A small CLIP in OpenAI's state-dict format, trained on the scenes that `clipdesk.demo.scenes` draws.
Three losses are summed:

* the contrastive loss of CLIP (Radford et al. 2021, arXiv:2103.00020); captions name only some of a scene's factors, so
  every picture that a caption is true of counts as its match,
* the same for the bare prompts of each factor ("a star", "a red object", ...),
* linear heads that read the four factors off the class token; they speed up the start and are not kept.

Every picture is seen under strong Gaussian noise (sigma up to half the pixel range), colour gain and colour shift:
noise-trained networks have gradients that draw things that people can recognise.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import clip
import numpy as np
import torch
import torch.nn.functional as F
from clip.model import CLIP
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from clipdesk.demo.captions import FACTORS, NO_WORD, UNSAID, prompt
from clipdesk.demo.dataset import CAPTIONS_PER_SCENE, CONTEXT, Kind, Scenes, draw_scenes
from clipdesk.demo.evaluate import zero_shot_accuracy
from clipdesk.demo.export import export_state_dict, save_model, token_subset
from clipdesk.demo.scenes import COLOR_NAMES, SHAPE_NAMES, is_held_out
from clipdesk.render.transforms import normalized

TRAIN_SEED, TEST_SEED = 1, 2
MAX_NOISE = 0.5
PEAK_RATE = 1.2e-3
WEIGHT_DECAY = 0.05
WEIGHTS = {"shape": 1.5, "color": 0.25, "texture": 0.25, "background": 0.15}
"""Weight of each factor's prompts and of its head; shapes are the hardest to learn."""
# On a CPU the plain attention is faster than the fused one for 65 tokens, and chunks of 64 pictures stay in its caches.
ATTENTION = [SDPBackend.MATH] if not torch.cuda.is_available() else [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]
# Without AVX-512 a CPU has no fast bfloat16; there it is eighteen times slower than float32.
HALF = torch.cuda.is_available() or torch.backends.cpu.get_cpu_capability() not in ("DEFAULT", "AVX2")
CHUNK = 64 if not torch.cuda.is_available() else 4_096


@dataclass(frozen=True)
class TrainingSet:
    """The training scenes as the loop wants them; tokens are numbered within the words that captions use."""

    scenes: Scenes
    tokens: Tensor  # (count, captions, context)
    specs: Tensor  # (count, captions, 2, 4)
    says: Tensor  # (count, captions): the word that a caption says is written
    things: Tensor  # (count, 3, 4)
    words: Tensor  # (count,)
    prompts: Tensor  # (44, context)


OUTLINES = ("circle", "square", "triangle", "star", "heart", "cross", "hexagon", "crescent", "arrow", "fish")
"""Shapes that differ in their outline only; they are the hardest to tell apart, and shown twice as often."""


def build_model(words: int, seed: int) -> CLIP:
    """A CLIP as small as learns well, untrained; its vocabulary holds only the words that captions use."""
    torch.manual_seed(seed)
    return CLIP(
        embed_dim=128,
        image_resolution=128,
        vision_layers=6,
        vision_width=192,
        vision_patch_size=16,
        context_length=CONTEXT,
        vocab_size=words,
        transformer_width=128,
        transformer_heads=2,
        transformer_layers=2,
    )


def prepare(scenes: Scenes) -> tuple[TrainingSet, Tensor]:
    """Tokenise the captions; returns the set and the token numbers, in CLIP's vocabulary, that it uses."""
    prompts = clip.tokenize([prompt(factor, value) for factor, values in FACTORS.items() for value in values], CONTEXT)
    texts = [c.text for captions in scenes.captions for c in captions]
    unique = sorted(set(texts))
    place = {text: i for i, text in enumerate(unique)}
    table = clip.tokenize(unique, CONTEXT)
    used = token_subset(torch.cat([table, prompts]))
    tokens = torch.searchsorted(used, table.long())[torch.tensor([place[t] for t in texts])]
    specs = torch.tensor([c.specs for captions in scenes.captions for c in captions])
    says = torch.tensor([c.word for captions in scenes.captions for c in captions])
    return (
        TrainingSet(
            scenes,
            tokens.view(-1, CAPTIONS_PER_SCENE, CONTEXT),
            specs.view(-1, CAPTIONS_PER_SCENE, 2, 4),
            says.view(-1, CAPTIONS_PER_SCENE),
            torch.from_numpy(scenes.things),
            torch.from_numpy(scenes.words),
            torch.searchsorted(used, prompts.long()),
        ),
        used,
    )


def augment(pixels: Tensor, max_noise: float) -> Tensor:
    """Colour gain, colour shift and Gaussian noise, drawn for each picture of (n, 3, 128, 128) in [0, 1].

    The noise's sigma is up to `max_noise`, and smaller ones are more frequent: fine outlines drown in strong noise.
    """
    n, device = len(pixels), pixels.device
    gain = 1 + 0.12 * (2 * torch.rand(n, 3, 1, 1, device=device) - 1)
    shift = 0.08 * (2 * torch.rand(n, 3, 1, 1, device=device) - 1)
    sigma = max_noise * torch.rand(n, 1, 1, 1, device=device) ** 2.5
    return pixels * gain + shift + sigma * torch.randn_like(pixels)


def contrastive_loss(logits: Tensor, match: Tensor, unseen: Tensor) -> Tensor:
    """Cross-entropy in both directions, each row's probability spread evenly over its matches.

    Args:
        logits: Similarity of every picture with every caption, (pictures, captions).
        match: Whether the caption is true of the picture.
        unseen: Pairs to leave out; see `held_out_pairs`.
    """
    target = match.float()
    logits = logits.masked_fill(unseen & ~match, -1e4)
    to_text = F.cross_entropy(logits, target / target.sum(1, keepdim=True))
    to_image = F.cross_entropy(logits.T, target.T / target.T.sum(1, keepdim=True))
    return (to_text + to_image) / 2


def held_out_pairs() -> Tensor:
    """Which shape x colour pairs are held out, (shapes, colours).

    Such a pair must not count as a wrong answer in training either. If red hearts are held out, "a heart" would be
    wrong for every picture of a red thing, and the model would learn that red things are never hearts.
    """
    return torch.tensor([[is_held_out(shape, color) for color in COLOR_NAMES] for shape in SHAPE_NAMES])


def true_captions(things: Tensor, words: Tensor, specs: Tensor, says: Tensor) -> Tensor:
    """Which captions are true of which pictures, (pictures, captions), bool.

    A caption is, when for each thing that it speaks of the picture has one with all that is mentioned, and the word
    that it says is written, if any, is.

    Args:
        things: Factors of the pictures' things, -1 for none, (pictures, things, 4).
        words: What is written, (pictures,).
        specs: What the captions mention, -1 for nothing, (captions, specs, 4).
        says: The word that they say is written, -1 for none, (captions,).
    """
    fits = (things[:, None, None] == specs[None, :, :, None]) | (specs[None, :, :, None] == UNSAID)
    described = fits.all(dim=-1).any(dim=-1).all(dim=-1)
    return described & ((words[:, None] == says[None]) | (says[None] == NO_WORD))


def kept_out(things: Tensor, specs: Tensor, held_out: Tensor) -> Tensor:
    """Which captions must not count as wrong for which pictures, (pictures, captions); see `held_out_pairs`.

    Args:
        things: As for `true_captions`.
        specs: As for `true_captions`.
        held_out: As `held_out_pairs` gives it.
    """
    # An index of -1 takes the last row, which stands for no pair.
    table = F.pad(held_out, (0, 1, 0, 1))
    shapes, colors = things[:, None, :, None, 0], things[:, None, :, None, 1]
    said_shapes, said_colors = specs[None, :, None, :, 0], specs[None, :, None, :, 1]
    return (table[shapes, said_colors] | table[said_shapes, colors]).any(dim=-1).any(dim=-1)


class Trainer:
    """The training loop's state: model, heads, optimiser, and how many images were seen."""

    def __init__(self, data: TrainingSet, words: int, arguments: argparse.Namespace) -> None:
        seed, device, compiled = arguments.seed, torch.device(arguments.device), arguments.compile
        self.peak_rate, self.quiet_start = arguments.rate, arguments.start is None
        self.data, self.device, self.seen = data, device, 0
        self.rng = np.random.default_rng(seed)
        self.model = build_model(words, seed).to(device).train()
        outlines = [SHAPE_NAMES.index(shape) for shape in OUTLINES]
        often = np.isin(data.scenes.things[..., 0], outlines).any(axis=1)
        self.chances = (1.0 + often) / (1.0 + often).sum()
        self.held_out = held_out_pairs().to(device)
        self.heads = nn.ModuleList(nn.Linear(192, len(values)) for values in FACTORS.values()).to(device)
        parameters = [*self.model.parameters(), *self.heads.parameters()]
        groups = [
            {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": WEIGHT_DECAY},
            {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=self.peak_rate, betas=(0.9, 0.98), fused=True)
        # The heads read the class token before its projection, so the tower is run without the projection.
        projection = self.model.visual.proj
        if not isinstance(projection, nn.Parameter):
            raise TypeError("the vision tower has no projection")
        self.projection = projection
        self.model.visual.proj = None
        self.tower = torch.compile(self.model.visual, dynamic=False) if compiled else self.model.visual

    def begin_with(self, exported: dict[str, Tensor], used: Tensor) -> None:
        """Begin with the weights of a model file instead of random ones; the heads stay random."""
        state = {name: value.float() for name, value in exported.items()}
        state["token_embedding.weight"] = state["token_embedding.weight"][used]
        state["positional_embedding"] = state["positional_embedding"][: self.model.context_length]
        self.projection.data.copy_(state.pop("visual.proj"))
        self.model.load_state_dict(state)

    def state(self) -> dict[str, Tensor]:
        """The model's state dict, its projection put back."""
        return {**self.model.state_dict(), "visual.proj": self.projection.detach()}

    def step(self, batch: int, total: int) -> float:
        """One optimiser step on `batch` images of `total`; returns the loss."""
        progress = self.seen / total
        rate = self.peak_rate * min(1.0, self.seen / 20_000, max(0.0, (1 - progress) / 0.4))
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        rows = np.sort(self.rng.choice(len(self.chances), batch, p=self.chances))
        max_noise = MAX_NOISE * (min(1.0, progress / 0.3) if self.quiet_start else 1.0)
        loss = self._loss(rows, max_noise)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        with torch.no_grad():
            self.model.logit_scale.clamp_(max=math.log(100))
        self.seen += batch
        return float(loss.detach())

    def _loss(self, rows: np.ndarray[tuple[int], np.dtype[np.int64]], max_noise: float) -> Tensor:
        pixels = torch.from_numpy(self.data.scenes.images[rows]).to(self.device).permute(0, 3, 1, 2).float() / 255
        pixels = augment(pixels, max_noise)
        things, words = self.data.things[rows].to(self.device), self.data.words[rows].to(self.device)
        pick = torch.from_numpy(self.rng.integers(CAPTIONS_PER_SCENE, size=len(rows)))
        tokens = self.data.tokens[rows, pick].to(self.device)
        specs, says = self.data.specs[rows, pick].to(self.device), self.data.says[rows, pick].to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=HALF), sdpa_kernel(ATTENTION):
            features = torch.cat([self.tower(chunk) for chunk in torch.split(normalized(pixels), CHUNK)]).float()
            texts = self.model.encode_text(torch.cat([tokens, self.data.prompts.to(self.device)])).float()
        images = features @ self.projection
        scale = self.model.logit_scale.exp()
        logits = scale * F.normalize(images, dim=-1) @ F.normalize(texts, dim=-1).T
        captions, prompts = logits[:, : len(tokens)], logits[:, len(tokens) :]
        match = true_captions(things, words, specs, says)
        loss = contrastive_loss(captions, match, kept_out(things, specs, self.held_out))
        return loss + self._naming_loss(features, prompts, things)

    def _naming_loss(self, features: Tensor, prompts: Tensor, things: Tensor) -> Tensor:
        """How badly each factor is named, by its prompts and by its head; with two objects, either name is right."""
        loss = torch.zeros((), device=self.device)
        table = F.pad(self.held_out, (0, 1, 0, 1))
        ruled_out = {
            "shape": table.T[things[..., 1]].any(dim=1)[:, :-1],
            "color": table[things[..., 0]].any(dim=1)[:, :-1],
        }
        start = 0
        for column, (head, (factor, values)) in enumerate(zip(self.heads, FACTORS.items(), strict=True)):
            truth = F.one_hot(things[..., column] + 1, len(values) + 1)[..., 1:].amax(dim=1).float()
            rows = truth.sum(dim=1) > 0
            truth = truth[rows] / truth[rows].sum(dim=1, keepdim=True)
            for guess in (prompts[rows, start : start + len(values)], head(features[rows])):
                if factor in ruled_out:
                    guess = guess.masked_fill(ruled_out[factor][rows] & (truth == 0), -1e4)
                loss = loss + WEIGHTS[factor] * F.cross_entropy(guess, truth)
            start += len(values)
        return loss


def train(arguments: argparse.Namespace) -> None:
    """Draw the scenes, train, report, and write the model file after every report."""
    work: Path = arguments.work_dir
    work.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    scenes = draw_scenes(arguments.scenes, TRAIN_SEED, Kind.COMPOSED, cache=work / "scenes.u8")
    test = draw_scenes(1_000, TEST_SEED, Kind.HELD_OUT)
    print(f"{arguments.scenes} scenes in {time.monotonic() - started:.0f} s", flush=True)
    data, used = prepare(scenes)
    trainer = Trainer(data, len(used), arguments)
    if arguments.start is not None:
        trainer.begin_with(torch.load(arguments.start, weights_only=True), used)
    state_file = work / "state.pt"
    if state_file.exists():
        state = torch.load(state_file, weights_only=True)
        trainer.projection.data.copy_(state["model"].pop("visual.proj"))
        trainer.model.load_state_dict(state["model"])
        trainer.heads.load_state_dict(state["heads"])
        trainer.optimizer.load_state_dict(state["optimizer"])
        trainer.seen = state["seen"]
        trainer.rng = np.random.default_rng([arguments.seed, trainer.seen])
    started, first = time.monotonic(), trainer.seen
    losses: list[float] = []
    while trainer.seen < arguments.images:
        losses.append(trainer.step(arguments.batch, arguments.images))
        done = trainer.seen >= arguments.images
        if not done and len(losses) % arguments.report_every:
            continue
        exported = export_state_dict(trainer.state(), used, arguments.seed)
        save_model(exported, arguments.output)
        torch.save(
            {
                "model": trainer.state(),
                "heads": trainer.heads.state_dict(),
                "optimizer": trainer.optimizer.state_dict(),
                "seen": trainer.seen,
            },
            state_file,
        )
        figures = zero_shot_accuracy(_opened(arguments.output), test)
        seconds = time.monotonic() - started
        report = {
            "images": trainer.seen,
            "loss": round(float(np.mean(losses[-arguments.report_every :])), 3),
            "images_per_second": round((trainer.seen - first) / seconds),
            **{factor: round(value, 3) for factor, value in figures.items()},
        }
        print(json.dumps(report), flush=True)


def _opened(path: Path) -> CLIP:
    model: CLIP = clip.load(str(path), device="cpu")[0]
    return model.float()


def main() -> None:
    """Parse the command line and train."""
    parser = argparse.ArgumentParser(
        prog="python -m clipdesk.demo.train", description="Train ClipDesk's embedded model."
    )
    parser.add_argument("--output", type=Path, default=Path("resources/models/demo.pt"), help="model file to write")
    parser.add_argument("--work-dir", type=Path, default=Path("build/demo"), help="drawn scenes and resumable state")
    parser.add_argument("--scenes", type=int, default=100_000, help="training scenes to draw")
    parser.add_argument("--images", type=int, default=700_000, help="training images to show in all")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--start", type=Path, help="model file to begin with")
    parser.add_argument("--rate", type=float, default=PEAK_RATE, help="peak learning rate")
    parser.add_argument("--report-every", type=int, default=200, help="steps between reports")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", action="store_true", help="compile the vision tower (needs a C++ compiler)")
    train(parser.parse_args())


if __name__ == "__main__":
    main()
