import subprocess
import sys

PROGRAM = """
import sys
from clipdesk.models.loading import load_model
load_model("demo", "cpu")
assert "torch._dynamo" not in sys.modules, "torch's compiler was imported"
import torchvision
assert "torchvision.models" not in sys.modules
try:
    torchvision.nothing
except AttributeError as error:
    assert "has no attribute 'nothing'" in str(error)
assert torchvision.ops.nms.__module__ == "torchvision.ops.boxes"
assert torchvision.models.resnet18.__name__ == "resnet18"
print("done")
"""


def test_a_model_is_opened_without_torchs_compiler_and_torchvision_is_whole() -> None:
    """In a process of its own: here everything may have been imported already."""
    found = subprocess.run([sys.executable, "-W", "ignore", "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert found.stdout.strip() == "done", found.stderr
