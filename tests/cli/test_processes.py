"""Tests that need a separate process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clipdesk.cli import display
from clipdesk.export.png import read_recipe
from clipdesk.jobs.store import JobStore, default_store
from tests.conftest import VIT_LAYER, serve_model

ARGUMENTS = [sys.executable, "-m", "clipdesk"]


needs_signals = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals for another process")


@contextmanager
def started(*arguments: str, folder: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """ClipDesk in a separate process, which receives Ctrl-C and does not outlive the test."""
    # A shell that runs the tests in its background has them ignore Ctrl-C; so would a process that they start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [*ARGUMENTS, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_keep_the_picture_reached_so_far(
    tmp_path: Path, checkpoint: Path, number: signal.Signals
) -> None:
    arguments = ["render", "--model", str(checkpoint), "--text", "a star", "--iterations", "2000", "--views", "1"]
    with started(*arguments, "--output", "x.png", folder=tmp_path) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("step 200/2000"), "the render is under way"
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == "x.png\n"
    assert ": stopped at " in err
    assert "Traceback" not in err
    assert 200 <= read_recipe(tmp_path / "x.png").steps < 2000
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("x")] == ["x.png"]


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_batch_keeps_what_it_reached_and_goes_on_later(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    monkeypatch.setenv("CLIPDESK_DATA", str(tmp_path / "data"))
    arguments = ["batch", "--model", str(checkpoint), "--layer", VIT_LAYER, "--neuron-range", "0", "3", "1"]
    with started(*arguments, "--iterations", "400", "--views", "1", folder=tmp_path) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("step 120/1200"), "the render is under way"
        store = JobStore(default_store())
        assert store.get(1).counts == {"running": 3}
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith("The same command goes on, or 'clipdesk queue run'. It is job 1.\n")
    assert "Traceback" not in err
    assert store.get(1).counts == {"waiting": 3}
    store.close()
    kept = sorted((tmp_path / "generated_images").glob("*.png"))
    assert out.splitlines() == [str(path) for path in kept], "paths alone, for the next program of a pipe"
    assert err.count(": stopped at ") == 3
    assert [40 <= read_recipe(path).steps < 400 for path in kept] == [True] * 3


@needs_signals
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_keep_the_part_of_a_download_that_has_arrived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    with serve_model("ViT-B/32", bytes(3_000_000), monkeypatch, tmp_path) as server:
        server.answers += ["cut", "stall"]
        monkeypatch.setenv("HOME", str(tmp_path))
        with started("layers", "--model", "ViT-B/32") as process:
            assert process.stderr is not None
            assert process.stderr.readline() == "Downloading ViT-B/32 …\n"
            part = tmp_path / ".cache" / "clip" / "ViT-B-32.pt.part"
            while len(server.requests) < 2 or part.stat().st_size < 1_500_000:
                time.sleep(0.05)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert err == "2 of 3 MB have arrived. The same command continues from there.\n\nInterrupted.\n"
    assert part.stat().st_size >= 1_500_000


@pytest.mark.skipif(os.name == "nt", reason="a POSIX pipe")
def test_a_closed_pipe_is_not_an_error() -> None:
    with started("models") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        process.wait(timeout=60)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
def test_a_display_that_does_not_answer_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    monkeypatch.setenv("DISPLAY", ":987")
    assert "987 cannot be reached" in (display.why_no_display() or "")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    assert display.why_no_display() is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
def test_a_bundled_program_asks_itself_for_the_display(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "clipdesk"
    program.write_text(
        f'#!/bin/sh\n[ "$*" = {display.TRY_DISPLAY} ] && echo "could not connect to display" >&2\nexit 1\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(program))
    assert "987 cannot be reached" in (display.why_no_display() or "")
    program.write_text("#!/bin/sh\n")
    assert display.why_no_display() is None
