import subprocess
import sys
from pathlib import Path

import clip
import pytest
from clip.model import CLIP

import clipdesk
from clipdesk import FeatureVisualizer, LayerInspector, NeuronActivationHook
from clipdesk.models.catalogue import file_of


def modules_after(code: str) -> set[str]:
    """Names of the top-level modules that a fresh Python has after running some code."""
    probe = f"{code}\nimport sys; print(' '.join({{n.partition('.')[0] for n in sys.modules}}))"
    return set(subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split())


def test_importing_clipdesk_loads_neither_torch_nor_qt() -> None:
    assert not {"torch", "PySide6", "clip"} & modules_after("import clipdesk")


def test_the_command_line_loads_neither_torch_nor_qt_for_help() -> None:
    assert not {"torch", "PySide6", "clip"} & modules_after(
        "from clipdesk.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    )


@pytest.mark.parametrize("name", clipdesk.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(clipdesk, name).__name__ == name


def test_a_wrong_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Frobnicator"):
        _ = clipdesk.Frobnicator


def test_the_snippet_of_the_readme(tmp_path: Path) -> None:
    model, _ = clip.load(str(file_of("demo")), device="cpu")
    assert "visual.transformer.resblocks.5.attn" in LayerInspector(model).get_layer_names()
    img = FeatureVisualizer(model, device="cpu").generate_image(
        layer_name="visual.transformer.resblocks.5.attn", neuron_index=32, num_iterations=2
    )
    img.save(tmp_path / "output.png")
    assert img.size == (128, 128)


def test_the_hook_is_public(vit: CLIP) -> None:
    import torch

    with NeuronActivationHook(vit, "visual.transformer.resblocks.1.attn", 3) as hook:
        vit.encode_image(torch.rand(5, 3, 32, 32))
    assert hook.activation is not None
    assert hook.activation.shape == (5,)


def test_the_visualizer_renders_other_kinds_of_targets(vit: CLIP) -> None:
    visualizer = FeatureVisualizer(vit)
    target = clipdesk.parse_target('"a star" - "a circle"')
    image = visualizer.generate(target, "draft", iterations=2, image_size=64)
    assert image.size == (64, 64)
    assert image.tobytes() == visualizer.generate(target.label, "draft", iterations=2, image_size=64).tobytes()
    with pytest.raises(clipdesk.UsageError, match="There is no layer"):
        visualizer.generate("visual.nowhere:1 + visual.nowhere:2")
