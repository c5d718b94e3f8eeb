"""What importing a part of ClipDesk takes along."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "clipdesk"


def loaded_by(*modules: str) -> set[str]:
    """Top-level names of what a fresh Python has loaded after importing some modules."""
    code = f"import {', '.join(modules)}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("module", ["events", "store", "job", "service", "saving", "kinds", "tasks", "executor"])
def test_importing_a_job_loads_neither_torch_nor_qt(module: str) -> None:
    assert not {"torch", "clip", "PySide6", "torchvision"} & loaded_by(f"clipdesk.jobs.{module}")


@pytest.mark.parametrize("module", ["following", "lending"])
def test_a_head_whose_workers_are_elsewhere_and_a_relay_do_without_torch(module: str) -> None:
    assert not {"torch", "clip", "PySide6", "torchvision"} & loaded_by(f"clipdesk.cli.{module}")


def test_help_loads_neither_torch_nor_numpy() -> None:
    """So that it is there at once."""
    code = (
        "import sys\n"
        "from clipdesk.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("Usage:")
    modules = {name.partition(".")[0] for name in said.stderr.split()}
    assert not {"torch", "numpy", "PIL", "PySide6", "rich"} & modules


def test_few_imports_are_inside_functions() -> None:
    """One inside a function hides what a module depends on; those that are left put off torch, NumPy or a window."""
    found = sorted(
        f"{path.relative_to(PACKAGE).as_posix()}:{line}"
        for path in PACKAGE.rglob("*.py")
        for line in imports_inside_functions(path.read_text(encoding="utf-8"))
    )
    assert len(found) < 40, "\n".join(found)


def imports_inside_functions(code: str) -> set[int]:
    """The lines of import statements inside functions."""
    functions = (
        node for node in ast.walk(ast.parse(code)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )
    return {
        node.lineno
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }


def test_imports_inside_functions_are_counted_once() -> None:
    code = "import a\ndef f():\n    import b\n    def g():\n        from c import d\nclass E:\n    import e\n"
    assert imports_inside_functions(code) == {3, 5}
