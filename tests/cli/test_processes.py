"""What only a process of its own can show."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clipdesk.cli import display
from clipdesk.export.png import read_recipe
from tests.conftest import serve_model

ARGUMENTS = [sys.executable, "-m", "clipdesk"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_keeps_the_picture_reached_so_far(tmp_path: Path, checkpoint: Path) -> None:
    command = [*ARGUMENTS, "render", "--model", str(checkpoint), "--text", "a star", "--iterations", "5000"]
    process = subprocess.Popen(
        [*command, "--output", "x.png"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline().startswith("step 500/5000"), "the render is under way"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == "x.png\n"
    assert "Interrupted after step" in err
    assert "Traceback" not in err
    assert 500 <= read_recipe(tmp_path / "x.png").steps < 5000
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("x")] == ["x.png"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for another process")
def test_ctrl_c_in_a_download_keeps_what_has_arrived(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_model("ViT-B/32", bytes(3_000_000), monkeypatch, tmp_path) as server:
        server.answers += ["cut", "stall"]
        monkeypatch.setenv("HOME", str(tmp_path))
        process = subprocess.Popen(
            [*ARGUMENTS, "layers", "--model", "ViT-B/32"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        assert process.stderr.readline() == "Downloading ViT-B/32 …\n"
        part = tmp_path / ".cache" / "clip" / "ViT-B-32.pt.part"
        while len(server.requests) < 2 or part.stat().st_size < 1_500_000:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert out == ""
    assert err == "2 of 3 MB are here. The same command goes on from there.\n\nInterrupted.\n"
    assert part.stat().st_size >= 1_500_000


@pytest.mark.skipif(os.name == "nt", reason="a POSIX pipe")
def test_a_reader_that_goes_away_is_no_error() -> None:
    process = subprocess.Popen([*ARGUMENTS, "models"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
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
