"""The commands, in process, on small models; every wrong input is one line and leaves nothing behind."""

import json
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clipdesk.export.png import read_recipe, save_png
from clipdesk.export.recipe import Recipe
from clipdesk.render.presets import make_settings
from clipdesk.render.targets import Text, Unit
from tests.cli.conftest import Command
from tests.recipes import make_recipe

LAYER = "visual.transformer.resblocks.1.mlp.gelu"


def test_models_in_a_pipe_are_plain_names(clipdesk: Command) -> None:
    lines = clipdesk("models").out.splitlines()
    assert lines[0] == "demo"
    assert "ViT-B/32" in lines
    rows = {row["name"]: row for row in json.loads(clipdesk("models", "--json").out)}
    assert rows["demo"]["on_disk"].endswith("demo.pt")
    assert rows["ViT-L/14@336px"]["input_px"] == 336
    assert {row["licence"] for row in rows.values()} == {"MIT"}


def test_models_are_filtered_by_words(clipdesk: Command) -> None:
    assert clipdesk("models", "--filter", "patches 16").out.splitlines() == ["ViT-B/16"]


def test_without_the_extra_open_clip_is_refused_with_one_line(
    clipdesk: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipdesk.models.listing.has_open_clip", lambda: False)
    result = clipdesk("models", "--open-clip")
    assert result.code == 2
    assert result.err.splitlines()[-1].endswith("Get it: pip install 'clipdesk[open-clip]'")


def test_it_is_said_how_a_checkpoint_was_read_and_kept_what_was_asked_for(
    clipdesk: Command, tmp_path: Path, checkpoint: Path
) -> None:
    err = clipdesk("layers", "--model", "SMALL").err
    assert "Activation QuickGELU: OpenAI's class has written it. For the other one, open small.pt?gelu." in err
    clipdesk(
        *("render", "--model", f"{checkpoint}?gelu", "--text", "a", "--iterations", "1"),
        *("--output", str(tmp_path / "x.png")),
    )
    assert "small.pt?gelu" in clipdesk("show", str(tmp_path / "x.png")).out
    again = clipdesk("render", "--from", str(tmp_path / "x.png"), "--output", str(tmp_path / "y.png"))
    assert "Activation" not in again.err, "what was asked for needs no remark"
    assert read_recipe(tmp_path / "y.png").model == f"{checkpoint}?gelu"


def test_layers(clipdesk: Command) -> None:
    lines = clipdesk("layers", "--model", "SMALL").out.splitlines()
    assert LAYER in lines
    assert not any("out_proj" in line for line in lines)
    rows = json.loads(clipdesk("layers", "--model", "SMALL", "--all", "--json").out)
    dead = [row for row in rows if row["layer"].endswith("out_proj")]
    assert len(dead) == 2
    assert "never called" in dead[0]["cannot_be_visualised"]


def test_neurons(clipdesk: Command) -> None:
    assert clipdesk("neurons", "--model", "SMALL", "--layer", LAYER).out.splitlines()[255] == "neuron_255"


def test_tables_on_a_terminal(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    out = clipdesk("layers", "--model", "SMALL").out
    assert "QuickGELU" in out
    assert "17 x 256" in out


def test_render_writes_one_named_picture(clipdesk: Command) -> None:
    outcome = clipdesk("render", "--model", "SMALL", "--layer", LAYER, "--neuron", "3", "--iterations", "2")
    assert outcome.code == 0
    (name,) = clipdesk.files()
    assert name.startswith(f"neuron_3_{LAYER}_")
    assert outcome.out == f"generated_images/{name}\n"
    assert "step 2/2" in outcome.err


def test_all_commands_that_write_have_the_short_option_for_where(clipdesk: Command) -> None:
    quick = ("--model", "SMALL", "--iterations", "1", "--size", "64", "--device", "cpu")
    assert clipdesk("render", "--text", "a star", *quick, "-o", "own/star.png").code == 0
    assert clipdesk("batch", "--layer", LAYER, "--neuron-range", "0", "1", "1", *quick, "-o", "own").code == 0
    assert clipdesk("sheet", "own", "-o", "own.png").code == 0
    assert clipdesk("curves", "own", "-o", "own.csv").code == 0
    assert {"own.csv", "own.png", "star.png"} <= set(clipdesk.files())
    assert len(list((clipdesk.folder / "own").glob("*.png"))) == 2


def test_all_options_arrive_in_the_recipe(clipdesk: Command) -> None:
    options = "--size 64 --iterations 2 --lr 0.02 --blur-every 3 --seed 9 --device cpu --preset classic --tv-weight 0.5"
    clipdesk("render", "--model", "SMALL", "--text", "a star", "--output", "x.png", *options.split())
    recipe = read_recipe(clipdesk.folder / "x.png")
    assert recipe.target == Text(text="a star")
    wanted = {"image_size": 64, "iterations": 2, "learning_rate": 0.02, "blur_every": 3, "seed": 9, "device": "cpu"}
    wanted |= {"parameterization": "pixel", "tv_weight": 0.5}
    assert wanted.items() <= recipe.settings.model_dump().items()


def test_a_picture_is_rendered_again_from_its_recipe(clipdesk: Command) -> None:
    options = "--layer visual.conv1 --neuron 2 --iterations 3 --seed 5 --device cpu --output first.png"
    clipdesk("render", "--model", "SMALL", *options.split())
    clipdesk("render", "--from", "first.png", "--output", "again.png")
    first, again = (np.asarray(Image.open(clipdesk.folder / name)) for name in ("first.png", "again.png"))
    assert (first == again).all()
    clipdesk("render", "--from", "first.png", "--output", "other.png", "--seed", "6")
    other = read_recipe(clipdesk.folder / "other.png")
    assert other.settings == read_recipe(clipdesk.folder / "first.png").settings.model_copy(update={"seed": 6})
    assert clipdesk("render", "--from", "first.png", "--neuron", "3").code == 2
    assert "does not contain a ClipDesk recipe" not in clipdesk("render", "--from", "none.png").err


def test_other_weights_are_reported(clipdesk: Command) -> None:
    save_png(
        np.zeros((32, 32, 3), dtype=np.uint8),
        clipdesk.folder / "x.png",
        make_recipe(Unit(layer="visual.conv1", index=1), make_settings(iterations=2, device="cpu"), steps=1).model_copy(
            update={"weights": "0" * 64}
        ),
    )
    err = clipdesk("render", "--from", "x.png", "--model", "SMALL", "--output", "y.png").err
    assert "was made with other weights" in err
    assert "was stopped at step 1" in err


def test_a_recipe_is_shown(clipdesk: Command) -> None:
    recipe = make_recipe(Text(text="a star"))
    save_png(np.zeros((32, 32, 3), dtype=np.uint8), clipdesk.folder / "x.png", recipe)
    assert Recipe.from_json(clipdesk("show", "x.png", "--json").out) == recipe
    lines = clipdesk("show", "x.png").out.splitlines()
    assert any(line.split() == ["target", '"a', 'star"'] for line in lines)
    assert any(line.split() == ["iterations", str(recipe.settings.iterations)] for line in lines)
    (clipdesk.folder / "bad.png").write_text("hello")
    outcome = clipdesk("show", "bad.png")
    assert outcome.err == "Error: bad.png is not a PNG picture\n"
    assert outcome.code == 2


def test_a_contact_sheet(clipdesk: Command) -> None:
    (clipdesk.folder / "out").mkdir()
    save_png(np.zeros((32, 32, 3), dtype=np.uint8), clipdesk.folder / "out" / "x.png", make_recipe())
    outcome = clipdesk("sheet", "out", "--output", "all.pdf")
    assert (outcome.out, outcome.err) == ("all.pdf\n", "1 picture\n")
    assert clipdesk("sheet", "none").err == "Error: There is no folder none\n"


def test_a_page_and_curves(clipdesk: Command) -> None:
    clipdesk(*f"render --model SMALL --layer {LAYER} --neuron 1 --iterations 3 --output out".split())
    outcome = clipdesk("page", "out")
    assert (outcome.code, outcome.out, outcome.err[:11]) == (0, "out/page.html\n", "1 picture, ")
    assert (clipdesk.folder / "out" / "page.html").read_bytes().startswith(b"<!doctype html>")
    outcome = clipdesk("curves", "out")
    assert (outcome.out, outcome.err) == ("curves.csv\n", "1 picture\n")
    lines = (clipdesk.folder / "curves.csv").read_text().splitlines()
    assert [line.split(",")[2:7] for line in lines[1:]] == [[LAYER, "1", "", "0", str(step)] for step in (1, 2, 3)]
    assert clipdesk("curves", "out", "--wide", "--output", "w.csv").code == 0
    assert (clipdesk.folder / "w.csv").read_text().count("\n") == 4
    save_png(np.zeros((32, 32, 3), dtype=np.uint8), clipdesk.folder / "out" / "x.png", make_recipe())
    assert clipdesk("curves", "out").err == "1 picture; 1 without a curve\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["page", "no/folder"], "There is no folder no/folder"),
        (["page", "."], ". does not contain a picture that ClipDesk wrote"),
        (["page", ".", "--output", "x.png"], "A page is an .html file, not x.png"),
        (["curves", "none"], "There is no folder none"),
        (["curves", ".", "--output", "x.png"], "Curves go into a .csv file, not x.png"),
    ],
)
def test_a_wrong_page_or_table_is_refused(clipdesk: Command, arguments: list[str], message: str) -> None:
    outcome = clipdesk(*arguments)
    assert (outcome.code, outcome.err) == (2, f"Error: {message}\n")
    assert clipdesk.files() == []


def test_several_pictures_go_into_a_folder(clipdesk: Command) -> None:
    arguments = ["render", "--model", "SMALL", "--text", "a star", "--text", "a heart", "--iterations", "1"]
    assert clipdesk(*arguments, "--output", "out").code == 0
    assert len(list((clipdesk.folder / "out").iterdir())) == 2


@pytest.mark.parametrize("kind", ["webp", "gif", "mp4"])
def test_an_animation_is_saved_beside_its_picture(clipdesk: Command, kind: str) -> None:
    outcome = clipdesk(*RENDER, "--neuron", "2", "--iterations", "3", "--output", "out", "--animation", kind)
    assert outcome.code == 0
    files = [clipdesk.folder / line for line in outcome.out.splitlines()]
    assert [path.suffix for path in files] == [".png", f".{kind}"] * 2
    assert [path.stem for path in files[::2]] == [path.stem for path in files[1::2]]
    assert {path.name for path in files} == set(clipdesk.files())
    if kind != "mp4":
        with Image.open(files[1]) as animation:
            assert getattr(animation, "n_frames", 1) == 3
    clipdesk("render", "--from", str(files[0]), "--output", "again.png", "--animation", kind)
    assert (clipdesk.folder / f"again.{kind}").read_bytes()[:4] == files[1].read_bytes()[:4]


def test_a_slow_animation_says_so(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(*_: object) -> None:
        time.sleep(0.3)

    monkeypatch.setattr("clipdesk.cli.working.save_animation", slow)
    arguments = [*RENDER, "--iterations", "1", "--output", "x.png", "--animation", "gif"]
    assert "Saving x.gif" not in clipdesk(*arguments).err
    monkeypatch.setattr("clipdesk.cli.terminal._SLOW_SECONDS", 0.05)
    assert "Saving x.gif ...\n" in clipdesk(*arguments).err


def test_mp4_without_pyav_is_refused_before_anything_is_rendered(
    clipdesk: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    outcome = clipdesk(*RENDER, "--animation", "mp4")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == "Error: MP4 needs PyAV: pip install 'clipdesk[video]'. WebP and GIF work without it\n"
    assert clipdesk.files() == []


def test_a_batch_skips_existing_pictures(clipdesk: Command) -> None:
    arguments = ["batch", "--model", "SMALL", "--layer", LAYER, "--iterations", "1", "--seed-base", "7"]
    first = clipdesk(*arguments, "--neuron-range", "0", "20", "8")
    assert first.code == 0
    assert "3 rendered, 0 skipped, 0 failed" in first.err
    assert "skipped is there" not in first.err
    second = clipdesk(*arguments, "--neuron-range", "0", "25", "8")
    assert "1 rendered, 3 skipped, 0 failed" in second.err
    assert second.err.endswith("What was skipped is there already, made with the same settings.\n")
    assert "4 rendered, 0 skipped" in clipdesk(*arguments, "--neuron-range", "0", "25", "8", "--no-skip").err
    metadata = json.loads((clipdesk.folder / f"generated_images/{LAYER}_metadata.json").read_text())
    assert metadata["units"]["8"]["parameters"]["seed"] == 15


RENDER = ["render", "--model", "SMALL", "--layer", LAYER, "--neuron", "1"]
BATCH = ["batch", "--model", "SMALL", "--layer", LAYER, "--neuron-range"]
TARGET = ["render", "--model", "SMALL", "--target"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["render", "--model", "ViT-B/3", "--text", "a"], 2, "no model or file 'ViT-B/3'. Did you mean"),
        (["layers", "--model", "nothing.pt"], 2, "no model or file 'nothing.pt'"),
        ([*RENDER[:-4], "--layer", f"{LAYER}s", "--neuron", "1"], 2, f"Did you mean {LAYER}"),
        ([*RENDER[:-1], "256"], 2, "256 neurons are 0 to 255"),
        ([*RENDER[:-1], "-1"], 2, "--neuron must be 0 or more"),
        (["render", "--model", "SMALL"], 2, "Name what to render"),
        (["render", "--model", "SMALL", "--layer", LAYER], 2, "--layer needs --neuron"),
        ([*RENDER[:-4], "--layer", "1.mlp.gel", "--neuron", "1"], 2, "Did you mean 1.mlp.gelu"),
        (["render", "--model", "SMALL", "--text", " "], 2, "--text is empty"),
        ([*RENDER, "--text", "a star"], 2, "Name one of"),
        ([*RENDER, "--target", '"a star"'], 2, "Name one of"),
        ([*TARGET, '"a star" -'], 2, "A term is missing"),
        ([*TARGET, f"{LAYER}:1 - {LAYER}:1"], 2, "Nothing is left"),
        ([*TARGET, f"{LAYER}:[nowhere.npy]"], 2, "Cannot read nowhere.npy"),
        ([*TARGET, f"{LAYER}:1@400"], 2, "has no position 400"),
        ([*TARGET, f"{LAYER}:1 + visual.nowhere:2"], 2, "There is no layer 'visual.nowhere'"),
        (["neurons", "--model", "SMALL", "--layer", "visual.transformer.resblocks.0.attn.out_proj"], 2, "never called"),
        ([*BATCH, "5", "5", "1"], 2, "names no neurons: END must be greater"),
        ([*BATCH, "9", "3", "1"], 2, "names no neurons: END must be greater"),
        ([*BATCH, "0", "3", "0"], 2, "STEP must be 1 or more"),
        ([*BATCH, "0", "300", "1"], 2, "0 to 255"),
        ([*RENDER, "--size", "32"], 2, "image_size must be from 64 to 2048 px, not 32"),
        ([*RENDER, "--iterations", "0"], 2, "iterations must be from 1 to 5000 steps, not 0"),
        ([*RENDER, "--iterations", "many"], 2, "'many' is not a valid integer"),
        ([*RENDER, "--device", "cuda:77"], 1, "Device 'cuda:77' is not there. Use one of"),
        ([*RENDER, "--device", "gpu"], 2, "device must be auto"),
        ([*RENDER, "--output", "x.jpg"], 2, "must end in .png or be a folder"),
        ([*RENDER, "--animation", "avi"], 2, "An animation is webp, gif or mp4, not avi"),
        ([*RENDER, "--output", "/dev/null/x.png"], 1, "Cannot write to the folder /dev/null"),
        ([*BATCH, "0", "3", "1", "--output-dir", "/dev/null/x"], 1, "Cannot write to the folder /dev/null"),
        (["frobnicate"], 2, "No such command"),
    ],
)
def test_wrong_input(clipdesk: Command, arguments: list[str], code: int, message: str) -> None:
    outcome = clipdesk(*arguments)
    assert outcome.code == code
    assert message in outcome.err
    assert outcome.err.count("Error:") == 1
    assert "Traceback" not in outcome.err
    assert outcome.err.splitlines()[-1].startswith("Error:")
    assert clipdesk.files() == []


def test_a_file_that_is_not_a_checkpoint_is_refused(clipdesk: Command) -> None:
    (clipdesk.folder / "x.pt").write_text("hello")
    outcome = clipdesk("render", "--model", "x.pt", "--text", "a")
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "x.pt is not a CLIP checkpoint" in outcome.err
    assert clipdesk.files() == ["x.pt"]


def test_a_full_disk(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    outcome = clipdesk(*RENDER, "--iterations", "1")
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].startswith("Error: Cannot write")
    assert "the disk is full" in outcome.err
    assert clipdesk.files() == []


def test_without_a_display_the_window_says_so(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    outcome = clipdesk()
    assert outcome.code == 1
    assert "there is no display" in outcome.err


def test_without_a_display_the_demo_renders_in_the_terminal(clipdesk: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clipdesk.cli.display.why_no_display", lambda **_: "there is no display")
    monkeypatch.setattr("clipdesk.cli.rendering._QUICK_STEPS", 2)
    outcome = clipdesk("--start")
    assert outcome.code == 0
    assert outcome.err.splitlines()[0].endswith("so the picture is rendered in the terminal.")
    assert (clipdesk.folder / outcome.out.strip()).is_file()


def test_a_sum_of_targets_is_rendered_named_and_made_again(clipdesk: Command) -> None:
    expression = f'"a star" - 0.5*{LAYER}:3@max'
    quick = ("--iterations", "2", "--size", "64", "--device", "cpu")
    outcome = clipdesk("render", "--model", "SMALL", "--target", expression, "--output", "out", *quick)
    assert outcome.code == 0
    (name,) = clipdesk.files("out")
    assert name.startswith("combined_a-star-0-5-visual-transformer")
    assert read_recipe(clipdesk.folder / "out" / name).target.label == expression
    assert clipdesk("render", "--from", f"out/{name}", "--output", "again.png").code == 0
    first, again = (np.asarray(Image.open(clipdesk.folder / path)) for path in (f"out/{name}", "again.png"))
    assert np.array_equal(first, again)


def test_a_spectrum_of_a_folder_can_be_rendered_with(clipdesk: Command) -> None:
    (clipdesk.folder / "mine").mkdir()
    (clipdesk.folder / "empty").mkdir()
    Image.effect_noise((80, 60), 50).save(clipdesk.folder / "mine" / "a.jpg")
    made = clipdesk("spectrum", "mine", "own.npy", "--size", "64")
    assert (made.code, made.out.strip(), made.err.strip()) == (0, "own.npy", "1 picture")
    done = clipdesk(
        *("render", "--model", "SMALL", "--layer", "visual.conv1", "--neuron", "1", "--iterations", "2"),
        *("--parameterization", "maco", "--spectrum", "own.npy", "--output", "a.png"),
    )
    assert done.code == 0, done.err
    recipe = read_recipe(clipdesk.folder / "a.png")
    assert recipe.settings.spectrum == str(clipdesk.folder / "own.npy")
    assert list(recipe.files) == [str(clipdesk.folder / "own.npy")]
    assert clipdesk("spectrum", "mine", "own.png").code == 2
    assert "no image" in clipdesk("spectrum", "empty", "b.npy").err
    assert "Cannot read nowhere" in clipdesk("spectrum", "nowhere", "b.npy").err
